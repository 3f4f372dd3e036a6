// A world in virtual time for the scheduler: jobs that fail and hang, a wall clock that is set, a process
// that is killed and begins again from what was recorded, a configuration that is reloaded; and an account of
// every start, so that what must never happen is seen when it does.
#pragma once
#include <gtest/gtest.h>

#include <random>

#include "daemon/coro/manual_clock.hpp"
#include "daemon/schedule/scheduler.hpp"
#include "tests/unit/schedule/memory_history.hpp"

namespace syncd::schedule::test {

class World;

// One job of the world; outlives every process in it.
class SimulatedJob final : public Runnable {
 public:
  SimulatedJob(World& world, std::string name_in, Settings settings_in)
      : name(std::move(name_in)), settings(std::move(settings_in)), world_(world) {}
  coro::Task<RunRecord> run(RunRecord run) override;
  void stop(std::string reason) override;
  std::optional<Gate> gate() override;

  const std::string name;
  Settings settings;
  int running = 0;
  // Also when resumed.  An operator may ask twice at what the clock shows as the same time.
  std::map<WallTime, int> starts;     // by occurrence
  std::map<std::int64_t, int> asked;  // by row
  std::uint64_t runs = 0;

 private:
  World& world_;
  std::string stopped_;
  std::optional<coro::Signal> wake_;
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}
  ~World() { kill(); }

  int draw(int most) { return std::uniform_int_distribution<int>(0, most)(random_); }
  bool chance(int one_in) { return draw(one_in - 1) == 0; }

  SimulatedJob& add_job(const std::string& name, Settings settings) {
    return jobs_.emplace_back(*this, name, std::move(settings));
  }
  // A process begins.
  void start() {
    history.close_interrupted();
    scheduler_.emplace(clock, history, limits);
    for (SimulatedJob& job : jobs_) scheduler_->add(job.name, job.settings, job, paused_reason(job.name));
    scope_.emplace().spawn(scheduler_->serve());
    settle();
  }
  // kill -9: what was recorded so far is all there is.
  void kill() {
    if (!scope_) return;
    dying_ = true;
    const MemoryHistory recorded = history;
    scope_->request_stop();
    while (scope_->running() != 0) clock.settle();
    scope_.reset();
    scheduler_.reset();
    history = recorded;
    for (SimulatedJob& job : jobs_) job.running = 0;
    dying_ = false;
  }
  bool up() const { return scope_.has_value(); }
  bool dying() const { return dying_; }
  Scheduler& scheduler() { return *scheduler_; }
  std::list<SimulatedJob>& jobs() { return jobs_; }

  void advance(Duration by) { clock.advance(by); }
  void set_clock(WallTime wall) {
    clock.set_wall(wall);
    if (up()) scheduler_->clock_stepped();
    settle();
  }
  std::optional<std::string> paused_reason(const std::string& job) const {
    const auto found = history.pauses.find(job);
    return found == history.pauses.end() ? std::nullopt : std::optional(found->second);
  }
  void settle() {
    clock.settle();
    clock.settle();
  }

  ManualClock clock;
  MemoryHistory history;
  Limits limits;
  int trouble = 4;  // one run in so many goes wrong
  std::uint32_t running_in_group = 0;
  std::vector<std::string> wrong;  // what must never happen

 private:
  std::mt19937_64 random_;
  std::list<SimulatedJob> jobs_;
  std::optional<Scheduler> scheduler_;
  std::optional<coro::AsyncScope> scope_;
  bool dying_ = false;
};

inline coro::Task<RunRecord> SimulatedJob::run(RunRecord run) {
  if (++running != 1) world_.wrong.push_back(name + ": two runs at once");
  const int before = run.cause <= Cause::CatchUp ? starts[run.planned]++ : asked[run.id]++;
  if (before != 0 && run.resumed == 0)
    world_.wrong.push_back(name + ": two starts of " + rfc3339(run.planned));
  ++runs;
  stopped_.clear();
  const bool bad = world_.chance(world_.trouble);
  const Duration takes = bad && world_.chance(3) ? Duration(std::chrono::hours(5))  // hangs
                                                 : Duration(std::chrono::seconds(world_.draw(120)));
  wake_.emplace(world_.clock);
  const std::uint32_t room = settings.group.empty() ? 0 : 1;
  world_.running_in_group += room;
  if (world_.running_in_group > 1) world_.wrong.push_back(name + ": two of its group at once");
  struct Leave {
    World& world;
    int& running;
    std::uint32_t room;
    ~Leave() {
      world.running_in_group -= room;
      --running;
    }
  } leave{world_, running, room};
  co_await wake_->wait_until(world_.clock.now() + takes);
  run.outcome = bad ? "failed" : "succeeded";
  run.error = bad ? "no route" : "";
  if (!stopped_.empty()) {
    run.outcome = "cancelled";
    run.error = stopped_;
  }
  co_return run;
}

inline void SimulatedJob::stop(std::string reason) {
  stopped_ = std::move(reason);
  if (wake_) wake_->notify();
}

inline std::optional<Gate> SimulatedJob::gate() {
  if (!world_.chance(20)) return std::nullopt;
  return Gate{"the breaker", world_.clock.now() + std::chrono::seconds(30)};
}

}  // namespace syncd::schedule::test
