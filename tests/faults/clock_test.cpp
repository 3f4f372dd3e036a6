// The real daemon under a clock that is set (libfaketime), and killed between the record of an occurrence and
// its start.  Its servers live in real time.
#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/items.hpp"

namespace syncd::test {
namespace {

std::string library() {
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib")) {
    const auto file = entry.path() / "faketime/libfaketimeMT.so.1";
    if (std::filesystem::exists(file)) return file.string();
  }
  throw std::runtime_error("libfaketime is missing: packaging/install-dependencies test");
}

std::int64_t us(const std::string& utc) {
  std::tm parts{};
  ::strptime(utc.c_str(), "%Y-%m-%d %H:%M:%S", &parts);
  return static_cast<std::int64_t>(::timegm(&parts)) * 1'000'000;
}

class ClockTest : public ::testing::Test {
 protected:
  ClockTest() { items_.insert(3); }

  void write_job(const std::string& name, const std::string& schedule, const std::string& more = "") const {
    JobLines lines;
    lines.sink = "type = 'redis_hash'\nkey = '" + name + ":{id}'";
    lines.schedule = schedule;
    lines.job = more;
    syncd_.write_job(name, lines);
  }
  // From now on the daemon's wall clock shows this, and goes on.
  void set_clock(const std::string& utc) {
    const auto real = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const double offset = static_cast<double>(us(utc) - real.count()) / 1e6;
    const std::string temporary = syncd_.path("clock.new");
    std::ofstream(temporary) << (offset >= 0 ? "+" : "") << std::fixed << offset << "\n";
    std::filesystem::rename(temporary, syncd_.path("clock"));
  }
  void start(std::map<std::string, std::string> env = {}) {
    env["TZ"] = "UTC";
    env["LD_PRELOAD"] = library();
    env["FAKETIME_TIMESTAMP_FILE"] = syncd_.path("clock");
    env["FAKETIME_NO_CACHE"] = "1";
    env["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
    env["DONT_FAKE_MONOTONIC"] = "1";
    syncd_.start(std::move(env));
  }
  // The kernel does not tell of a clock that only the library has set: look now.
  void look() {
    EXPECT_EQ(syncd_.ctl({"pause", "aside"}).code, 0);
    EXPECT_EQ(syncd_.ctl({"resume", "aside"}).code, 0);
  }
  // The daemon's clock.
  std::int64_t now() {
    const Finished run = syncd_.ctl({"run", "aside", "--wait", "--json"});
    return run.code == 0 ? Json::parse(run.out)["ended_us"].get<std::int64_t>() : 0;
  }
  std::vector<Json> history(const std::string& job) {
    std::vector<Json> entries;
    std::istringstream lines(syncd_.ctl({"history", job, "--json", "-n", "1000"}).out);
    for (std::string line; std::getline(lines, line);) entries.push_back(Json::parse(line));
    return entries;
  }
  // "planned outcome cause" of those that have ended, times in UTC.
  std::vector<std::string> ended(const std::string& job) {
    std::vector<std::string> all;
    for (const Json& entry : history(job)) {
      if (entry["outcome"] == "running") continue;
      const std::time_t planned = entry["planned_us"].get<std::int64_t>() / 1'000'000;
      std::string text(32, '\0');
      text.resize(std::strftime(text.data(), text.size(), "%m-%d %H:%M:%S", std::gmtime(&planned)));
      all.push_back(text + " " + entry["outcome"].get<std::string>() + " " +
                    entry["cause"].get<std::string>());
    }
    return all;
  }

  Items items_{PostgresServer::shared()};
  RedisServer redis_;
  Installation syncd_{Connected(items_.uri()), Connected(redis_.socket_uri())};
};

using Lines = std::vector<std::string>;

TEST_F(ClockTest, ATimeThatDoesNotExistRunsOnceAfterTheGap) {
  write_job("aside", "manual");
  write_job("nightly", "cron 30 2 * * *", "time_zone = 'Europe/Paris'");
  set_clock("2026-03-29 00:59:57");
  start();
  const Json next = Json::parse(syncd_.ctl({"next", "nightly", "-n", "1", "--json"}).out);
  EXPECT_EQ(next["at_us"], us("2026-03-29 01:00:00"));
  EXPECT_EQ(next["local"], "2026-03-29 03:00:00 +02:00");
  EXPECT_EQ(next["zone"], "Europe/Paris");
  EXPECT_EQ(next["note"], "02:30 does not exist on 2026-03-29 in Europe/Paris, runs 03:00");
  EXPECT_EVENTUALLY_EQ(ended("nightly"), (Lines{"03-29 01:00:00 succeeded schedule"}));
  EXPECT_EVENTUALLY(now() > us("2026-03-29 01:00:03"));
  EXPECT_EQ(ended("nightly").size(), 1U);
  EXPECT_EQ(syncd_.process().terminate(), 0);
}

TEST_F(ClockTest, ATimeThatComesTwiceRunsTheFirstTime) {
  write_job("aside", "manual");
  write_job("nightly", "cron 30 2 * * *", "time_zone = 'Europe/Paris'");
  set_clock("2026-10-25 00:29:57");
  start();
  EXPECT_EVENTUALLY_EQ(ended("nightly"), (Lines{"10-25 00:30:00 succeeded schedule"}));
  set_clock("2026-10-25 01:29:58");
  look();
  EXPECT_EVENTUALLY(now() > us("2026-10-25 01:30:02"));
  look();
  EXPECT_EQ(ended("nightly").size(), 1U);
  EXPECT_EQ(syncd_.process().terminate(), 0);
}

TEST_F(ClockTest, AClockThatIsSetBackStartsNothingTwice) {
  write_job("aside", "manual");
  write_job("hourly", "@hourly");
  set_clock("2026-05-01 09:59:58");
  start();
  EXPECT_EVENTUALLY_EQ(ended("hourly"), (Lines{"05-01 10:00:00 succeeded schedule"}));
  set_clock("2026-05-01 09:59:58");
  look();
  EXPECT_EVENTUALLY(now() > us("2026-05-01 10:00:02"));
  look();
  EXPECT_EQ(ended("hourly").size(), 1U);
  set_clock("2026-05-01 10:59:58");
  look();
  EXPECT_EVENTUALLY_EQ(ended("hourly").size(), 2U) << "and goes on";
  EXPECT_EQ(syncd_.process().terminate(), 0);
}

TEST_F(ClockTest, AClockThatIsSetForwardIsCaughtUpWithAndNoOccurrenceIsForgotten) {
  write_job("aside", "manual");
  write_job("hourly", "@hourly");
  set_clock("2026-05-01 10:00:30");
  start();
  EXPECT_EVENTUALLY(now() > 0);
  set_clock("2026-05-01 15:20:00");
  look();
  EXPECT_EVENTUALLY_EQ(ended("hourly"),
                       (Lines{"05-01 11:00:00 missed schedule", "05-01 15:00:00 succeeded catch_up"}));
  EXPECT_EQ(history("hourly").front()["occurrences"], 4);
  EXPECT_EQ(syncd_.process().terminate(), 0);
}

// The record says that it has begun, so it goes on as the same occurrence: never a second one.
TEST_F(ClockTest, AKillBetweenTheRecordAndTheStartLosesAndDoublesNoOccurrence) {
  write_job("aside", "manual");
  write_job("hourly", "@hourly");
  set_clock("2026-05-01 09:59:58");
  start({{"SYNCD_CRASH_AT", "occurrence_recorded"}});
  EXPECT_EVENTUALLY(!syncd_.running());
  EXPECT_EQ(syncd_.process().wait(), 128 + SIGKILL);
  EXPECT_EQ(redis_.call("EXISTS hourly:1").integer, 0) << "it had not begun to write";
  set_clock("2026-05-01 10:05:00");
  start();
  EXPECT_EVENTUALLY_EQ(ended("hourly"), (Lines{"05-01 10:00:00 succeeded schedule"}));
  EXPECT_EQ(history("hourly").front()["resumed"], 1);
  EXPECT_EQ(redis_.call("EXISTS hourly:1").integer, 1);
  EXPECT_EQ(syncd_.process().terminate(), 0);
}

}  // namespace
}  // namespace syncd::test
