#include "daemon/schedule/scheduler.hpp"

#include <gtest/gtest.h>

#include <list>

#include "config/duration.hpp"
#include "daemon/coro/manual_clock.hpp"
#include "tests/unit/schedule/scheduled.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono_literals;

using test::RecordedJob;
using SchedulerTest = test::SchedulerTest;

TEST_F(SchedulerTest, StartsAJobAtEachOccurrence) {
  RecordedJob& job = make_job(0s);
  add("job", "every 30s", job);
  serve();
  clock_.advance(2min);
  ASSERT_EQ(job.starts.size(), 4U);
  EXPECT_EQ(job.starts[1] - job.starts[0], 30s);
}

TEST_F(SchedulerTest, NeverStartsTwoRunsOfOneJob) {
  RecordedJob& job = make_job(45s);
  add("job", "every 30s", job);
  serve();
  clock_.advance(5min);
  EXPECT_LE(job.starts.size(), static_cast<std::size_t>(job.ends) + 1);
  EXPECT_EQ(job.starts.size(), 5U) << "every second occurrence falls into a run";
}

TEST_F(SchedulerTest, AContinuousJobIsStartedAtOnceAndAgain) {
  RecordedJob& job = make_job(10s);
  add("job", "continuous", job);
  serve();
  clock_.settle();
  EXPECT_EQ(job.starts.size(), 1U);
  clock_.advance(21s);
  EXPECT_EQ(job.starts.size(), 2U);
}

TEST_F(SchedulerTest, AnIntervalAfterTheEndCountsFromTheEnd) {
  RecordedJob& job = make_job(10s);
  add("job", "after 5s", job);
  serve();
  clock_.advance(31s);
  ASSERT_EQ(job.starts.size(), 3U);
  EXPECT_EQ(job.starts[1] - job.starts[0], 15s);
  EXPECT_EQ(job.starts[2] - job.starts[1], 15s);
}

TEST_F(SchedulerTest, AJobAtStartupRunsOnce) {
  RecordedJob& job = make_job(1s);
  add("job", "@startup", job);
  serve();
  clock_.advance(24h);
  EXPECT_EQ(job.starts.size(), 1U);
  EXPECT_TRUE(scheduler_->trigger("job"));
  clock_.advance(24h);
  EXPECT_EQ(job.starts.size(), 2U);
}

TEST_F(SchedulerTest, AJobAtATimeRunsOnce) {
  RecordedJob& job = make_job(1s);
  const WallTime due = std::chrono::floor<std::chrono::minutes>(clock_.wall_now()) + 2h;
  const std::string time = rfc3339(due).substr(0, 16);
  add("job", "at " + time, job);
  serve();
  clock_.advance(24h);
  EXPECT_EQ(job.starts, std::vector<WallTime>{due});
  EXPECT_EQ(scheduler_->next("job"), std::nullopt);
}

TEST_F(SchedulerTest, AManualJobRunsWhenItIsTriggered) {
  RecordedJob& job = make_job(10s);
  add("job", "manual", job);
  serve();
  clock_.advance(1h);
  EXPECT_TRUE(job.starts.empty());
  EXPECT_TRUE(scheduler_->trigger("job"));
  clock_.advance(1s);
  EXPECT_EQ(job.starts.size(), 1U);
  EXPECT_FALSE(scheduler_->trigger("job")) << "it is running";
  clock_.advance(10s);
  EXPECT_TRUE(scheduler_->trigger("job"));
}

TEST_F(SchedulerTest, APausedJobRunsOnlyWhenItIsTriggered) {
  RecordedJob& job = make_job(0s);
  scheduler_->add("job", Settings(Schedule::parse("every 30s")), job, "maintenance");
  serve();
  clock_.advance(5min);
  EXPECT_TRUE(job.starts.empty());
  EXPECT_EQ(scheduler_->next("job"), std::nullopt);
  scheduler_->trigger("job");
  clock_.advance(1s);
  EXPECT_EQ(job.starts.size(), 1U);
  scheduler_->resume("job");
  clock_.advance(1min);
  EXPECT_GE(job.starts.size(), 3U);
}

TEST_F(SchedulerTest, DrainingWaitsForTheRunUnderWay) {
  RecordedJob& job = make_job(10s);
  add("job", "continuous", job);
  serve();
  clock_.advance(3s);
  scheduler_->drain();
  clock_.advance(1s);
  EXPECT_EQ(scope_->running(), 1U);
  clock_.advance(10s);
  EXPECT_EQ(scope_->running(), 0U);
  EXPECT_EQ(job.ends, 1);
}

TEST_F(SchedulerTest, AWallClockSetForwardIsNoticedWithinAMinute) {
  RecordedJob& job = make_job(0s);
  add("job", "every 6h", job);
  serve();
  clock_.advance(1s);
  clock_.set_wall(clock_.wall_now() + 7h);
  clock_.advance(61s);
  EXPECT_EQ(job.starts.size(), 1U);
}

}  // namespace
}  // namespace syncd::schedule
