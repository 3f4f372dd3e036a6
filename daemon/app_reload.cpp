// Reload: the configuration on disk, all of it or nothing.
#include <fmt/format.h>

#include "daemon/app_control.hpp"
#include "daemon/base/log.hpp"

namespace syncd {
namespace {

using control::Difference;

void log_items(const Difference::Items& items, std::string_view what) {
  for (const auto& item : items.added) log::info("", "reload: {}{} is new", what, item.name);
  for (const auto& item : items.removed) log::info("", "reload: {}{} is gone", what, item.name);
  for (const auto& item : items.changed) {
    log::info("", "reload: {}{} has changed ({})", what, item.name, fmt::join(item.keys, ", "));
  }
}

void log_difference(const Difference& difference) {
  log_items(difference.connections, "connection ");
  log_items(difference.jobs, "job ");
  for (const auto& key : difference.restart) log::warn("", "reload: {} takes a restart to change", key);
  log::info("", "reloaded the configuration: {} new, {} changed, {} gone, {} as before",
            difference.jobs.added.size(), difference.jobs.changed.size(), difference.jobs.removed.size(),
            difference.jobs.unchanged);
}

bool continuous(const jobs::JobPlan& plan) {
  return plan.schedule.kind() == schedule::Schedule::Kind::Continuous;
}

}  // namespace

Difference App::reload(bool dry_run) {
  if (stop_requests_ > 0) throw control::Busy("the daemon is stopping");
  const config::Findings mistakes;
  Loaded loaded = load_configuration(configuration_->config().files.front(), mistakes);
  if (!mistakes.empty()) {
    for (const config::Finding& mistake : mistakes.all()) log::error("", "reload: {}", mistake.printed());
    log::error("", "reload: nothing was changed");
    throw control::InvalidConfiguration(errors_of(mistakes));
  }
  auto next = std::make_shared<const Configuration>(loop_, std::move(loaded), configuration_.get());
  Difference difference = next->since(*configuration_);
  difference.restart = next->waiting_for_restart(*started_);
  for (auto* items : {&difference.jobs.removed, &difference.jobs.changed}) {
    for (Difference::Item& item : *items) item.running = jobs_.at(item.name)->running();
  }
  if (!dry_run) {
    take(std::move(next), difference);
    log_difference(difference);
  }
  return difference;
}

void App::reload_by_signal() {
  try {
    reload(false);
  } catch (const std::exception& error) {
    log::error("", "reload: {}", error.what());
  }
}

// What may fail comes first: half a reload is none.
void App::take(std::shared_ptr<const Configuration> next, const Difference& difference) {
  std::map<std::string, std::optional<store::Pause>> paused;
  for (const auto& item : difference.jobs.added) paused.emplace(item.name, database_.paused(item.name));
  configuration_ = std::move(next);
  const config::Daemon& settings = configuration_->config().daemon;
  log::set_level(level_of(configuration_->config().log.level));
  scheduler_.set_limits(jobs::limits_of(configuration_->config()));
  database_.keep_history(settings.history_runs, settings.history_age, wall_now());
  for (const auto& item : difference.jobs.removed) leaving_.spawn(remove_job(item.name));
  for (const auto& item : difference.jobs.changed) change_job(item.name);
  for (const auto& item : difference.jobs.added) add_job(item.name, paused.at(item.name));
}

void App::add_job(const std::string& name, const std::optional<store::Pause>& pause) {
  const auto found = jobs_.find(name);
  if (found != jobs_.end()) {
    found->second->configure(*configuration_);  // it was leaving
  } else {
    auto job = std::make_unique<ManagedJob>(
        loop_, database_, [this](const std::string& one) { changed(one); }, name, *configuration_);
    jobs_.emplace(name, std::move(job));
  }
  ManagedJob& job = *jobs_.at(name);
  scheduler_.add(name, job.plan().scheduling(), job, pause ? std::optional(pause->reason) : std::nullopt);
  changed(name);
}

// A run without an end is ended for it; others take their time.
void App::change_job(const std::string& name) {
  ManagedJob& job = *jobs_.at(name);
  const auto runner = job.runner();
  job.configure(*configuration_);
  scheduler_.update(name, job.plan().scheduling());
  if (continuous(runner->plan()) && runner->running()) {
    runner->stop(false, "the configuration was reloaded");
    leaving_.spawn(restart(name));
  }
  changed(name);
}

// At once: the delay of a continuous job is for those that failed.
coro::Task<> App::restart(std::string name) {
  co_await jobs_.at(name)->wait_for_end();
  if (jobs_.contains(name) && !database_.paused(name)) scheduler_.resume(name);
}

coro::Task<> App::remove_job(std::string name) {
  const auto runner = jobs_.at(name)->runner();
  if (continuous(runner->plan())) runner->stop(false, "the job was taken out of the configuration");
  const bool gone = co_await scheduler_.remove(name);
  if (gone) jobs_.erase(name);
  changed(name);
}

}  // namespace syncd
