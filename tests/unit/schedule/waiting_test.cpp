// Several occurrences that wait, and are dropped together: each has its row, and none is forgotten.
#include "tests/unit/schedule/scheduled.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono_literals;
using test::RecordedJob;

class WaitingTest : public test::SchedulerTest {
 protected:
  // One that catches up with 01:00, 02:00 and 03:00 when the clock is set to 03:30, and cannot start.
  void add_waiting(RecordedJob& job) {
    job.closed = Gate{"the breaker", TimePoint::max()};
    Settings wanted = settings("every 1h");
    wanted.overlap = Overlap::kReplace;
    wanted.catch_up.most = 3;
    scheduler_->add("job", wanted, job);
  }
  void set_clock_forward() {
    clock_.set_wall(day_ + 3h + 30min);
    scheduler_->clock_stepped();
    clock_.settle();
  }

  const WallTime day_ = clock_.wall_now();  // a midnight
};

TEST_F(WaitingTest, WhatAnOperatorAskedForSharesNoRowWithOccurrences) {
  Limits limits;
  limits.max_running = 1;
  restart(limits);
  add("other", "manual", make_job(2h));
  add_waiting(make_job(1s));
  scheduler_->trigger("other");
  scheduler_->trigger("job");
  serve();
  clock_.advance(1min);
  set_clock_forward();
  clock_.advance(31min);
  ASSERT_EQ(rows("job").size(), 2U) << "replaced by the occurrence of 04:00";
  EXPECT_EQ(rows("job")[0].cause, Cause::Asked);
  EXPECT_EQ(rows("job")[0].occurrences, 1U);
  EXPECT_EQ(rows("job")[1].cause, Cause::CatchUp);
  EXPECT_EQ(rows("job")[1].planned, day_ + 1h);
  EXPECT_EQ(rows("job")[1].until, day_ + 3h);
}

TEST_F(WaitingTest, WhatAnOperatorAskedForOutlivesTheScheduleButNotTheJob) {
  Limits limits;
  limits.max_running = 1;
  restart(limits);
  add("other", "manual", make_job(2h));
  RecordedJob& stays = make_job(1s);
  RecordedJob& goes = make_job(1s);
  add("stays", "every 1h", stays);
  add("goes", "every 1h", goes);
  for (const char* job : {"other", "stays", "goes"}) scheduler_->trigger(job);
  serve();
  clock_.advance(1min);
  scheduler_->update("stays", settings("every 24h"));
  coro::AsyncScope removing;
  removing.spawn(
      [](Scheduler& scheduler) -> coro::Task<> { co_await scheduler.remove("goes"); }(*scheduler_));
  clock_.advance(2h);
  EXPECT_EQ(stays.starts.size(), 1U);
  EXPECT_TRUE(stays.not_begun.empty());
  EXPECT_TRUE(goes.starts.empty());
  EXPECT_EQ(goes.not_begun, std::vector<std::string>{"the job was taken out of the configuration"});
}

// A kill may come after each of the rows.
TEST_F(WaitingTest, WhatIsStillToBeDroppedIsNotDecidedYet) {
  std::vector<WallTime> decided;
  scheduler_.emplace(clock_, history_, Limits{}, [&](const std::string& name) {
    if (!rows(name).empty()) decided.push_back(history_.states[name].decided);
  });
  add_waiting(make_job(1s));
  serve();
  clock_.advance(1min);
  set_clock_forward();
  clock_.advance(31min);
  ASSERT_GE(decided.size(), 3U);
  const WallTime::duration before(1);
  EXPECT_EQ(decided[0], day_ + 2h - before);
  EXPECT_EQ(decided[1], day_ + 3h - before);
  EXPECT_LT(decided[2], day_ + 4h) << "it waits";
}

}  // namespace
}  // namespace syncd::schedule
