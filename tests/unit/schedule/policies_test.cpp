// What happens when an occurrence cannot start as planned.
#include "tests/unit/schedule/scheduled.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono_literals;
using test::RecordedJob;

class PoliciesTest : public test::SchedulerTest {
 protected:
  void add(const std::string& name, Settings settings, RecordedJob& job,
           std::optional<std::string> paused = std::nullopt) {
    scheduler_->add(name, std::move(settings), job, std::move(paused));
  }
  using test::SchedulerTest::add;
  WallTime day_ = clock_.wall_now();  // a midnight
};

// --- overlap -----------------------------------------------------------------------------------------

TEST_F(PoliciesTest, SkipLeavesOutWhatFallsIntoARun) {
  RecordedJob& job = make_job(75s);
  add("job", "every 30s", job);
  serve();
  clock_.advance(110s);
  ASSERT_EQ(rows("job").size(), 2U);
  EXPECT_EQ(rows("job")[0].outcome, "succeeded");
  EXPECT_EQ(rows("job")[1].planned, day_ + 60s);
  EXPECT_EQ(rows("job")[1].until, day_ + 90s);
  EXPECT_EQ(rows("job")[1].occurrences, 2U);
  EXPECT_EQ(rows("job")[1].error, "still running since 00:00:30 UTC");
}

TEST_F(PoliciesTest, QueueKeepsOneOccurrenceAndNoMore) {
  RecordedJob& job = make_job(100s);
  Settings wanted = settings("every 30s");
  wanted.overlap = Overlap::kQueue;
  add("job", wanted, job);
  serve();
  clock_.advance(125s);
  EXPECT_EQ(scheduler_->waiting_for("job"), "the end of its run under way");
  clock_.advance(10s);
  EXPECT_EQ(job.starts, (std::vector<WallTime>{day_ + 30s, day_ + 60s}));
  EXPECT_EQ(history_.summary("job"), "succeeded 1, skipped 2, running 1");
  EXPECT_EQ(rows("job")[1].error, "another occurrence is in the queue already");
}

TEST_F(PoliciesTest, ReplaceEndsTheRunUnderWay) {
  RecordedJob& job = make_job(100s);
  Settings wanted = settings("every 60s");
  wanted.overlap = Overlap::kReplace;
  add("job", wanted, job);
  serve();
  clock_.advance(125s);
  EXPECT_EQ(job.starts, (std::vector<WallTime>{day_ + 60s, day_ + 120s}));
  EXPECT_EQ(rows("job")[0].outcome, "cancelled");
  EXPECT_EQ(rows("job")[0].error, "replaced by the occurrence of 00:02 UTC");
  EXPECT_EQ(rows("job")[1].outcome, "running");
}

// --- what was missed ---------------------------------------------------------------------------------

TEST_F(PoliciesTest, TheLastMissedOccurrenceRunsWhenTheDaemonIsBack) {
  RecordedJob& job = make_job(1s);
  add("job", "every 1h", job);
  serve();
  clock_.advance(1h + 1s);
  kill();
  clock_.advance(5h + 10min);
  restart();
  add("job", "every 1h", job);
  serve();
  clock_.advance(1min);
  EXPECT_EQ(job.starts, (std::vector<WallTime>{day_ + 1h, day_ + 6h}));
  EXPECT_EQ(job.runs.back().cause, Cause::CatchUp);
  EXPECT_EQ(history_.summary("job"), "succeeded 1, missed 4, succeeded 1");
  EXPECT_EQ(rows("job")[1].planned, day_ + 2h);
  EXPECT_EQ(rows("job")[1].until, day_ + 5h);
}

TEST_F(PoliciesTest, AllOfThemRunOneAfterTheOtherUpToTheirNumberAndWithinTheWindow) {
  RecordedJob& job = make_job(1s);
  Settings wanted = settings("every 1h");
  wanted.catch_up.most = 10;
  wanted.catch_up.window = 3h;
  add("job", wanted, job);
  serve();
  kill();
  clock_.advance(6h + 10min);
  restart();
  add("job", wanted, job);
  serve();
  clock_.advance(1min);
  EXPECT_EQ(job.starts, (std::vector<WallTime>{day_ + 4h, day_ + 5h, day_ + 6h}));
  EXPECT_EQ(history_.summary("job"), "missed 3, succeeded 1, succeeded 1, succeeded 1");
}

