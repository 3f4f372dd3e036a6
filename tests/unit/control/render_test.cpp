#include "daemon/ctl/render.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "daemon/ctl/table.hpp"
#include "tests/support/has.hpp"
#include "tests/unit/control/screen.hpp"

namespace syncd::ctl {
namespace {

using syncd::test::has;

using control::Json;
using status::JobState;
using status::JobStatus;
using test::kNow;
using test::look;

JobStatus job(const std::string& name, JobState state) {
  JobStatus made;
  made.name = name;
  made.state = state;
  made.schedule = "every 30s";
  made.source = "postgres_table";
  made.sink = "redis_hash";
  made.last_run.emplace();
  made.last_run->outcome = "succeeded";
  made.last_run->started = kNow - std::chrono::minutes(4);
  made.last_run->ended = kNow - std::chrono::minutes(3);
  made.last_run->rows = 1234567;
  made.next_run = kNow + std::chrono::seconds(12);
  made.position.push_back({"", "updated_at 2026-03-01 10:00:00+00, id 7"});
  return made;
}

std::size_t widest(const std::string& text) {
  std::istringstream lines(text);
  std::size_t most = 0;
  for (std::string line; std::getline(lines, line);) most = std::max(most, columns_of(line));
  return most;
}

// No byte of it can steer a terminal.
bool harmless(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n') || byte == 0x7f) return false;
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;
  }
  return !has(text, "\u202e");
}

const std::string kEvil = "\033[2J\x7f\n\r\u009b31m\u202e\xff evil";

JobStatus evil_job() {
  JobStatus made = job("users", JobState::Waiting);
  made.name = made.description = made.schedule = kEvil;
  made.waiting_for = made.note = made.last_error = made.pause_reason = made.source = made.sink = kEvil;
  made.transforms = made.guarantees = {kEvil};
  made.position = {{kEvil, kEvil}};
  made.last_run->outcome = made.last_run->error = kEvil;
  made.paused_since = kNow;
  made.dead_letters = 3;
  made.run.emplace();
  return made;
}

TEST(Render, ATableFitsEveryWidth) {
  std::vector<JobStatus> jobs = {job("users", JobState::Running),
                                 job("a_job_with_quite_a_long_name_indeed", JobState::Failed)};
  jobs[1].last_error = "connecting to db.internal:5432: connection refused, and a rather long explanation";
  for (std::size_t width = 20; width <= 300; ++width) {
    EXPECT_LE(widest(status_table(jobs, look(width))), width) << status_table(jobs, look(width));
  }
  const std::string wide = status_table(jobs, look(300));
  for (const char* part : {"JOB", "STATE", "1,234,567", "ok 3 min ago", "in 12 s", "every 30s", "id 7",
                           "a_job_with_quite_a_long_name_indeed", "connection refused"}) {
    EXPECT_TRUE(has(wide, part)) << part << "\n" << wide;
  }
  const std::string narrow = status_table(jobs, look(60));
  for (const char* part : {"users", "running", "failed"}) EXPECT_TRUE(has(narrow, part)) << narrow;
}

TEST(Render, APageFitsEveryWidth) {
  JobStatus status = job("users", JobState::Waiting);
  status.waiting_for = "fence held 3 h 12 min by pid 4711 app=report user=bi (idle in transaction for 3 h)";
  status.guarantees = {"no row missed: reads are fenced against transactions that commit late"};
  status.run.emplace();
  status.run->started = kNow - std::chrono::hours(2);
  for (std::size_t width = 40; width <= 200; ++width) {
    EXPECT_LE(widest(status_page(status, look(width))), width);
  }
}

TEST(Render, APageTellsWhyAndWhatNext) {
  JobStatus status = job("users", JobState::Failed);
  status.last_error = "Redis: OOM command not allowed";
  status.last_error_at = kNow - std::chrono::seconds(20);
  status.dead_letters = 3;
  status.last_run->outcome = "failed";
  status.last_run->error = "another error";
  std::string page = status_page(status, look(100));
  for (const char* part : {"users: failed", "another error", "Redis: OOM command not allowed (20 s ago)",
                           "next in 12 s", "syncctl dead-letters list users"}) {
    EXPECT_TRUE(has(page, part)) << part << "\n" << page;
  }
  EXPECT_TRUE(
      has(status_table({status}, look(200)), "not allowed; 3 dead letters; `syncctl dead-letters list"));
  status.state = JobState::Waiting;
  status.waiting_for = status.last_error + "; next try at 2026-03-01T10:00:00.000Z";
  page = status_page(status, look(100));
  EXPECT_TRUE(has(page, "next try at"));
  EXPECT_EQ(page.find("OOM"), page.rfind("OOM")) << "the same error is shown once\n" << page;
}

TEST(Render, PausedAndFencedAreSaid) {
  JobStatus status = job("users", JobState::Paused);
  status.pause_reason = "migration";
  status.paused_since = kNow - std::chrono::hours(1);
  EXPECT_TRUE(has(status_page(status, look(100)), "1 h 0 min ago: migration"));
  EXPECT_TRUE(has(status_table({status}, look(100)), "paused: migration"));
  status = job("users", JobState::Fenced);
  status.waiting_for = "job 'users' is run by another syncd (host2 pid 7)";
  EXPECT_TRUE(has(status_table({status}, look(100)), "another syncd (host2 pid 7)"));
}

TEST(Render, NothingFromOutsideReachesTheTerminalUnescaped) {
  for (const std::size_t width : {30U, 80U, 400U}) {
    EXPECT_TRUE(harmless(status_table({evil_job()}, look(width)))) << width;
    EXPECT_TRUE(harmless(status_page(evil_job(), look(width)))) << width;
    EXPECT_TRUE(harmless(progress_line(evil_job(), look(width)))) << width;
  }
  Json result = Json::object();
  result["outcome"] = result["error"] = kEvil;
  EXPECT_TRUE(harmless(run_result(kEvil, result)));
  Json finding = Json::object();
  finding["level"] = finding["place"] = finding["text"] = finding["remedy"] = kEvil;
  EXPECT_TRUE(harmless(findings(Json::array({finding}), look(80))));
  Json lines = Json::object();
  lines["lines"] = Json::array({kEvil, kEvil});
  EXPECT_TRUE(harmless(explanation(lines, look(80))));
  Json position = Json::object();
  position["partition"] = position["text"] = position["words"] = kEvil;
  Json held = Json::object();
  held["job"] = held["sink_error"] = kEvil;
  held["local"] = Json::array({position});
  held["previous"]["time_us"] = 1;
  held["previous"]["change"] = kEvil;
  held["previous"]["positions"] = Json::array({position});
  EXPECT_TRUE(harmless(checkpoint(held, look(80))));
  Json letter = Json::object();
  letter["record"] = letter["error"] = kEvil;
  Json letters = Json::object();
  letters["letters"] = Json::array({letter});
  EXPECT_TRUE(harmless(dead_letters(letters, look(80))));
  Json question = Json::object();
  question["unit"] = question["model"] = kEvil;
  Json rehearsed = Json::object();
  rehearsed["from"] = rehearsed["writes"] = rehearsed["notes"] = Json::array({kEvil});
  rehearsed["bad"] = letters["letters"];
  rehearsed["questions"] = Json::array({question});
  EXPECT_TRUE(harmless(dry_run(rehearsed, look(80))));
  Json line = Json::object();
  line["level"] = line["job"] = line["text"] = kEvil;
  EXPECT_TRUE(harmless(log_line(line, look(80))));
}

TEST(Render, ColoursOnlyWhereAskedFor) {
  const std::vector<JobStatus> jobs = {job("users", JobState::Failed)};
  EXPECT_TRUE(has(status_table(jobs, look(80, true)), "\033[31mfailed\033[0m"));
  EXPECT_TRUE(harmless(status_table(jobs, look(80, false))));
}

TEST(Render, RepliesOfAnotherShapeAreNoCrash) {
  for (const Json& odd :
       {Json(), Json(7), Json("x"), Json::array(), Json::object(), Json::array({Json(), 7})}) {
    EXPECT_NO_THROW(run_result("users", odd));
    EXPECT_NO_THROW(findings(odd, look(80)));
    EXPECT_NO_THROW(checkpoint(odd, look(80)));
    EXPECT_NO_THROW(dead_letters(odd, look(80)));
    EXPECT_NO_THROW(explanation(odd, look(80)));
    EXPECT_NO_THROW(cleared("users", odd));
    EXPECT_NO_THROW(dry_run(odd, look(80)));
    EXPECT_NO_THROW(log_line(odd, look(80)));
  }
}

TEST(Render, CheckSaysHowManyOfEach) {
  Json error = Json::object();
  error["level"] = "error";
  error["place"] = "/etc/syncd/jobs.d/users.toml:7:1";
  error["text"] = "unknown key 'tabel'; did you mean 'table'?";
  const std::string one = findings(Json::array({error}), look(80));
  EXPECT_TRUE(has(one, "/etc/syncd/jobs.d/users.toml:7:1: error: unknown key 'tabel'")) << one;
  EXPECT_TRUE(has(one, "1 error, 0 warnings\n")) << one;
  EXPECT_EQ(findings(Json::array(), look(80)), "no errors\n");
}

TEST(Render, RelativeTimesAndSizes) {
  EXPECT_EQ(relative(kNow, kNow), "now");
  EXPECT_EQ(relative(kNow + std::chrono::seconds(90), kNow), "in 1 min 30 s");
  EXPECT_EQ(relative(kNow - std::chrono::seconds(12), kNow), "12 s ago");
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(1023), "1023 B");
  EXPECT_EQ(human_size(1536), "1.5 KiB");
  EXPECT_EQ(human_size(~0ULL), "16384.0 PiB");
}

TEST(Table, WrapsAtBlanksAndBreaksLongWords) {
  EXPECT_EQ(wrapped("one two three", 10, 2), "  one two\n  three\n");
  EXPECT_EQ(wrapped(std::string(20, 'x'), 12, 2), "  xxxxxxxxxx\n  xxxxxxxxxx\n");
  EXPECT_EQ(wrapped("", 10, 2), "");
  EXPECT_EQ(cut("äöüß", 3), "äö…");
  EXPECT_EQ(cut("äöü", 3), "äöü");
}

}  // namespace
}  // namespace syncd::ctl
