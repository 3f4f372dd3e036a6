#include "jobs/pipeline.hpp"

#include <filesystem>

#include "daemon/schedule/recorded_run.hpp"
#include "jobs/connections.hpp"
#include "jobs/runner.hpp"
#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs {
namespace {

using test::numbered;

// What a scripted sink has seen and how it behaves.
struct SinkScript {
  std::vector<std::string> committed;  // ids
  Positions held;
  int settled = 0;
  Settle settled_why = Settle::CaughtUp;
  int opened = 0;
  int fail_at_commit = -1;  // counted from 0; thrown once
  ErrorKind kind = ErrorKind::Transient;
  Duration commit_time{0};
  Duration settle_time{0};
  std::optional<std::string> settle_failure;
  int commits = 0;
};

class ScriptedSink final : public Sink {
 public:
  ScriptedSink(Clock& clock, SinkScript& script) : clock_(clock), script_(script) {}
  Task<CheckNotes> check() override { co_return CheckNotes(); }
  Task<std::optional<Positions>> open() override {
    ++script_.opened;
    co_return script_.held;
  }
  Task<> commit(const Batch& batch, const Position& previous) override {
    EXPECT_EQ(script_.held.at(batch.partition()), previous);
    if (script_.commit_time.count() != 0) co_await sleep_for(clock_, script_.commit_time);
    if (script_.commits++ == script_.fail_at_commit) throw Error(script_.kind, "the sink is unwell");
    for (std::size_t row = 0; row < batch.rows(); ++row)
      script_.committed.emplace_back(batch.cell(row, 0).text());
    script_.held.advance(batch.position());
  }
  Task<> settle(Settle why) override {
    ++script_.settled;
    script_.settled_why = why;
    co_await sleep_for(clock_, script_.settle_time);
    if (script_.settle_failure) throw Error(ErrorKind::Transient, *script_.settle_failure);
  }
  Task<std::optional<Positions>> recall() override { co_return script_.held; }
  Task<> assign(const Positions& positions) override {
    script_.held = positions;
    co_return;
  }
  Task<std::vector<std::string>> preview(const Batch&) override { co_return std::vector<std::string>(); }

 private:
  Clock& clock_;
  SinkScript& script_;
};

struct SourceScript {
  std::size_t total = 10;
  std::size_t per_batch = 2;
  std::size_t produced = 0;  // rows, over all attempts
  bool endless = false;
  bool announces = false;  // a position without rows comes first
  Duration idle_time = std::chrono::seconds(1);
  std::optional<std::string> failure;
};

class ScriptedSource final : public Source {
 public:
  ScriptedSource(Clock& clock, SourceScript& script) : clock_(clock), script_(script) {}
  Task<CheckNotes> check() override { co_return CheckNotes(); }
  Batches read(Positions from) override { return rows(clock_, script_, from.at("").text()); }
  Task<Position> position_at(std::string) override { co_return Position(); }
  std::string describe(const Position& position) const override { return position.text(); }

 private:
  static Batches rows(Clock& clock, SourceScript& script, std::string from) {
    std::size_t next = from.empty() ? 0 : std::stoul(from.substr(1));
    if (script.announces) co_yield numbered(next, 0);
    while (next < script.total) {
      if (script.failure) throw Error(ErrorKind::Permanent, *script.failure);
      co_await sleep_for(clock, std::chrono::milliseconds(1));
      const std::size_t count = std::min(script.per_batch, script.total - next);
      script.produced += count;
      co_yield numbered(next, count);
      next += count;
    }
    while (script.endless) {
      co_await sleep_for(clock, script.idle_time);
      Batch idle = numbered(next, 0);
      idle.set_caught_up(true);
      co_yield std::move(idle);
    }
  }
  Clock& clock_;
  SourceScript& script_;
};

std::vector<std::string> ids(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(std::to_string(i));
  return all;
}

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() : plan_(config::Job(), schedule::Schedule::parse("manual")) {
    plan_.job.name = "users";
    plan_.job.retry.backoff = {std::chrono::seconds(1), std::chrono::seconds(8)};
    plan_.source.make = [this](RunContext& context) {
      return std::make_unique<ScriptedSource>(context.clock, source_);
    };
    plan_.sink.make = [this](RunContext& context) {
      return std::make_unique<ScriptedSink>(context.clock, sink_);
    };
  }
  ~RunnerTest() override { std::filesystem::remove_all(folder_); }

  static std::filesystem::path make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "syncd-runner-XXXXXX").string();
    return ::mkdtemp(name.data());
  }

  Task<> record(Runner& runner) { co_await schedule::recorded_run(clock_, database_, runner, "users"); }

  ManualClock clock_;
  SourceScript source_;
  SinkScript sink_;
  JobPlan plan_;
  loop::EventLoop loop_;
  std::map<std::string, config::Connection> none_;
  Connections connections_{loop_, none_};
  std::filesystem::path folder_ = make_folder();
  store::Database database_{folder_};
  Runner runner_{clock_, plan_, connections_, database_, [] {}};
};

