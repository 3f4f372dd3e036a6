// Scheduler: starts each job when its schedule says so, one run of a job at a time.  One coroutine per
// job; no thread, no polling.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/coro/scope.hpp"
#include "daemon/coro/signal.hpp"
#include "daemon/schedule/runnable.hpp"
#include "daemon/schedule/schedule.hpp"

namespace syncd::schedule {

class Scheduler {
 public:
  explicit Scheduler(Clock& clock) : clock_(clock) {}

  // Before serve().  `job` must outlive the scheduler.  A continuous job whose run ended is started again
  // after `restart_delay`.
  void add(const std::string& name, Schedule schedule, Runnable& job, Duration restart_delay, bool paused);

  // Until stopped, or until drain() was called and the last run has ended.
  coro::Task<> serve();

  // Starts no run any more; serve() returns when the running ones have ended.
  void drain();

  // Starts a run now; false: one is running or about to.  Works for a paused job too: the operator asked.
  bool trigger(const std::string& name);
  void set_paused(const std::string& name, bool paused);

  // The next planned start; nullopt: none (manual, paused, running continuously).
  std::optional<WallTime> next(const std::string& name) const;

 private:
  struct Entry {
    Entry(Clock& clock, Schedule schedule_in, Runnable& job_in, Duration delay, bool paused_in)
        : schedule(std::move(schedule_in)),
          job(job_in),
          restart_delay(delay),
          paused(paused_in),
          changed(clock) {}
    Schedule schedule;
    Runnable& job;
    Duration restart_delay;
    bool paused;
    bool triggered = false;
    bool running = false;
    std::optional<WallTime> next;
    coro::Signal changed;
  };
  coro::Task<> drive(Entry& entry);
  coro::Task<> wait_until_due(Entry& entry);

  Clock& clock_;
  std::map<std::string, std::unique_ptr<Entry>> entries_;
  bool draining_ = false;
};

}  // namespace syncd::schedule
