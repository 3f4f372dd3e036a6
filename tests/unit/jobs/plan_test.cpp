#include "jobs/plan.hpp"

#include <gtest/gtest.h>

#include "config/load.hpp"
#include "tests/unit/config/config_test.hpp"

namespace syncd::jobs {
namespace {

using namespace std::chrono_literals;

// A job with these lines of its own, beside a source and a sink that are well.
std::string job(const std::string& name, const std::string& lines) {
  return "[jobs." + name + "]\n" + lines + "[jobs." + name +
         ".source]\ntype = 'postgres_table'\nconnection = 'app'\ntable = 't'\ncolumns = ['id']\ncursor = "
         "['id']\n[jobs." +
         name + ".sink]\ntype = 'redis_hash'\nconnection = 'cache'\nkey = 'k:{id}'\n";
}

class PlanTest : public ::testing::Test {
 protected:
  std::map<std::string, JobPlan> plan(const std::string& text) {
    const std::string file =
        folder_.write("syncd.toml", text +
                                        "[connections.app]\ntype = 'postgres'\nuri = 'postgresql:///x'\n"
                                        "[connections.cache]\ntype = 'redis'\nuri = 'redis://h'\n");
    const config::Config config = config::load(file, findings_);
    auto plans = plan_jobs(config);
    errors_ = findings_.text();
    for (auto at = errors_.find(file); at != std::string::npos; at = errors_.find(file))
      errors_.erase(at, file.size());
    return plans;
  }

  config::Folder folder_;
  config::Findings findings_;
  std::string errors_;  // without the name of the file
};

TEST_F(PlanTest, TheZoneOfAJobComesBeforeTheDaemons) {
  const auto plans = plan("[daemon]\ntime_zone = 'Europe/Paris'\n" + job("a", "schedule = '@daily'\n") +
                          job("b", "schedule = '@daily'\ntime_zone = 'Asia/Tokyo'\n"));
  ASSERT_EQ(errors_, "");
  EXPECT_EQ(plans.at("a").schedule.zone().name(), "Europe/Paris");
  EXPECT_EQ(plans.at("b").schedule.zone().name(), "Asia/Tokyo");
}

TEST_F(PlanTest, TheSystemsZoneCountsWhereNoneIsWritten) {
  const config::Variable variable("TZ", "Asia/Kathmandu");
  const auto plans = plan(job("a", "schedule = '@daily'\n"));
  ASSERT_EQ(errors_, "");
  EXPECT_EQ(plans.at("a").schedule.zone().name(), "Asia/Kathmandu");
}

TEST_F(PlanTest, AnUnknownZoneIsToldOnceWhereItWasWritten) {
  const auto plans =
      plan("[daemon]\ntime_zone = 'Europe/Pairs'\n" + job("a", "schedule = '@daily'\n") +
           job("b", "schedule = '@daily'\n") + job("c", "schedule = '@daily'\ntime_zone = 'Asia/Tokio'\n"));
  EXPECT_EQ(errors_,
            ":2:1: unknown time zone 'Europe/Pairs'; did you mean 'Europe/Paris'?\n"
            ":29:1: unknown time zone 'Asia/Tokio'; did you mean 'Asia/Tokyo'?");
  EXPECT_TRUE(plans.empty());
}

TEST_F(PlanTest, TheDaemonsZoneIsCheckedEvenIfNoJobNeedsIt) {
  plan("[daemon]\ntime_zone = 'Europe/Pairs'\n" + job("a", "schedule = 'every 30s'\n"));
  EXPECT_EQ(errors_, ":2:1: unknown time zone 'Europe/Pairs'; did you mean 'Europe/Paris'?");
}

TEST_F(PlanTest, ABrokenSystemZoneMattersOnlyToWallTimes) {
  const config::Variable variable("TZ", "CET-1CEST");
  const auto plans = plan(job("a", "schedule = 'every 30s'\n") + job("b", "schedule = '@daily'\n"));
  EXPECT_EQ(plans.size(), 1U);
  EXPECT_EQ(errors_.find(":14:1: the variable TZ: unknown time zone 'CET-1CEST'"), 0U) << errors_;
}

TEST_F(PlanTest, AZoneWithoutEffectIsRefused) {
  plan(job("a", "schedule = 'every 30s'\ntime_zone = 'Asia/Tokyo'\n"));
  EXPECT_EQ(errors_, ":3:1: 'time_zone' has no effect on the schedule 'every 30s'; remove it");
}

TEST_F(PlanTest, TheScheduleAndItsZoneAreBothTold) {
  plan(job("a", "schedule = 'cron 0 25 * * *'\ntime_zone = 'Asia/Tokio'\n"));
  EXPECT_EQ(errors_,
            ":2:1: hour: found '25'; write 0 to 23\n"
            ":3:1: unknown time zone 'Asia/Tokio'; did you mean 'Asia/Tokyo'?");
}

}  // namespace
}  // namespace syncd::jobs
