#include "daemon/status/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

namespace syncd::status {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

JobStatus users() {
  JobStatus status;
  status.name = "users";
  status.state = JobState::Running;
  status.lag = std::chrono::milliseconds(1500);
  status.next_run = WallTime(seconds(1'800'000'000));
  return status;
}

std::string page_of(const JobStatus& status, const JobCounters& counters) {
  MetricsPage page;
  page.daemon("1.2.3", milliseconds(2), 3);
  page.process();
  page.jobs({{&status, &counters, WallTime(seconds(1'700'000'001))}});
  page.circuits({{"app", MetricsPage::Circuit::Closed}, {"cache", MetricsPage::Circuit::Open}});
  page.models({{"digest", 1200, 80}});
  return page.text();
}

TEST(Metrics, CountWhatAJobDid) {
  JobCounters counters;
  counters.ended("succeeded", milliseconds(250), 400, 48'000, 1, WallTime(seconds(1'700'000'002)));
  counters.ended("failed", seconds(20), 100, 12'000, 2, WallTime(seconds(1'700'000'900)));
  counters.ended("succeeded", std::chrono::hours(3), 0, 0, 0, WallTime(seconds(1'700'090'000)));
  JobStatus now = users();
  now.run.emplace();
  now.run->rows = 100;
  now.run->bytes = 12'000;
  now.run->attempts = 3;
  const std::string text = page_of(now, counters);
  EXPECT_THAT(text, HasSubstr("syncd_job_rows_total{job=\"users\"} 600\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_bytes_total{job=\"users\"} 72000\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_retries_total{job=\"users\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_runs_total{job=\"users\",outcome=\"succeeded\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_run_duration_seconds_bucket{job=\"users\",le=\"0.1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_run_duration_seconds_bucket{job=\"users\",le=\"0.5\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_run_duration_seconds_bucket{job=\"users\",le=\"60\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_run_duration_seconds_bucket{job=\"users\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_run_duration_seconds_sum{job=\"users\"} 10820.25\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_last_success_timestamp_seconds{job=\"users\"} 1700090000\n"));
  EXPECT_THAT(text, HasSubstr("syncd_checkpoint_timestamp_seconds{job=\"users\"} 1700000001\n"));
}

TEST(Metrics, SayHowThingsStand) {
  const std::string text = page_of(users(), JobCounters());
  EXPECT_THAT(text, HasSubstr("syncd_build_info{version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("syncd_loop_lag_seconds 0.002\n"));
  EXPECT_THAT(text, HasSubstr("syncd_queue_length{queue=\"runs\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("syncd_circuit_state{target=\"app\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("syncd_circuit_state{target=\"cache\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("syncd_llm_tokens_total{job=\"digest\",direction=\"output\"} 80\n"));
  EXPECT_THAT(text, HasSubstr("syncd_jobs{state=\"running\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("syncd_jobs{state=\"failed\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_lag_seconds{job=\"users\"} 1.5\n"));
  EXPECT_THAT(text, HasSubstr("syncd_job_next_run_timestamp_seconds{job=\"users\"} 1800000000\n"));
  EXPECT_THAT(text, Not(HasSubstr("syncd_job_last_success_timestamp_seconds{"))) << "it has had none";
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
}

// The format's own rules: a family is announced before its samples, once, and they stand together.
TEST(Metrics, KeepToTheFormat) {
  std::istringstream lines(page_of(users(), JobCounters()));
  std::set<std::string> announced;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    static const std::regex type(R"(# TYPE (\w+) (counter|gauge|histogram))");
    static const std::regex sample(R"((\w+?)(_bucket|_sum|_count)?(\{(\w+="[^"]*",?)+\})? [0-9.e+-]+)");
    std::smatch found;
    if (std::regex_match(line, found, type)) {
      family = found[1];
      EXPECT_TRUE(announced.insert(family).second) << family << " twice";
      EXPECT_EQ(found[2] == "counter", family.ends_with("_total")) << family;
    } else if (!line.starts_with("# HELP ")) {
      ASSERT_TRUE(std::regex_match(line, found, sample)) << line;
      EXPECT_TRUE(found[1] == family || line.starts_with(family)) << line;
    }
  }
}

TEST(Metrics, QuotesInLabelsAreEscaped) {
  JobStatus odd = users();
  odd.name = "a\"b\\c\nd";
  EXPECT_THAT(page_of(odd, JobCounters()), HasSubstr(R"(syncd_job_rows_total{job="a\"b\\c\nd"} 0)"));
}

}  // namespace
}  // namespace syncd::status
