// What the scheduler knows of a job: it can be run.  Implemented by the runner.
#pragma once
#include "daemon/base/time.hpp"
#include "daemon/coro/task.hpp"

namespace syncd::schedule {

class Runnable {
 public:
  virtual ~Runnable() = default;
  // Runs the occurrence `planned` to its end, with its retries; every failure is dealt with inside.
  // Throws nothing but Cancelled, when the awaiter was told to stop.
  virtual coro::Task<> run(WallTime planned) = 0;
};

}  // namespace syncd::schedule
