// ManagedJob: one job for as long as the daemon knows it, whatever its configuration is by now.  Each run is
// by the plan that is current when it begins, and ends by that one.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/app_configuration.hpp"
#include "daemon/coro/signal.hpp"
#include "daemon/schedule/runnable.hpp"
#include "daemon/status/metrics.hpp"
#include "daemon/store/database.hpp"
#include "jobs/runner.hpp"

namespace syncd {

class ManagedJob final : public schedule::Runnable {
 public:
  // `changed` is called with its name on each change of what the runner shows.
  ManagedJob(Clock& clock, store::Database& database, std::function<void(const std::string&)> changed,
             std::string name, const Configuration& configuration);

  coro::Task<schedule::RunRecord> run(schedule::RunRecord run) override;
  void stop(std::string reason) override { runner()->stop(false, std::move(reason)); }
  void left_out(const std::string& why) override;
  std::optional<schedule::Gate> gate() override { return runner()->gate(); }

  // How the run under way, or the one that was asked for, has ended, or that it does not begin; whatever
  // configuration it is by.  The job may be gone by then.
  coro::Task<schedule::RunRecord> wait_for_end();

  // What the next run of Cause::Range is over.
  void set_range(jobs::Range range) { range_ = std::make_unique<jobs::Range>(std::move(range)); }

  // The next run is by `configuration`; the one under way goes on as it is.
  void configure(const Configuration& configuration);

  // Of the run under way, else of the next one.  Who awaits on it keeps it: a reload may make another.
  std::shared_ptr<jobs::Runner> runner() const;
  bool running() const { return runner()->running(); }
  // Of all its runs since the daemon began.
  const status::JobCounters& counters() const {
    static const status::JobCounters none;
    return counters_ ? *counters_ : none;
  }
  // What the next run is by.
  const jobs::JobPlan& plan() const noexcept { return next_ ? *next_->plan : *current_->plan; }

 private:
  struct Configured {
    std::shared_ptr<const jobs::JobPlan> plan;
    std::shared_ptr<jobs::Connections> connections;
    std::function<void(const std::string&)> changed;  // the runner may outlive the job
    std::optional<jobs::Runner> runner;
  };
  struct Waiter {
    explicit Waiter(Clock& clock) : told(clock) {}
    coro::Signal told;
    schedule::RunRecord end;
  };
  void adopt();
  void tell_waiters(const schedule::RunRecord& end);

  Clock& clock_;
  store::Database& database_;
  const std::function<void(const std::string&)> changed_;
  const std::string name_;
  std::unique_ptr<status::JobCounters> counters_;  // from the end of the first one on
  std::unique_ptr<jobs::Range> range_;
  std::vector<std::weak_ptr<Waiter>> waiters_;
  std::shared_ptr<Configured> current_;
  std::shared_ptr<Configured> next_;  // waits for the end of the run under way
};

}  // namespace syncd
