// What runs when: next, history, explain and a run over a part of the source, as a user sees them.
#include "tests/e2e/daemon.hpp"
#include "tests/support/has.hpp"

namespace syncd::test {
namespace {

class TimelineE2e : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::installed() || !RedisServer::installed()) GTEST_SKIP() << "needs both servers";
  }
  std::string ctl(std::vector<std::string> arguments, int code = 0) {
    std::string line;
    for (const std::string& word : arguments) line += " " + word;
    const Finished finished = daemon_.ctl(std::move(arguments));
    EXPECT_EQ(finished.code, code) << "syncctl" << line << "\n" << finished.out << finished.err;
    return finished.out + finished.err;
  }
  std::vector<Json> lines(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    std::istringstream text(ctl(std::move(arguments)));
    std::vector<Json> all;
    for (std::string line; std::getline(text, line);) all.push_back(Json::parse(line));
    return all;
  }
  static std::string sink(const std::string& prefix) {
    return "type = \"redis_hash\"\nkey = \"" + prefix + ":{id}\"\n";
  }

  Daemon daemon_;
};

TEST_F(TimelineE2e, NextShowsAllJobsInOrderAndWhyOthersHaveNone) {
  daemon_.write_job("users", "continuous");
  daemon_.write_job("asked", "manual", "", sink("asked"));
  daemon_.write_job("held", "every 1h", "", sink("held"));
  daemon_.write_job("paris", "cron 30 2 * * *", "", sink("paris"), "time_zone = \"Europe/Paris\"\n");
  daemon_.write_job("yearly", "@yearly", "", sink("yearly"), "time_zone = \"UTC\"\n");
  daemon_.start();
  EXPECT_EVENTUALLY(daemon_.caught_up());
  ctl({"pause", "held", "--reason", "migration"});
  const std::string shown = ctl({"next", "-n", "3"});
  EXPECT_TRUE(has(shown, "WHEN") && has(shown, "Europe/Paris") && has(shown, "paris")) << shown;
  EXPECT_TRUE(has(shown, "asked: manual: runs when somebody says `syncctl run`")) << shown;
  EXPECT_TRUE(has(shown, "held: paused: migration")) << shown;
  EXPECT_TRUE(has(shown, "users: continuous: runs now")) << shown;
  const auto coming = lines({"next", "-n", "5"});
  ASSERT_EQ(coming.size(), 5U + 3U);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_LE(coming[i - 1]["at_us"], coming[i]["at_us"]);
  EXPECT_EQ(lines({"next", "yearly"}).size(), 10U);
  ctl({"next", "pariss"}, 66);
  ctl({"next", "-n", "0"}, 64);
}

TEST_F(TimelineE2e, HistoryHasEveryRunAndFilters) {
  daemon_.write_job("users", "manual");
  daemon_.start();
  EXPECT_EQ(ctl({"history"}), "nothing in the history\n");
  ctl({"run", "users", "--wait"});
  daemon_.sql("ALTER TABLE users RENAME TO elsewhere");
  ctl({"run", "users", "--wait"}, 1);
  const auto runs = lines({"history", "users"});
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0]["outcome"], "succeeded");
  EXPECT_EQ(runs[0]["cause"], "asked");
  EXPECT_EQ(runs[0]["rows"], 100);
  EXPECT_GT(runs[0]["bytes"], 0);
  EXPECT_EQ(runs[0]["attempts"], 1);
  EXPECT_EQ(runs[0]["position_before"][""], "");
  EXPECT_TRUE(has(runs[0]["position_after"][""], "\"100\"")) << runs[0];
  EXPECT_GE(runs[0]["ended_us"], runs[0]["started_us"]);
  EXPECT_GE(runs[0]["started_us"], runs[0]["planned_us"]);
  EXPECT_EQ(runs[1]["outcome"], "failed");
  EXPECT_TRUE(has(runs[1]["reason"], "no table")) << runs[1];
  EXPECT_EQ(lines({"history", "--failed"}).size(), 1U);
  EXPECT_EQ(lines({"history", "-n", "1"}).front()["outcome"], "failed");
  EXPECT_EQ(lines({"history", "--since", "1h"}).size(), 2U);
  EXPECT_EQ(lines({"history", "--since", "2100-01-01"}).size(), 0U);
  EXPECT_TRUE(has(ctl({"history", "--since", "yesterday"}, 64), "'yesterday' is no time"));
  ctl({"history", "user"}, 66);
  const std::string shown = ctl({"history", "users"});
  EXPECT_TRUE(has(shown, "PLANNED") && has(shown, "succeeded") && has(shown, "no table")) << shown;
}

