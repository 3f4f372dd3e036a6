// App: the composition root.  It owns every long-lived object, in the order of their dependencies.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "config/model.hpp"
#include "daemon/loop/event_loop.hpp"
#include "daemon/schedule/scheduler.hpp"
#include "daemon/store/database.hpp"
#include "jobs/connections.hpp"
#include "jobs/plan.hpp"
#include "jobs/runner.hpp"

namespace syncd {

namespace service {
class Notifier;
}

class App {
 public:
  // Opens the state directory; throws a Permanent error where that fails or another daemon has it.
  App(config::Config config, std::map<std::string, jobs::JobPlan> plans);
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
  coro::Task<> run_until_caught_up(jobs::Runner& runner,
                                   const std::function<void(const jobs::RunnerView&)>& progress);
  // Keeps the line in `systemctl status` current.
  coro::Task<> report_to(service::Notifier& notifier);
  void shut_down(std::string why);

  const WallTime loaded_ = wall_now();  // files changed after this are not the running configuration
  config::Config config_;
  std::map<std::string, jobs::JobPlan> plans_;
  loop::EventLoop loop_;
  store::Database database_;
  jobs::Connections connections_;
  std::map<std::string, std::unique_ptr<jobs::Runner>> runners_;
  schedule::Scheduler scheduler_;
  std::unique_ptr<Control> control_;
  coro::Signal stopping_;
  int stop_requests_ = 0;
};

}  // namespace syncd
