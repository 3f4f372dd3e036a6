#include "daemon/app.hpp"

#include <fmt/format.h>

#include <csignal>

#include "daemon/app_control.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/version.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/loop/clock_watch.hpp"
#include "daemon/loop/signals.hpp"
#include "daemon/postgres/pool.hpp"
#include "daemon/redis/pool.hpp"
#include "daemon/schedule/recorded_run.hpp"
#include "daemon/service/notify.hpp"

namespace syncd {
namespace {

// What the service manager is asked to wait beyond the drain: stopped workers and closing files.
constexpr Duration kToEndAfterDrain = std::chrono::seconds(15);
constexpr Duration kReportEvery = std::chrono::seconds(2);
constexpr Duration kProgressEvery = std::chrono::milliseconds(250);

}  // namespace

App::App(Loaded loaded)
    : started_(std::make_shared<const Configuration>(loop_, std::move(loaded))),
      configuration_(started_),
      database_(configuration_->config().daemon.state_dir),
      scheduler_(loop_, database_, jobs::limits_of(configuration_->config()),
                 [this](const std::string& job) { changed(job); }),
      stopping_(loop_) {
  const config::Daemon& settings = configuration_->config().daemon;
  database_.keep_history(settings.history_runs, settings.history_age, wall_now());
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
  for (const auto& [name, plan] : configuration_->jobs()) add_job(name, database_.paused(name));
  control_ = std::make_unique<Control>(*this);
  control_->listen();
  const loop::Signals signals(loop_, {SIGTERM, SIGINT, SIGHUP}, [this](int number) {
    if (number == SIGHUP) {
      reload_by_signal();
    } else {
      shut_down(fmt::format("signal {}", number));
    }
  });
  log::info("", "syncd {} runs {} job{}; control socket {}", kVersion, jobs_.size(),
            jobs_.size() == 1 ? "" : "s", configuration_->config().control.socket);

  const loop::ClockWatch clock(loop_, [this] { scheduler_.clock_stepped(); });
  service::Notifier notifier;
  coro::AsyncScope reporting;
  reporting.spawn(notifier.feed_watchdog(loop_));
  reporting.spawn(report_to(notifier));
  notifier.ready();

  coro::AsyncScope schedule;
  schedule.spawn(serve_schedule());
  co_await stopping_.wait();
  co_await drain(notifier);
  co_await schedule.join();
  co_await leaving_.join();
  co_await control_->close();
  reporting.request_stop();
  co_await reporting.join();
  log::info("", "stopped");
}

coro::Task<> App::serve_schedule() {
  co_await scheduler_.serve();
  drained_ = true;
  stopping_.notify();
}

// Soft first: no new runs, and each commit under way is finished.  Then, or at a second request, at once.
coro::Task<> App::drain(service::Notifier& notifier) {
  const Duration patience = configuration_->config().daemon.drain_timeout;
  const TimePoint deadline = from_now(loop_, patience);
  notifier.stopping(patience + kToEndAfterDrain);
  scheduler_.drain();
  for (auto& [name, job] : jobs_) job->runner()->stop(false, "the daemon was stopped");
  while (!drained_) {
    const bool told = co_await stopping_.wait_until(deadline);
    if (drained_ || (told && stop_requests_ == 1)) continue;
    log::warn("", "not waiting for commits any longer");
    for (auto& [name, job] : jobs_) job->runner()->stop(true, "the daemon was stopped");
    co_return;
  }
}

coro::Task<> App::report_to(service::Notifier& notifier) {
  while (notifier.heard()) {
    std::size_t running = 0, waiting = 0, failing = 0;
    for (const auto& [name, job] : jobs_) {
      const jobs::RunnerView view = job->runner()->view();
      running += view.state == jobs::RunnerView::State::Running ? 1 : 0;
      waiting += view.state == jobs::RunnerView::State::Waiting ? 1 : 0;
      failing += view.last_error.empty() ? 0 : 1;
    }
    std::string line =
        fmt::format("{} job{}, {} running", jobs_.size(), jobs_.size() == 1 ? "" : "s", running);
    if (waiting > 0) line += fmt::format(", {} waiting", waiting);
    if (failing > 0) line += fmt::format(", {} failing", failing);
    notifier.status(line);
    co_await sleep_for(loop_, kReportEvery);
  }
}

void App::changed(const std::string& job) {
  if (control_) control_->changed(job);  // else nobody can have looked at it yet
}

void App::shut_down(std::string why) {
  log::info("", "stopping ({})", why);
  ++stop_requests_;
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
      loop_, *configuration_->jobs().at(job), *configuration_->connections(), database_, [] {},
      /*until_caught_up=*/true);
  store::RunRecord ended;
  loop_.run(run_until_caught_up(runner, progress, ended));
  return ended;
}

coro::Task<> App::run_until_caught_up(jobs::Runner& runner,
                                      const std::function<void(const jobs::RunnerView&)>& progress,
                                      store::RunRecord& ended) {
  int requests = 0;
  const loop::Signals signals(loop_, {SIGTERM, SIGINT}, [&](int number) {
    runner.stop(++requests > 1, fmt::format("signal {}", number));
  });
  coro::AsyncScope watching;
  watching.spawn(show_progress(loop_, runner, progress));
  std::exception_ptr failure;
  try {
    ended = co_await schedule::recorded_run(loop_, database_, runner, runner.plan().job.name);
  } catch (...) {
    failure = std::current_exception();
  }
  watching.request_stop();
  co_await watching.join();
  if (failure) std::rethrow_exception(failure);
  progress(runner.view());
}

}  // namespace syncd