TEST_F(PoliciesTest, WithoutCatchUpTheyOnlyHaveTheirRow) {
  RecordedJob& job = make_job(1s);
  Settings wanted = settings("every 1h");
  wanted.catch_up.most = 0;
  add("job", wanted, job);
  serve();
  kill();
  clock_.advance(6h + 10min);
  restart();
  add("job", wanted, job);
  serve();
  clock_.advance(1min);
  EXPECT_TRUE(job.starts.empty());
  EXPECT_EQ(history_.summary("job"), "missed 6");
}

TEST_F(PoliciesTest, WhatAnotherScheduleWouldHaveDoneIsNotMissed) {
  RecordedJob& job = make_job(1s);
  add("job", "manual", job);
  serve();
  kill();
  clock_.advance(48h + 10min);
  restart();
  add("job", "every 1h", job);
  serve();
  clock_.advance(1min);
  EXPECT_TRUE(job.starts.empty());
  EXPECT_EQ(history_.summary("job"), "");
}

TEST_F(PoliciesTest, AOneShotThatNobodySawIsCaughtUpWithOnce) {
  RecordedJob& job = make_job(1s);
  add("job", "at 2026-02-28 23:00Z", job);
  serve();
  clock_.advance(1min);
  EXPECT_EQ(job.starts, std::vector<WallTime>{day_ - 1h});
  restart();
  add("job", "at 2026-02-28 23:00Z", job);
  serve();
  clock_.advance(24h);
  EXPECT_EQ(job.starts.size(), 1U);
  RecordedJob& old = make_job(1s);
  add("old", "at 2026-02-20 23:00Z", old);
  clock_.advance(1min);
  EXPECT_TRUE(old.starts.empty()) << "longer ago than catch_up_window";
  EXPECT_EQ(history_.summary("old"), "missed 1");
}

TEST_F(PoliciesTest, AfterCountsFromTheStoredEnd) {
  RecordedJob& job = make_job(1s);
  add("job", "after 1h", job);
  serve();
  clock_.advance(2s);
  restart();
  clock_.advance(20min);
  add("job", "after 1h", job);
  serve();
  clock_.advance(39min);
  EXPECT_EQ(job.starts.size(), 1U);
  clock_.advance(2min);
  EXPECT_EQ(job.starts.size(), 2U);
}

// --- interrupted runs --------------------------------------------------------------------------------

TEST_F(PoliciesTest, AnInterruptedRunGoesOnAsTheSameOccurrence) {
  RecordedJob& job = make_job(10min);
  add("job", "every 1h", job);
  serve();
  clock_.advance(1h + 1min);
  restart();
  clock_.advance(1min);
  add("job", "every 1h", job);
  serve();
  clock_.advance(20min);
  ASSERT_EQ(job.runs.size(), 2U);
  EXPECT_EQ(job.runs[1].planned, job.runs[0].planned);
  EXPECT_EQ(job.runs[1].id, job.runs[0].id);
  EXPECT_EQ(job.runs[1].resumed, 1U);
  EXPECT_EQ(history_.summary("job"), "succeeded 1");
}

TEST_F(PoliciesTest, ARunThatADrainEndsIsInterrupted) {
  RecordedJob& job = make_job(10min);
  add("job", "every 1h", job);
  serve();
  clock_.advance(1h + 1min);
  scheduler_->drain();
  job.stop("the daemon was stopped");
  clock_.settle();
  EXPECT_EQ(scope_->running(), 0U);
  EXPECT_EQ(history_.summary("job"), "interrupted 1");
  restart();
  add("job", "every 1h", job);
  serve();
  clock_.advance(11min);
  EXPECT_EQ(history_.summary("job"), "succeeded 1");
}

TEST_F(PoliciesTest, AnInterruptedPartOfTheSourceIsNotReadAgain) {
  RecordedJob& job = make_job(10min);
  add("job", "manual", job);
  serve();
  EXPECT_TRUE(scheduler_->trigger("job", Cause::Range));
  clock_.advance(1min);
  restart();
  add("job", "manual", job);
  serve();
  clock_.advance(1h);
  EXPECT_EQ(job.runs.size(), 1U);
  EXPECT_EQ(history_.summary("job"), "interrupted 1");
}