TEST_F(RunnerTest, CommitsEveryRowInOrderAndSettles) {
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_EQ(sink_.committed, ids(10));
  EXPECT_EQ(sink_.settled, 1);
  EXPECT_EQ(sink_.settled_why, Settle::End);
  const auto last = database_.last_run("users");
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->outcome, "succeeded");
  EXPECT_EQ(last->rows, 10U);
  EXPECT_EQ(database_.positions("users").at(""), "p10");
}

TEST_F(RunnerTest, RetriesFromTheCheckpointAfterATransientFailure) {
  sink_.fail_at_commit = 2;
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_EQ(sink_.committed, ids(10)) << "nothing missing, nothing twice";
  EXPECT_EQ(sink_.opened, 2);
  EXPECT_EQ(database_.last_run("users")->attempts, 2U);
}

TEST_F(RunnerTest, APermanentFailureEndsTheRunAtOnce) {
  sink_.fail_at_commit = 1;
  sink_.kind = ErrorKind::Permanent;
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_EQ(sink_.opened, 1);
  EXPECT_EQ(database_.last_run("users")->outcome, "failed");
  EXPECT_EQ(database_.last_run("users")->error, "the sink is unwell");
}

TEST_F(RunnerTest, TheCopyOfAPositionIsNotAheadOfTheSink) {
  source_.announces = true;
  sink_.fail_at_commit = 1;
  sink_.kind = ErrorKind::Permanent;
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_TRUE(database_.positions("users").empty());
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_EQ(database_.positions("users").at(""), "p10");
}

TEST_F(RunnerTest, GivesUpAfterTheAttemptsThatBringNothing) {
  plan_.job.retry.attempts = 3;
  plan_.source.make = [](RunContext&) -> std::unique_ptr<Source> {
    throw Error(ErrorKind::Transient, "no route to host");
  };
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_EQ(database_.last_run("users")->attempts, 3U);
  EXPECT_EQ(database_.last_run("users")->error, "no route to host");
}

TEST_F(RunnerTest, AFailureOfTheSourceArrivesWithItsText) {
  source_.failure = "table is gone";
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_EQ(database_.last_run("users")->error, "table is gone");
}

TEST_F(RunnerTest, ASoftStopFinishesTheCommitAndSettles) {
  source_.endless = true;
  sink_.commit_time = std::chrono::milliseconds(10);
  coro::AsyncScope scope;
  scope.spawn(record(runner_));
  clock_.advance(std::chrono::milliseconds(25));  // in the middle of a commit
  const auto before = sink_.committed.size();
  runner_.stop(false, "stopped by the test");
  clock_.advance(std::chrono::milliseconds(15));
  EXPECT_EQ(scope.running(), 0U);
  EXPECT_EQ(sink_.committed.size(), before + 2) << "the commit under way is finished, the next not begun";
  EXPECT_EQ(sink_.settled, 1);
  EXPECT_EQ(sink_.settled_why, Settle::End);
  EXPECT_EQ(database_.last_run("users")->outcome, "cancelled");
  EXPECT_EQ(database_.last_run("users")->error, "stopped by the test");
}

TEST_F(RunnerTest, AHardStopEndsInTheMiddleOfACommit) {
  sink_.commit_time = std::chrono::hours(1);
  coro::AsyncScope scope;
  scope.spawn(record(runner_));
  clock_.advance(std::chrono::milliseconds(25));
  runner_.stop(true, "drain_timeout passed");
  clock_.settle();
  clock_.settle();
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(scope.running(), 0U);
  EXPECT_TRUE(sink_.committed.empty());
}

TEST_F(RunnerTest, ARunThatTakesTooLongFails) {
  plan_.job.timeout = std::chrono::seconds(5);
  plan_.job.retry.attempts = 1;
  sink_.commit_time = std::chrono::hours(1);
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_EQ(database_.last_run("users")->outcome, "failed");
  EXPECT_EQ(database_.last_run("users")->error, "not done within 5.0 s (timeout)");
}

TEST_F(RunnerTest, FetchesAtMostOneBatchAheadOfTheCommit) {
  sink_.commit_time = std::chrono::seconds(1);
  coro::AsyncScope scope;
  scope.spawn(record(runner_));
  clock_.advance(std::chrono::milliseconds(500));  // the first commit is under way
  EXPECT_LE(source_.produced, 2U + 2U) << "one in commit, one ahead";
  clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(scope.running(), 0U);
  EXPECT_EQ(sink_.committed, ids(10));
}

TEST_F(RunnerTest, ATimeoutOfTheWaitBeforeARetryCanBeStopped) {
  sink_.fail_at_commit = 0;
  coro::AsyncScope scope;
  scope.spawn(record(runner_));
  clock_.advance(std::chrono::milliseconds(2));
  ASSERT_EQ(runner_.view().state, RunnerView::State::Waiting);
  EXPECT_NE(runner_.view().waiting_for.find("the sink is unwell; next try at 20"), std::string::npos);
  runner_.stop(false, "cancelled");
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(scope.running(), 0U);
  EXPECT_EQ(database_.last_run("users")->outcome, "cancelled");
}