// An occurrence that comes while the one before is under way did not run, and that is to be seen.
TEST_F(TimelineE2e, WhatDidNotRunIsThereWithItsReason) {
  daemon_.write_job("users", "every 1s");
  daemon_.start();
  {
    const Frozen redis = daemon_.redis().freeze();
    daemon_.sql("UPDATE users SET updated_at = clock_timestamp() WHERE id = 7");
    EXPECT_EVENTUALLY(has(ctl({"history", "users", "--failed"}), "still running since"));
    const Json skipped = lines({"history", "users", "--failed"}).back();
    EXPECT_EQ(skipped["outcome"], "skipped");
    EXPECT_EQ(skipped["started_us"], nullptr);
    const std::string explained = ctl({"explain", "users"});
    EXPECT_TRUE(has(explained, "skipped") && has(explained, "still running since")) << explained;
  }
  EXPECT_EVENTUALLY(lines({"history", "users"}).back()["outcome"] == "succeeded");
  EXPECT_TRUE(has(ctl({"explain", "users"}), "next run: ")) << ctl({"explain", "users"});
}

TEST_F(TimelineE2e, APartOfTheSourceRunsAgainAndTheCheckpointStays) {
  daemon_.write_job("users", "continuous");
  daemon_.sql("UPDATE users SET updated_at = timestamptz '2020-01-01 00:00:00+00' + id * interval '1 hour'");
  daemon_.start();
  EXPECT_EVENTUALLY(daemon_.caught_up());
  const auto range = [](std::string from, std::string to) {
    return std::vector<std::string>{"run",    "users",         "--wait", "--json",
                                    "--from", std::move(from), "--to",   std::move(to)};
  };
  EXPECT_TRUE(has(ctl(range("start", "2020-01-01"), 75), "`syncctl pause users` first"));
  ctl({"pause", "users"});
  EXPECT_EVENTUALLY_EQ(daemon_.state(), "paused");
  daemon_.redis().call("FLUSHDB");
  EXPECT_EQ(ctl({"checkpoint", "set", "users",
                 Json::parse(ctl({"checkpoint", "show", "users", "--json"}))["local"][0]["text"], "-y"}),
            "users: the checkpoint is set\n");
  const std::string before = ctl({"checkpoint", "show", "users"});
  const Json run = Json::parse(ctl(range("2020-01-01 03:00:00+00", "2020-01-01 05:00:00+00")));
  EXPECT_EQ(run["outcome"], "succeeded");
  EXPECT_EQ(run["rows"], 3);
  for (const int id : {3, 4, 5}) EXPECT_EQ(daemon_.name_of(id), "user " + std::to_string(id));
  EXPECT_EQ(daemon_.name_of(2), "");
  EXPECT_EQ(daemon_.name_of(6), "");
  EXPECT_EQ(ctl({"checkpoint", "show", "users"}), before);
  const Json entry = lines({"history", "users"}).back();
  EXPECT_EQ(entry["cause"], "range");
  EXPECT_EQ(entry["position_before"][""], "2020-01-01 03:00:00+00");
  EXPECT_EQ(entry["position_after"][""], "2020-01-01 05:00:00+00");
  EXPECT_TRUE(has(ctl(range("yesterdya", "2020-01-02"), 1), "'yesterdya'"));
  ctl({"resume", "users"});
  EXPECT_EVENTUALLY(daemon_.caught_up());
  EXPECT_EQ(daemon_.name_of(7), "") << "it goes on behind its checkpoint";
}

TEST_F(TimelineE2e, APartIsRefusedWhereItWouldBeHeldTwice) {
  daemon_.write_job("users", "manual", "", "type = \"redis_stream\"\nkey = \"users\"\n");
  daemon_.start();
  EXPECT_TRUE(
      has(ctl({"run", "users", "--from", "2020-01-01"}, 1), "redis_stream cannot be given a part again"));
}

// Rows come all the time, so a commit is under way when Redis stops; the second signal does not wait for it.
TEST_F(TimelineE2e, ASecondSigtermEndsAtOnce) {
  Daemon daemon(100000);
  daemon.write_job("users", "continuous", "batch_rows = 100\n");
  daemon.start();
  EXPECT_EVENTUALLY(daemon.redis().call("DBSIZE").integer > 500);
  const Frozen redis = daemon.redis().freeze();
  daemon.process().signal(SIGTERM);
  EXPECT_EVENTUALLY(has(daemon.log(), "stopping (signal 15)"));
  const Finished reload = daemon.ctl({"reload"});
  EXPECT_EQ(reload.code, 75) << reload.err;
  EXPECT_TRUE(has(reload.err, "the daemon is stopping")) << reload.err;
  daemon.process().signal(SIGTERM);
  EXPECT_EQ(daemon.process().wait(std::chrono::seconds(5)), 0) << "drain_timeout is twice that";
  EXPECT_TRUE(has(daemon.log(), "not waiting for commits any longer")) << daemon.log();
}

}  // namespace
}  // namespace syncd::test
