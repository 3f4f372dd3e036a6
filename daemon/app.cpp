#include "daemon/app.hpp"

#include <fmt/format.h>

#include <csignal>

#include "daemon/app_control.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/version.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/loop/signals.hpp"
#include "daemon/postgres/pool.hpp"
#include "daemon/redis/pool.hpp"
#include "daemon/service/notify.hpp"

namespace syncd {
namespace {

// A continuous job whose run ended with a failure begins anew after this time: the servers it needs may be
// away for hours, and nobody should have to start it by hand.
constexpr Duration kRestartDelay = std::chrono::seconds(10);
// What the service manager is asked to wait beyond the drain: stopped workers and closing files.
constexpr Duration kToEndAfterDrain = std::chrono::seconds(15);
constexpr Duration kReportEvery = std::chrono::seconds(2);
constexpr Duration kProgressEvery = std::chrono::milliseconds(250);

}  // namespace

App::App(config::Config config, std::map<std::string, jobs::JobPlan> plans)
    : config_(std::move(config)),
      plans_(std::move(plans)),
      database_(config_.daemon.state_dir),
      connections_(loop_, config_.connections),
      scheduler_(loop_),
      stopping_(loop_) {
  if (database_.set_aside()) {
    log::error(
        "",
        "the state database was corrupt and is now {}; a new one was begun. Positions of Redis jobs are in "
        "Redis and are not affected.",
        database_.set_aside()->string());
  }
  if (const int cut = database_.close_interrupted_runs(wall_now()); cut > 0) {
    log::info("", "{} run{} interrupted by the end of the last process; they go on from their checkpoints",
              cut, cut == 1 ? " was" : "s were");
  }
}

App::~App() = default;

// --- the daemon --------------------------------------------------------------------------------------

void App::serve() { loop_.run(serve_until_stopped()); }

coro::Task<> App::serve_until_stopped() {
  control_ = std::make_unique<Control>(*this);
  for (const auto& [name, plan] : plans_) {
    auto runner = std::make_unique<jobs::Runner>(loop_, plan, connections_, database_,
                                                 [this, name = name] { control_->changed(name); });
    scheduler_.add(name, plan.schedule, *runner, kRestartDelay, database_.paused(name).has_value());
    runners_.emplace(name, std::move(runner));
  }
  control_->listen();
  const loop::Signals signals(loop_, {SIGTERM, SIGINT},
                              [this](int number) { shut_down(fmt::format("signal {}", number)); });
  log::info("", "syncd {} runs {} job{}; control socket {}", kVersion, plans_.size(),
            plans_.size() == 1 ? "" : "s", config_.control.socket);

  service::Notifier notifier;
  coro::AsyncScope reporting;
  reporting.spawn(notifier.feed_watchdog(loop_));
  reporting.spawn(report_to(notifier));
  notifier.ready();

  coro::AsyncScope scope;
  scope.spawn(scheduler_.serve());
  co_await stopping_.wait();
  notifier.stopping(config_.daemon.drain_timeout + kToEndAfterDrain);
  // Soft first: no new runs, and each commit under way is finished.
  scheduler_.drain();
  for (auto& [name, runner] : runners_) runner->stop(false, "the daemon was stopped");
  const TimePoint deadline = loop_.now() + config_.daemon.drain_timeout;
  while (scope.running() != 0) {
    const bool again =
        co_await stopping_.wait_until(std::min(deadline, loop_.now() + std::chrono::milliseconds(20)));
    if (again || loop_.now() >= deadline) {
      log::warn("", "not waiting for commits any longer");
      for (auto& [name, runner] : runners_) runner->stop(true, "the daemon was stopped");
      break;
    }
  }
  co_await scope.join();
  co_await control_->close();
  reporting.request_stop();
  co_await reporting.join();
  log::info("", "stopped");
}

coro::Task<> App::report_to(service::Notifier& notifier) {
  while (notifier.heard()) {
    std::size_t running = 0, waiting = 0, failing = 0;
    for (const auto& [name, runner] : runners_) {
      const jobs::RunnerView view = runner->view();
      running += view.state == jobs::RunnerView::State::Running ? 1 : 0;
      waiting += view.state == jobs::RunnerView::State::Waiting ? 1 : 0;
      failing += view.last_error.empty() ? 0 : 1;
    }
    std::string line =
        fmt::format("{} job{}, {} running", runners_.size(), runners_.size() == 1 ? "" : "s", running);
    if (waiting > 0) line += fmt::format(", {} waiting", waiting);
    if (failing > 0) line += fmt::format(", {} failing", failing);
    notifier.status(line);
    co_await sleep_for(loop_, kReportEvery);
  }
}

void App::shut_down(std::string why) {
  log::info("", "stopping ({})", why);
  stopping_.notify();
}

// --- one run in the foreground -----------------------------------------------------------------------

namespace {

coro::Task<> show_progress(loop::EventLoop& loop, const jobs::Runner& runner,
                           const std::function<void(const jobs::RunnerView&)>& progress) {
  while (true) {
    progress(runner.view());
    co_await sleep_for(loop, kProgressEvery);
  }
}

}  // namespace

store::RunRecord App::run_once(const std::string& job,
                               std::function<void(const jobs::RunnerView&)> progress) {
  if (database_.paused(job)) log::warn(job, "is paused: this one run takes place all the same");
  jobs::Runner runner(
      loop_, plans_.at(job), connections_, database_, [] {}, /*until_caught_up=*/true);
  loop_.run(run_until_caught_up(runner, progress));
  return runner.last();
}

coro::Task<> App::run_until_caught_up(jobs::Runner& runner,
                                      const std::function<void(const jobs::RunnerView&)>& progress) {
  int requests = 0;
  const loop::Signals signals(loop_, {SIGTERM, SIGINT}, [&](int number) {
    runner.stop(++requests > 1, fmt::format("signal {}", number));
  });
  coro::AsyncScope watching;
  watching.spawn(show_progress(loop_, runner, progress));
  std::exception_ptr failure;
  try {
    co_await runner.run(loop_.wall_now());
  } catch (...) {
    failure = std::current_exception();
  }
  watching.request_stop();
  co_await watching.join();
  if (failure) std::rethrow_exception(failure);
  progress(runner.view());
}

}  // namespace syncd
