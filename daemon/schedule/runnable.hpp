// What the scheduler knows of a job: it can be run.  Implemented by the runner.
#pragma once
#include <optional>
#include <string>

#include "daemon/base/time.hpp"
#include "daemon/coro/clock.hpp"
#include "daemon/coro/task.hpp"
#include "daemon/schedule/history.hpp"

namespace syncd::schedule {

// Why a run should not begin yet, and when to ask again.
struct Gate {
  std::string why;  // "the breaker of connection cache is open until ..."
  TimePoint ask_again;
};

class Runnable {
 public:
  virtual ~Runnable() = default;
  // Runs the occurrence to its end, with its retries; every failure is dealt with inside.  Returns `run` with
  // how it ended: outcome, error, attempts, rows, bytes, before, after.  The caller records it.
  // Throws nothing but Cancelled, when the awaiter was told to stop.
  virtual coro::Task<RunRecord> run(RunRecord run) = 0;
  // Ends the run under way, after the commit under way; `reason` becomes its error.
  virtual void stop(std::string reason) = 0;
  // A run that an operator asked for, and that waited, does not begin; `why` says so.
  virtual void left_out(const std::string& why) { (void)why; }
  // Asked before each occurrence of the schedule; nullopt: it may begin.
  virtual std::optional<Gate> gate() { return std::nullopt; }
};

}  // namespace syncd::schedule
