// A scheduler in virtual time, with jobs that do what a test tells them.
#pragma once
#include <gtest/gtest.h>

#include <list>

#include "daemon/coro/manual_clock.hpp"
#include "daemon/schedule/scheduler.hpp"
#include "tests/unit/schedule/memory_history.hpp"

namespace syncd::schedule::test {

class RecordedJob final : public Runnable {
 public:
  RecordedJob(Clock& clock, Duration takes_in) : takes(takes_in), clock_(clock) {}
  coro::Task<RunRecord> run(RunRecord run) override {
    starts.push_back(run.planned);
    runs.push_back(run);
    stopped.clear();
    wake_.emplace(clock_);
    if (takes.count() != 0) co_await wake_->wait_until(clock_.now() + takes);
    ++ends;
    run.outcome = outcome;
    if (outcome == "failed") run.error = "no route";
    if (!stopped.empty()) {
      run.outcome = "cancelled";
      run.error = stopped;
    }
    co_return run;
  }
  void stop(std::string reason) override {
    stopped = std::move(reason);
    if (wake_) wake_->notify();
  }
  void left_out(const std::string& why) override { not_begun.push_back(why); }
  std::optional<Gate> gate() override { return closed; }

  Duration takes;
  std::string outcome = "succeeded";
  std::optional<Gate> closed;
  std::vector<WallTime> starts;
  std::vector<RunRecord> runs;
  std::vector<std::string> not_begun;
  int ends = 0;
  std::string stopped;

 private:
  Clock& clock_;
  std::optional<coro::Signal> wake_;
};

class SchedulerTest : public ::testing::Test {
 protected:
  void serve() { scope_.emplace().spawn(scheduler_->serve()); }
  ~SchedulerTest() override { kill(); }

  // As kill -9: nothing is recorded any more.
  void kill() {
    if (!scope_) return;
    const MemoryHistory recorded = history_;
    scope_->request_stop();
    while (scope_->running() != 0) clock_.settle();
    scope_.reset();
    history_ = recorded;
  }
  // Another process begins where the history says.
  void restart(Limits limits = {}) {
    kill();
    history_.close_interrupted();
    scheduler_.emplace(clock_, history_, std::move(limits));
  }

  RecordedJob& make_job(Duration takes) { return jobs_.emplace_back(clock_, takes); }
  Settings settings(const std::string& schedule) const { return Settings(Schedule::parse(schedule)); }
  void add(const std::string& name, const std::string& schedule, RecordedJob& job) {
    scheduler_->add(name, settings(schedule), job);
  }
  const std::vector<RunRecord>& rows(const std::string& job) { return history_.rows[job]; }

  ManualClock clock_;
  MemoryHistory history_;
  std::list<RecordedJob> jobs_;  // outlive the scheduler
  std::optional<Scheduler> scheduler_{std::in_place, clock_, history_};
  std::optional<coro::AsyncScope> scope_;
};

}  // namespace syncd::schedule::test
