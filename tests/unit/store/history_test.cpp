#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/store/database.hpp"

namespace syncd::store {
namespace {

using namespace std::chrono_literals;
using schedule::Cause;
using schedule::JobState;

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    std::string name = (std::filesystem::temp_directory_path() / "syncd-history-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    database_.emplace(folder_);
  }
  ~HistoryTest() override { std::filesystem::remove_all(folder_); }

  RunRecord run_at(WallTime planned, Cause cause = Cause::Schedule) const {
    RunRecord run;
    run.job = "users";
    run.cause = cause;
    run.planned = planned;
    run.started = planned + 1s;
    return run;
  }
  void fail(WallTime planned, const std::string& error, bool fold) {
    RunRecord run = run_at(planned);
    ASSERT_TRUE(database_->begin(run, state_));
    run.outcome = "failed";
    run.error = error;
    run.attempts = 2;
    run.ended = run.started + 1s;
    database_->end(run, state_, fold);
  }
  void skip(WallTime planned, const std::string& why, Cause cause = Cause::Schedule) {
    RunRecord row = run_at(planned, cause);
    row.outcome = "skipped";
    row.error = why;
    database_->not_run(row, state_);
  }
  std::vector<RunRecord> all() { return database_->history({.job = "users", .limit = 10000}); }

  const WallTime day_ = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  std::filesystem::path folder_;
  std::optional<Database> database_;
  JobState state_;
};

TEST_F(HistoryTest, AnOccurrenceIsStartedOnceAlsoAfterARestart) {
  RunRecord run = run_at(day_);
  EXPECT_TRUE(database_->begin(run, state_));
  EXPECT_GT(run.id, 0);
  database_.reset();
  database_.emplace(folder_);
  RunRecord again = run_at(day_, Cause::CatchUp);
  EXPECT_FALSE(database_->begin(again, state_));
  RunRecord asked = run_at(day_, Cause::Asked);
  EXPECT_TRUE(database_->begin(asked, state_)) << "an operator may ask at any time";
  RunRecord next = run_at(day_ + 1h);
  EXPECT_TRUE(database_->begin(next, state_));
}

TEST_F(HistoryTest, AnInterruptedRunGoesOnInTheSameRow) {
  RunRecord run = run_at(day_);
  database_->begin(run, state_);
  EXPECT_FALSE(database_->interrupted("users")) << "it runs";
  EXPECT_EQ(database_->close_interrupted_runs(day_ + 1h), 1);
  auto cut = database_->interrupted("users");
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->id, run.id);
  EXPECT_EQ(cut->planned, day_);
  cut->resumed = 1;
  database_->go_on(*cut);
  EXPECT_EQ(all().at(0).outcome, "running");
  cut->outcome = "succeeded";
  database_->end(*cut, state_, false);
  EXPECT_FALSE(database_->interrupted("users"));
  ASSERT_EQ(all().size(), 1U);
  EXPECT_EQ(all().at(0).resumed, 1U);
  EXPECT_EQ(all().at(0).outcome, "succeeded");
}

TEST_F(HistoryTest, OccurrencesThatDidNotRunForTheSameReasonShareARow) {
  skip(day_, "still running since 01:58");
  skip(day_ + 30s, "still running since 01:58");
  skip(day_ + 60s, "still running since 01:58");
  skip(day_ + 90s, "paused");
  const auto rows = all();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].planned, day_);
  EXPECT_EQ(rows[1].until, day_ + 60s);
  EXPECT_EQ(rows[1].occurrences, 3U);
  EXPECT_FALSE(rows[1].ran());
  EXPECT_EQ(rows[0].error, "paused");
}

TEST_F(HistoryTest, ARowIsAboutOneCause) {
  skip(day_, "replaced", Cause::Asked);
  skip(day_ + 1h, "replaced", Cause::CatchUp);
  skip(day_ + 2h, "replaced", Cause::CatchUp);
  const auto rows = all();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].cause, Cause::Asked);
  EXPECT_EQ(rows[1].occurrences, 1U);
  EXPECT_EQ(rows[0].cause, Cause::CatchUp);
  EXPECT_EQ(rows[0].planned, day_ + 1h);
  EXPECT_EQ(rows[0].until, day_ + 2h);
}

TEST_F(HistoryTest, ARowDoesNotReachBackIntoTheTimeBeforeAClockWasSetBack) {
  skip(day_ + 1h, "paused");
  skip(day_ + 2h, "paused");
  skip(day_ + 30min, "paused");
  const auto rows = all();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].until, day_ + 2h);
  EXPECT_EQ(rows[0].planned, day_ + 30min);
}

TEST_F(HistoryTest, FailuresOfAContinuousJobShareARow) {
  for (int i = 0; i < 5; ++i) fail(day_ + i * 10s, "no route", true);
  fail(day_ + 60s, "access refused", true);
  const auto rows = all();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].occurrences, 5U);
  EXPECT_EQ(rows[1].attempts, 10U);
  EXPECT_EQ(rows[1].planned, day_);
  EXPECT_EQ(rows[1].until, day_ + 40s);
}

TEST_F(HistoryTest, KeepsWhatTheSchedulerKnows) {
  EXPECT_FALSE(database_->state("users"));
  state_.schedule = "@daily UTC";
  state_.decided = day_;
  state_.succeeded = false;
  state_.why_not = "no route";
  state_.failures = 3;
  fail(day_, "no route", false);
  database_.reset();
  database_.emplace(folder_);
  const auto found = database_->state("users");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->schedule, "@daily UTC");
  EXPECT_EQ(found->decided, day_);
  EXPECT_EQ(found->ended, std::nullopt);
  EXPECT_EQ(found->succeeded, false);
  EXPECT_EQ(found->why_not, "no route");
  EXPECT_EQ(found->failures, 3U);
}

TEST_F(HistoryTest, KeepsThePositionsThatMoved) {
  RunRecord run = run_at(day_);
  database_->begin(run, state_);
  run.before = {{"", "p1"}};
  run.after = {{"", "p9"}, {"a.log", "7"}};
  run.outcome = "succeeded";
  database_->end(run, state_, false);
  EXPECT_EQ(all().at(0).before.at(""), "p1");
  EXPECT_EQ(all().at(0).before.at("a.log"), "");
  EXPECT_EQ(all().at(0).after.at("a.log"), "7");
}

TEST_F(HistoryTest, KeepsSoManyRowsOfEachJobAndNoneTooOld) {
  database_->keep_history(20, 0s, day_);
  for (int i = 0; i < 200; ++i) fail(day_ + i * 1min, "no route", false);
  EXPECT_LE(all().size(), 20U + 50U);
  EXPECT_EQ(all().at(0).planned, day_ + 199min);
  database_->keep_history(0, 1h, day_ + 200min);
  EXPECT_LE(all().size(), 61U);
  database_->keep_history(0, 1h, day_ + 1000h);
  EXPECT_EQ(all().size(), 1U) << "the newest stays";
}

TEST_F(HistoryTest, SelectsByJobFailureAndTime) {
  fail(day_, "no route", false);
  RunRecord good = run_at(day_ + 1h);
  good.job = "orders";
  database_->begin(good, state_);
  good.outcome = "succeeded";
  database_->end(good, state_, false);
  EXPECT_EQ(database_->history({}).size(), 2U);
  EXPECT_EQ(database_->history({.failed_only = true}).size(), 1U);
  EXPECT_EQ(database_->history({.since = day_ + 30min}).at(0).job, "orders");
  EXPECT_EQ(database_->history({.limit = 1}).at(0).job, "orders") << "newest first";
}

}  // namespace
}  // namespace syncd::store
