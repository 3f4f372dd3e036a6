#include "daemon/schedule/scheduler.hpp"

#include <gtest/gtest.h>

#include <list>

#include "config/duration.hpp"
#include "daemon/coro/manual_clock.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono_literals;

class RecordedJob final : public Runnable {
 public:
  RecordedJob(Clock& clock, Duration takes) : clock_(clock), takes_(takes) {}
  coro::Task<> run(WallTime planned) override {
    starts.push_back(planned);
    if (takes_.count() != 0) co_await sleep_for(clock_, takes_);
    ++ends;
  }
  std::vector<WallTime> starts;
  int ends = 0;

 private:
  Clock& clock_;
  Duration takes_;
};

class SchedulerTest : public ::testing::Test {
 protected:
  void serve() { scope_.spawn(scheduler_.serve()); }
  ~SchedulerTest() override {
    scope_.request_stop();
    while (scope_.running() != 0 && clock_.advance_to_next()) {
    }
  }
  RecordedJob& make_job(Duration takes) { return jobs_.emplace_back(clock_, takes); }

  ManualClock clock_;
  std::list<RecordedJob> jobs_;  // outlive the scheduler
  Scheduler scheduler_{clock_};
  coro::AsyncScope scope_;
};

TEST_F(SchedulerTest, StartsAJobAtEachOccurrence) {
  RecordedJob& job = make_job(0s);
  scheduler_.add("job", Schedule::parse("every 30s"), job, 1s, false);
  serve();
  clock_.advance(2min);
  ASSERT_EQ(job.starts.size(), 4U);
  EXPECT_EQ(job.starts[1] - job.starts[0], 30s);
}

TEST_F(SchedulerTest, NeverStartsTwoRunsOfOneJob) {
  RecordedJob& job = make_job(45s);
  scheduler_.add("job", Schedule::parse("every 30s"), job, 1s, false);
  serve();
  clock_.advance(5min);
  EXPECT_LE(job.starts.size(), static_cast<std::size_t>(job.ends) + 1);
  EXPECT_EQ(job.starts.size(), 5U) << "every second occurrence falls into a run";
}

TEST_F(SchedulerTest, AContinuousJobIsStartedAtOnceAndAgain) {
  RecordedJob& job = make_job(10s);
  scheduler_.add("job", Schedule::parse("continuous"), job, 5s, false);
  serve();
  clock_.settle();
  EXPECT_EQ(job.starts.size(), 1U);
  clock_.advance(16s);
  EXPECT_EQ(job.starts.size(), 2U);
}

TEST_F(SchedulerTest, AnIntervalAfterTheEndCountsFromTheEnd) {
  RecordedJob& job = make_job(10s);
  scheduler_.add("job", Schedule::parse("after 5s"), job, 1s, false);
  serve();
  clock_.advance(31s);
  ASSERT_EQ(job.starts.size(), 3U);
  EXPECT_EQ(job.starts[1] - job.starts[0], 15s);
  EXPECT_EQ(job.starts[2] - job.starts[1], 15s);
}

TEST_F(SchedulerTest, AJobAtStartupRunsOnce) {
  RecordedJob& job = make_job(1s);
  scheduler_.add("job", Schedule::parse("@startup"), job, 1s, false);
  serve();
  clock_.advance(24h);
  EXPECT_EQ(job.starts.size(), 1U);
  EXPECT_TRUE(scheduler_.trigger("job"));
  clock_.advance(24h);
  EXPECT_EQ(job.starts.size(), 2U);
}

TEST_F(SchedulerTest, AJobAtATimeRunsOnce) {
  RecordedJob& job = make_job(1s);
  const WallTime due = std::chrono::floor<std::chrono::minutes>(clock_.wall_now()) + 2h;
  const std::string time = rfc3339(due).substr(0, 16);
  scheduler_.add("job", Schedule::parse("at " + time), job, 1s, false);
  serve();
  clock_.advance(24h);
  EXPECT_EQ(job.starts, std::vector<WallTime>{due});
  EXPECT_EQ(scheduler_.next("job"), std::nullopt);
}

TEST_F(SchedulerTest, AManualJobRunsWhenItIsTriggered) {
  RecordedJob& job = make_job(10s);
  scheduler_.add("job", Schedule::parse("manual"), job, 1s, false);
  serve();
  clock_.advance(1h);
  EXPECT_TRUE(job.starts.empty());
  EXPECT_TRUE(scheduler_.trigger("job"));
  clock_.advance(1s);
  EXPECT_EQ(job.starts.size(), 1U);
  EXPECT_FALSE(scheduler_.trigger("job")) << "it is running";
  clock_.advance(10s);
  EXPECT_TRUE(scheduler_.trigger("job"));
}

TEST_F(SchedulerTest, APausedJobRunsOnlyWhenItIsTriggered) {
  RecordedJob& job = make_job(0s);
  scheduler_.add("job", Schedule::parse("every 30s"), job, 1s, true);
  serve();
  clock_.advance(5min);
  EXPECT_TRUE(job.starts.empty());
  EXPECT_EQ(scheduler_.next("job"), std::nullopt);
  scheduler_.trigger("job");
  clock_.advance(1s);
  EXPECT_EQ(job.starts.size(), 1U);
  scheduler_.set_paused("job", false);
  clock_.advance(1min);
  EXPECT_GE(job.starts.size(), 3U);
}

TEST_F(SchedulerTest, DrainingWaitsForTheRunUnderWay) {
  RecordedJob& job = make_job(10s);
  scheduler_.add("job", Schedule::parse("continuous"), job, 1s, false);
  serve();
  clock_.advance(3s);
  scheduler_.drain();
  clock_.advance(1s);
  EXPECT_EQ(scope_.running(), 1U);
  clock_.advance(10s);
  EXPECT_EQ(scope_.running(), 0U);
  EXPECT_EQ(job.ends, 1);
}

TEST_F(SchedulerTest, AWallClockSetForwardIsNoticedWithinAMinute) {
  RecordedJob& job = make_job(0s);
  scheduler_.add("job", Schedule::parse("every 6h"), job, 1s, false);
  serve();
  clock_.advance(1s);
  clock_.set_wall(clock_.wall_now() + 7h);
  clock_.advance(61s);
  EXPECT_EQ(job.starts.size(), 1U);
}

}  // namespace
}  // namespace syncd::schedule
