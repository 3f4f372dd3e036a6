#include "daemon/app_control.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "config/suggest.hpp"
#include "daemon/base/log.hpp"
#include "daemon/service/notify.hpp"

namespace syncd {

// --- the socket --------------------------------------------------------------------------------------

void App::Control::listen() {
  const config::Control& wanted = app_.configuration_->config().control;
  if (const auto inherited = service::inherited_socket("control")) {
    socket_.emplace(*inherited);
  } else {
    socket_.emplace(wanted.socket, wanted.group);
  }
  server_.emplace(app_.loop_, *this, *socket_, control::Access(wanted.group, ::getuid()));
  serving_.spawn(serve());
  const config::Http& http = app_.configuration_->config().http;
  if (http.listen.empty()) return;
  pages_.emplace(app_.loop_, http.listen, http.token, control::http_pages(app_.loop_, *this));
  pages_->allow_origins(http.origins);
  serving_.spawn(serve_pages());
  log::info("", "pages for Prometheus and probes: http://{}/metrics", pages_->address());
}

coro::Task<> App::Control::serve_pages() {
  try {
    co_await pages_->serve();
  } catch (const std::exception& error) {
    log::error("", "{}; the jobs go on, but nobody can read /metrics over TCP any more", error.what());
  }
}

coro::Task<> App::Control::serve() {
  try {
    co_await server_->serve();
  } catch (const std::exception& error) {
    log::error("", "{}; the jobs go on, but syncctl cannot reach this daemon any more", error.what());
  }
}

coro::Task<> App::Control::close() {
  serving_.request_stop();
  co_await serving_.join();
}

// --- which job, and whether it may run ---------------------------------------------------------------

std::vector<std::string> App::Control::job_names() const {
  std::vector<std::string> names;
  for (const auto& [name, job] : app_.jobs_) names.push_back(name);
  return names;
}

ManagedJob& App::Control::job_of(const std::string& name) const {
  const auto found = app_.jobs_.find(name);
  if (found == app_.jobs_.end()) throw control::NoSuchJob(name);
  return *found->second;
}

namespace {

// Throws a Config error where a run over a part of the source cannot be.
void require_ranges(const jobs::JobPlan& plan) {
  if (!plan.ranges) {
    throw Error(
        ErrorKind::Config,
        fmt::format("a {} cannot be read in part; `syncctl checkpoint rewind {} --to WHERE` goes back, "
                    "and reads all from there",
                    plan.source_type, plan.job.name));
  }
  if (!plan.repeats_harmlessly) {
    throw Error(ErrorKind::Config,
                fmt::format("a {} cannot be given a part again: it would hold it twice", plan.sink_type));
  }
}

}  // namespace

void App::Control::start(const std::string& job, const control::RunRange& range) {
  ManagedJob& managed = job_of(job);
  if (range.given()) require_ranges(managed.plan());
  if (managed.running()) {
    throw control::Busy(fmt::format("{} runs already{}", job,
                                    range.given() ? fmt::format("; `syncctl pause {}` first", job) : ""));
  }
  if (still_.count(job) != 0) throw control::Busy(fmt::format("the checkpoint of {} is being changed", job));
  if (const auto pause = app_.database_.paused(job); pause && !range.given()) {
    throw control::Busy(fmt::format("{} is paused{}{}; `syncctl resume {}` first", job,
                                    pause->reason.empty() ? "" : ": ", pause->reason, job));
  }
  if (range.given()) managed.set_range(jobs::Range(range.from, range.to));
  const auto cause = range.given() ? schedule::Cause::Range : schedule::Cause::Asked;
  if (!app_.scheduler_.trigger(job, cause)) {
    throw control::Busy(fmt::format("{} is about to run already, or the daemon is stopping", job));
  }
}

coro::Task<control::RunResult> App::Control::run(std::string job, control::RunRange range) {
  start(job, range);
  const store::RunRecord record = co_await job_of(job).wait_for_end();
  control::RunResult result;
  result.outcome = record.outcome;
  result.error = record.error;
  result.started = record.started;
  result.ended = record.ended.value_or(record.started);
  result.rows = record.rows;
  result.bytes = record.bytes;
  result.attempts = record.attempts;
  co_return result;
}

void App::Control::cancel(const std::string& job) {
  const auto runner = runner_of(job);
  if (!runner->running()) throw control::Busy(fmt::format("{} does not run", job));
  runner->stop(false, "cancelled by the operator");
}

void App::Control::pause(const std::string& job, const std::string& reason) {
  const auto runner = runner_of(job);
  app_.database_.pause(job, reason, wall_now());
  app_.scheduler_.pause(job, reason);
  runner->stop(false, reason.empty() ? "paused by the operator" : "paused: " + reason);
  log::info(job, "paused{}{}", reason.empty() ? "" : ": ", reason);
}

void App::Control::resume(const std::string& job) {
  job_of(job);
  if (!app_.database_.paused(job)) return;
  app_.database_.resume(job);
  if (still_.count(job) == 0) app_.scheduler_.resume(job);
  log::info(job, "resumed");
}

void App::Control::shutdown() { app_.shut_down("syncctl shutdown"); }

// --- dead letters ------------------------------------------------------------------------------------

control::DeadLetters App::Control::dead_letters(const std::string& job, std::uint64_t limit) {
  job_of(job);
  control::DeadLetters kept;
  kept.total = app_.database_.count_dead_letters(job);
  for (store::DeadLetter& letter : app_.database_.dead_letters(job, limit)) {
    kept.letters.push_back({letter.id, letter.time, std::move(letter.record), std::move(letter.error)});
  }
  return kept;
}

std::uint64_t App::Control::clear_dead_letters(const std::string& job) {
  job_of(job);
  const std::uint64_t count = app_.database_.count_dead_letters(job);
  app_.database_.clear_dead_letters(job);
  changes_.touch(job);
  log::info(job, "{} dead letter{} cleared by the operator", count, count == 1 ? " was" : "s were");
  return count;
}

}  // namespace syncd