TEST_F(PoliciesTest, AnOccurrenceRunsOnceAlsoWhenItsStartWasAllThatWasRecorded) {
  RecordedJob& job = make_job(10min);
  add("job", "every 1h", job);
  serve();
  history_.started.insert({"job", day_ + 1h});
  clock_.advance(1h + 1min);
  ASSERT_EQ(job.starts.size(), 1U);
  EXPECT_EQ(job.starts[0], day_ + 1h + 1us) << "an interval goes on, as an occurrence of its own";
  RecordedJob& daily = make_job(10min);
  add("daily", "cron 0 3 * * *", daily);
  history_.started.insert({"daily", day_ + 3h});
  clock_.advance(24h);
  EXPECT_TRUE(daily.starts.empty());
}

TEST_F(PoliciesTest, WhatReplacesAWaitingOccurrenceIsNotForgottenWhenTheProcessIsKilled) {
  RecordedJob& job = make_job(1s);
  job.closed = Gate{"the breaker", TimePoint::max()};
  Settings wanted = settings("every 1h");
  wanted.overlap = Overlap::kReplace;
  add("job", wanted, job);
  serve();
  clock_.advance(2h);
  EXPECT_EQ(history_.summary("job"), "skipped 1") << "01:00 was replaced";
  restart();
  clock_.advance(5min);
  job.closed.reset();
  add("job", wanted, job);
  serve();
  clock_.advance(1min);
  EXPECT_EQ(job.starts, std::vector<WallTime>{day_ + 2h});
}

// --- deadlines, pauses, failures ---------------------------------------------------------------------

TEST_F(PoliciesTest, AnOccurrenceThatWaitsTooLongDoesNotRun) {
  RecordedJob& job = make_job(1s);
  job.closed = Gate{"the breaker of connection cache", TimePoint::max()};
  Settings wanted = settings("every 1h");
  wanted.start_deadline = 10min;
  add("job", wanted, job);
  serve();
  clock_.advance(1h + 5min);
  EXPECT_EQ(scheduler_->waiting_for("job"), "the breaker of connection cache");
  clock_.advance(6min);
  EXPECT_EQ(scheduler_->waiting_for("job"), "");
  EXPECT_EQ(history_.summary("job"), "skipped 1");
  EXPECT_EQ(rows("job")[0].error,
            "could not start within 10 min 0 s (start_deadline): waited for the breaker of connection cache");
}

TEST_F(PoliciesTest, AGateIsAskedAgainWhenItSaid) {
  RecordedJob& job = make_job(1s);
  add("job", "every 1h", job);
  serve();
  clock_.advance(1h - 1s);
  job.closed = Gate{"the breaker", clock_.now() + 3min};
  clock_.advance(1min);
  job.closed.reset();
  EXPECT_TRUE(job.starts.empty());
  clock_.advance(3min);
  EXPECT_EQ(job.starts.size(), 1U);
}

TEST_F(PoliciesTest, APauseHasAReasonAndItsOccurrencesARow) {
  RecordedJob& job = make_job(1s);
  add("job", settings("every 30s"), job, "migration");
  serve();
  clock_.advance(10min);
  EXPECT_TRUE(job.starts.empty());
  EXPECT_EQ(history_.summary("job"), "skipped 20");
  EXPECT_EQ(rows("job")[0].error, "paused: migration");
  EXPECT_EQ(scheduler_->why_none("job"), "paused: migration");
}

TEST_F(PoliciesTest, FailuresInARowPauseTheJobAndThatSurvives) {
  RecordedJob& job = make_job(1s);
  job.outcome = "failed";
  Settings wanted = settings("every 1m");
  wanted.pause_on_failures = 3;
  add("job", wanted, job);
  serve();
  clock_.advance(2min + 30s);
  restart();
  add("job", wanted, job);
  serve();
  clock_.advance(10min);
  EXPECT_EQ(job.starts.size(), 3U) << "those before the restart count";
  EXPECT_EQ(history_.pauses.at("job"), "3 runs in a row failed (pause_on_failures), the last with: no route");
  scheduler_->resume("job");
  clock_.advance(10min);
  EXPECT_EQ(job.starts.size(), 6U) << "an operator begins a new count";
}

