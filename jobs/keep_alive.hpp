// KeepAlive: settles the sink now and then while a run waits for its next batch, so that a sink with a lease
// keeps it however long the source is silent, and a sink that is gone is noticed although nothing is written.
#pragma once
#include <optional>

#include "daemon/coro/scope.hpp"
#include "daemon/coro/signal.hpp"
#include "jobs/component.hpp"

namespace syncd::jobs {

class KeepAlive {
 public:
  // `soft` ends the waiting, `hard` (may be null) the settling too; everything outlives this.
  KeepAlive(Clock& clock, Sink& sink, const std::stop_token& soft, const std::stop_token* hard);
  KeepAlive(const KeepAlive&) = delete;
  KeepAlive& operator=(const KeepAlive&) = delete;

  // The result of `pull`.  The sink is at rest again when this returns; throws what settling it threw.
  Task<std::optional<Batch>> wait(Task<std::optional<Batch>> pull);

  // Settling failed: wait() threw what the sink threw.
  bool lost() const noexcept { return lost_ != nullptr; }

  // To be awaited before this goes, whatever happened.
  Task<> end();

 private:
  Task<> beat();

  Clock& clock_;
  Sink& sink_;
  coro::StopScope waiting_;
  coro::AsyncScope beating_;
  coro::Signal over_;
  coro::Signal settled_;
  std::exception_ptr lost_;
  bool pulling_ = false;
  bool settling_ = false;
};

}  // namespace syncd::jobs
