// App: the composition root.  It owns every long-lived object, in the order of their dependencies.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "daemon/app_configuration.hpp"
#include "daemon/app_job.hpp"
#include "daemon/loop/event_loop.hpp"
#include "daemon/schedule/scheduler.hpp"
#include "daemon/store/database.hpp"

namespace syncd {

namespace service {
class Notifier;
}

class App {
 public:
  // Opens the state directory; throws a Permanent error where that fails or another daemon has it.
  explicit App(Loaded loaded);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // The daemon: until SIGTERM or SIGINT (a second one does not wait for commits), or `syncctl shutdown`.
  void serve();

  // One run of `job` in the foreground, until it has caught up; SIGINT ends it after the commit under way.
  // `progress` is called about four times a second.
  store::RunRecord run_once(const std::string& job, std::function<void(const jobs::RunnerView&)> progress);

 private:
  class Control;  // app_control.cpp: what the control socket may do

  coro::Task<> serve_until_stopped();
  coro::Task<> serve_schedule();
  coro::Task<> drain(service::Notifier& notifier);
  coro::Task<> run_until_caught_up(jobs::Runner& runner,
                                   const std::function<void(const jobs::RunnerView&)>& progress,
                                   store::RunRecord& ended);
  // Keeps the line in `systemctl status` current.
  coro::Task<> report_to(service::Notifier& notifier);
  void shut_down(std::string why);
  // Something else is to be shown about `job`.
  void changed(const std::string& job);

  // app_reload.cpp.  What the configuration on disk changes; takes it, unless this is a `dry_run`.  Throws
  // control::InvalidConfiguration; nothing has changed then.
  control::Difference reload(bool dry_run);
  void reload_by_signal();
  void take(std::shared_ptr<const Configuration> next, const control::Difference& difference);
  void add_job(const std::string& name, const std::optional<store::Pause>& pause);
  void change_job(const std::string& name);
  coro::Task<> remove_job(std::string name);
  coro::Task<> restart(std::string name);

  loop::EventLoop loop_;
  std::shared_ptr<const Configuration> started_;        // the settings that only a restart changes are these
  std::shared_ptr<const Configuration> configuration_;  // of the runs that begin from now on
  store::Database database_;
  std::map<std::string, std::unique_ptr<ManagedJob>> jobs_;
  schedule::Scheduler scheduler_;
  std::unique_ptr<Control> control_;
  coro::AsyncScope leaving_;  // jobs that were removed, until their last run has ended
  coro::Signal stopping_;     // a request to stop, or the end of the last run
  int stop_requests_ = 0;
  bool drained_ = false;
};

}  // namespace syncd