TEST_F(PoliciesTest, AContinuousJobThatFailsForEverHasOneRow) {
  RecordedJob& job = make_job(1s);
  job.outcome = "failed";
  add("job", "continuous", job);
  serve();
  clock_.advance(1h);
  EXPECT_GT(job.starts.size(), 100U);
  EXPECT_LE(rows("job").size(), 2U);
}

TEST_F(PoliciesTest, APausedContinuousJobGoesOnAtOnce) {
  RecordedJob& job = make_job(24h);
  add("job", settings("continuous"), job, "migration");
  serve();
  clock_.advance(1min);
  EXPECT_TRUE(job.starts.empty());
  scheduler_->resume("job");
  clock_.advance(1ms);
  EXPECT_EQ(job.starts.size(), 1U);
}

TEST_F(PoliciesTest, WithoutADiskJobsRunAllTheSame) {
  RecordedJob& job = make_job(1s);
  add("job", "every 30s", job);
  serve();
  history_.full = true;
  clock_.advance(1min);
  EXPECT_EQ(job.starts.size(), 2U);
}

TEST_F(PoliciesTest, JitterMovesTheStartAndNotTheOccurrence) {
  RecordedJob& job = make_job(1s);
  Settings wanted = settings("every 1h");
  wanted.jitter = 7min;
  add("job", wanted, job);
  serve();
  EXPECT_EQ(scheduler_->next("job"), day_ + 1h + 7min);
  clock_.advance(1h + 6min);
  EXPECT_TRUE(job.starts.empty());
  clock_.advance(1min);
  EXPECT_EQ(job.starts, std::vector<WallTime>{day_ + 1h});
  restart();
  add("job", wanted, job);
  EXPECT_EQ(scheduler_->upcoming("job", 2).at(1).at, day_ + 3h + 7min);
  EXPECT_EQ(scheduler_->upcoming("job", 2).at(1).planned, day_ + 3h);
}

// --- the clock ---------------------------------------------------------------------------------------

TEST_F(PoliciesTest, AClockSetForwardMissesWhatItPassedOver) {
  RecordedJob& job = make_job(1s);
  add("job", "cron 0 * * * *", job);
  serve();
  clock_.advance(1s);
  clock_.set_wall(day_ + 5h + 10min);
  scheduler_->clock_stepped();
  clock_.settle();
  clock_.advance(2s);
  EXPECT_EQ(job.starts, std::vector<WallTime>{day_ + 5h});
  EXPECT_EQ(history_.summary("job"), "missed 4, succeeded 1");
}

TEST_F(PoliciesTest, AClockSetBackRunsNoTimeOfTheDayTwiceAndStopsNoInterval) {
  RecordedJob& daily = make_job(1s);
  RecordedJob& often = make_job(1s);
  RecordedJob& after = make_job(1s);
  add("daily", "cron 30 2 * * *", daily);
  add("often", "every 1m", often);
  add("after", "after 1m", after);
  serve();
  clock_.advance(2h + 31min);
  const std::size_t before = often.starts.size();
  const std::size_t after_before = after.starts.size();
  clock_.set_wall(day_ + 2h + 20min);
  scheduler_->clock_stepped();
  clock_.advance(20min);
  EXPECT_EQ(daily.starts.size(), 1U);
  EXPECT_GE(often.starts.size(), before + 19);
  EXPECT_GE(after.starts.size(), after_before + 19);
}

TEST_F(PoliciesTest, AClockSetForwardDoesNotHurryAnIntervalAfterTheEnd) {
  RecordedJob& job = make_job(1s);
  add("job", "after 1h", job);
  serve();
  clock_.advance(1min);
  clock_.set_wall(day_ + 48h);
  scheduler_->clock_stepped();
  clock_.advance(30min);
  EXPECT_EQ(job.starts.size(), 1U);
}

}  // namespace
}  // namespace syncd::schedule
