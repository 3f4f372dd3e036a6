// Jobs that have to do with each other: groups, limits and needs; and jobs that change while others run.
#include "tests/unit/schedule/scheduled.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono_literals;
using test::RecordedJob;

class TogetherTest : public test::SchedulerTest {
 protected:
  RecordedJob& add_in_group(const std::string& name, Duration takes) {
    RecordedJob& job = make_job(takes);
    Settings wanted = settings("every 1h");
    wanted.group = "reports";
    scheduler_->add(name, wanted, job);
    return job;
  }
  RecordedJob& add_needing(const std::string& name, std::vector<std::string> needs, const std::string& when) {
    RecordedJob& job = make_job(1s);
    Settings wanted = settings(when);
    wanted.needs = std::move(needs);
    scheduler_->add(name, wanted, job);
    return job;
  }
  static coro::Task<> take_away(Scheduler& scheduler, std::string name, std::optional<bool>& gone) {
    gone = co_await scheduler.remove(std::move(name));
  }
};

TEST_F(TogetherTest, JobsOfAGroupRunOneAfterTheOtherInAVisibleQueue) {
  RecordedJob& a = add_in_group("a", 5min);
  RecordedJob& b = add_in_group("b", 5min);
  RecordedJob& c = add_in_group("c", 5min);
  serve();
  clock_.advance(1h + 1s);
  EXPECT_EQ(scheduler_->waiting_for("a"), "");
  EXPECT_EQ(scheduler_->waiting_for("b"), "room in the group 'reports' (place 1)");
  EXPECT_EQ(scheduler_->waiting_for("c"), "room in the group 'reports' (place 2)");
  clock_.advance(5min);
  EXPECT_EQ(scheduler_->waiting_for("c"), "room in the group 'reports' (place 1)");
  clock_.advance(15min);
  EXPECT_EQ(a.ends + b.ends + c.ends, 3);
  EXPECT_EQ(c.runs.at(0).started - b.runs.at(0).started, 5min);
}

TEST_F(TogetherTest, AGroupMayHaveRoomForMore) {
  Limits limits;
  limits.groups["reports"] = 2;
  restart(limits);
  add_in_group("a", 5min);
  add_in_group("b", 5min);
  add_in_group("c", 5min);
  serve();
  clock_.advance(1h + 1s);
  EXPECT_EQ(scheduler_->waiting_for("b"), "");
  EXPECT_EQ(scheduler_->waiting_for("c"), "room in the group 'reports' (place 1)");
}

TEST_F(TogetherTest, TheDaemonRunsSoManyAtATimeAndContinuousOnesBeside) {
  Limits limits;
  limits.max_running = 1;
  restart(limits);
  RecordedJob& always = make_job(100h);
  RecordedJob& a = make_job(5min);
  RecordedJob& b = make_job(5min);
  add("always", "continuous", always);
  add("a", "every 1h", a);
  add("b", "every 1h", b);
  serve();
  clock_.advance(1h + 1s);
  EXPECT_EQ(always.starts.size(), 1U);
  EXPECT_EQ(a.starts.size() + b.starts.size(), 1U);
  EXPECT_EQ(scheduler_->waiting_for("b"), "room for one more than the 1 that run (max_running; place 1)");
  scheduler_->set_limits({});
  clock_.advance(1s);
  EXPECT_EQ(b.starts.size(), 1U);
}

TEST_F(TogetherTest, AnOccurrenceWaitsForWhatItNeeds) {
  RecordedJob& extract = make_job(10min);
  RecordedJob& load = add_needing("load", {"extract"}, "every 1h");
  add("extract", "every 1h", extract);
  serve();
  clock_.advance(1h + 1s);
  EXPECT_EQ(scheduler_->waiting_for("load"), "extract, which runs since 01:00 UTC");
  clock_.advance(10min);
  ASSERT_EQ(load.runs.size(), 1U);
  EXPECT_EQ(load.runs[0].started - extract.runs[0].started, 10min);
}