TEST_F(RunnerTest, ARunWhoseSinkIsTakenFailsAndSaysSo) {
  sink_.fail_at_commit = 1;
  sink_.kind = ErrorKind::Fenced;
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_EQ(sink_.opened, 1) << "no attempt to take it back";
  EXPECT_EQ(database_.last_run("users")->outcome, "failed");
  EXPECT_TRUE(runner_.view().fenced);
}

TEST_F(RunnerTest, AContinuousJobWhoseSinkIsTakenStandsByUntilItIsFree) {
  plan_.schedule = schedule::Schedule::parse("continuous");
  plan_.job.retry.attempts = 1;
  Runner runner(clock_, plan_, connections_, database_, [] {});
  sink_.fail_at_commit = 1;
  sink_.kind = ErrorKind::Fenced;
  coro::AsyncScope scope;
  scope.spawn(record(runner));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(runner.view().fenced);
  EXPECT_NE(runner.view().waiting_for.find("the sink is unwell; next try at"), std::string::npos);
  clock_.advance(std::chrono::seconds(20));
  EXPECT_FALSE(runner.view().fenced);
  EXPECT_EQ(sink_.committed, ids(10));
  EXPECT_EQ(scope.running(), 0U);
}

TEST_F(RunnerTest, APositionThatWasSetIsNotOverwrittenByTheRunBefore) {
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  Positions back;
  back.advance(Position("", "p4"));
  ASSERT_TRUE(test::run(clock_, runner_.assign(back)));
  EXPECT_EQ(database_.positions("users").at(""), "p4");
  plan_.source.make = [](RunContext&) -> std::unique_ptr<Source> {
    throw Error(ErrorKind::Permanent, "gone");
  };
  ASSERT_TRUE(test::run(clock_, record(runner_)));
  EXPECT_EQ(database_.positions("users").at(""), "p4") << "also by a run that came to nothing";
  EXPECT_EQ(sink_.held.at("").text(), "p4");
}

TEST_F(RunnerTest, TheLocalCopyIsCloseWhenTheSourceHasNothingMore) {
  source_.endless = true;
  coro::AsyncScope scope;
  scope.spawn(record(runner_));
  clock_.advance(std::chrono::milliseconds(2500));
  EXPECT_EQ(database_.positions("users").at(""), "p10");
  EXPECT_TRUE(runner_.view().caught_up);
  runner_.stop(false, "enough");
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(scope.running(), 0U);
}

TEST_F(RunnerTest, ASilentSourceLetsTheSinkKeepItsLease) {
  source_.endless = true;
  source_.idle_time = std::chrono::hours(1);
  coro::AsyncScope scope;
  scope.spawn(record(runner_));
  clock_.advance(std::chrono::seconds(1));
  const int before = sink_.settled;
  clock_.advance(std::chrono::minutes(1));
  EXPECT_GE(sink_.settled, before + 6) << "at least every ten seconds";
  EXPECT_EQ(sink_.settled_why, Settle::Beat);
  sink_.settle_time = std::chrono::seconds(3);
  clock_.advance(std::chrono::seconds(6));  // in the middle of one
  runner_.stop(false, "enough");
  clock_.advance(std::chrono::seconds(7));
  EXPECT_EQ(scope.running(), 0U);
  EXPECT_EQ(database_.last_run("users")->outcome, "cancelled");
}

TEST_F(RunnerTest, ASinkThatIsGoneIsNoticedAlthoughNothingIsWritten) {
  source_.endless = true;
  source_.idle_time = std::chrono::hours(1);
  coro::AsyncScope scope;
  scope.spawn(record(runner_));
  clock_.advance(std::chrono::seconds(1));
  sink_.settle_failure = "connection refused";
  clock_.advance(std::chrono::seconds(6));
  EXPECT_EQ(runner_.view().last_error, "connection refused");
  sink_.settle_failure.reset();
  clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(runner_.view().state, RunnerView::State::Running);
  EXPECT_EQ(sink_.committed, ids(10));
  runner_.stop(true, "enough");
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(scope.running(), 0U);
}

TEST_F(RunnerTest, RateAndLagAreThoseOfNow) {
  source_.total = 1000;
  sink_.commit_time = std::chrono::milliseconds(10);  // two rows each
  coro::AsyncScope scope;
  scope.spawn(record(runner_));
  clock_.advance(std::chrono::seconds(3));
  EXPECT_NEAR(runner_.view().rows_per_second, 200, 40);
  sink_.commit_time = std::chrono::hours(1);
  clock_.advance(std::chrono::minutes(10));
  EXPECT_LT(runner_.view().rows_per_second, 2) << "nothing has come for ten minutes";
  runner_.stop(true, "enough");
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(scope.running(), 0U);
}

}  // namespace
}  // namespace syncd::jobs