TEST_F(TogetherTest, WhatItNeedsDidNotSucceedSoItDoesNotRun) {
  RecordedJob& extract = make_job(10min);
  extract.outcome = "failed";
  RecordedJob& load = add_needing("load", {"extract"}, "every 1h");
  RecordedJob& report = add_needing("report", {"load"}, "every 1h");
  add("extract", "every 1h", extract);
  serve();
  clock_.advance(1h + 11min);
  EXPECT_TRUE(load.starts.empty());
  EXPECT_TRUE(report.starts.empty());
  EXPECT_EQ(rows("load").at(0).error, "needs extract, which did not succeed: no route");
  EXPECT_EQ(rows("report").at(0).error,
            "needs load, which did not succeed: needs extract, which did not succeed: no route");
  extract.outcome = "succeeded";
  clock_.advance(1h);
  EXPECT_EQ(load.starts.size(), 1U);
  EXPECT_EQ(report.starts.size(), 1U);
}

TEST_F(TogetherTest, ASuccessCountsUntilTheNextOccurrenceOfWhatIsNeeded) {
  RecordedJob& extract = make_job(1s);
  RecordedJob& load = add_needing("load", {"extract"}, "every 10m");
  add("extract", "every 1h", extract);
  serve();
  clock_.advance(50min + 1s);
  EXPECT_EQ(history_.summary("load"), "skipped 5");
  EXPECT_EQ(rows("load").at(0).error, "needs extract, which has not run yet");
  clock_.advance(50min);
  EXPECT_EQ(load.starts.size(), 5U);
}

TEST_F(TogetherTest, ThousandsThatAreDueAtOnceAllRun) {
  std::vector<RecordedJob*> all;
  for (int i = 0; i < 1000; ++i) {
    all.push_back(&make_job(1s));
    add("job" + std::to_string(i), "every 1h", *all.back());
  }
  serve();
  clock_.advance(1h + 2s);
  for (const RecordedJob* job : all) ASSERT_EQ(job->ends, 1);
}

// --- reload ------------------------------------------------------------------------------------------

TEST_F(TogetherTest, ANewScheduleLeavesTheRunUnderWayAlone) {
  RecordedJob& job = make_job(10min);
  add("job", "every 1h", job);
  serve();
  clock_.advance(1h + 1min);
  scheduler_->update("job", settings("every 15m"));
  clock_.advance(8min);
  EXPECT_EQ(job.ends, 0);
  clock_.advance(7min);
  EXPECT_EQ(job.starts.size(), 2U);
  EXPECT_EQ(history_.summary("job"), "succeeded 1, running 1");
}

TEST_F(TogetherTest, ARemovedJobEndsItsRunFirst) {
  RecordedJob& job = make_job(10min);
  add("job", "every 1h", job);
  serve();
  clock_.advance(1h + 1min);
  std::optional<bool> gone;
  scope_->spawn(take_away(*scheduler_, "job", gone));
  clock_.advance(1min);
  EXPECT_EQ(gone, std::nullopt);
  clock_.advance(10min);
  EXPECT_EQ(gone, true);
  clock_.advance(3h);
  EXPECT_EQ(job.starts.size(), 1U);
}

TEST_F(TogetherTest, AJobThatIsWantedBackWhileItLeavesStays) {
  RecordedJob& job = make_job(10min);
  add("job", "every 1h", job);
  serve();
  clock_.advance(1h + 1min);
  std::optional<bool> gone;
  scope_->spawn(take_away(*scheduler_, "job", gone));
  clock_.advance(1min);
  add("job", "every 1h", job);
  clock_.advance(1min);
  EXPECT_EQ(gone, false);
  clock_.advance(1h);
  EXPECT_EQ(job.starts.size(), 2U);
  EXPECT_EQ(history_.summary("job"), "succeeded 1, running 1");
}

TEST_F(TogetherTest, WhatWaitsInARemovedJobHasItsRow) {
  RecordedJob& a = add_in_group("a", 5min);
  add_in_group("b", 5min);
  serve();
  clock_.advance(1h + 1s);
  std::optional<bool> gone;
  scope_->spawn(take_away(*scheduler_, "b", gone));
  clock_.settle();
  EXPECT_EQ(gone, true);
  EXPECT_EQ(rows("b").at(0).error, "the job was taken out of the configuration");
  EXPECT_EQ(a.starts.size(), 1U);
}

}  // namespace
}  // namespace syncd::schedule
