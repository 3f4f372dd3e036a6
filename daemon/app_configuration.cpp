#include "daemon/app_configuration.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <set>

#include "config/load.hpp"

namespace syncd {
namespace {

using control::Difference;

// What a running daemon can take; everything else of its own settings takes a restart.
constexpr std::array<std::string_view, 6> kLive = {"daemon.drain_timeout", "daemon.history_age",
                                                   "daemon.history_runs",  "daemon.max_running",
                                                   "daemon.time_zone",     "log.level"};

bool live(const std::string& key) {
  return key.starts_with("groups.") || std::find(kLive.begin(), kLive.end(), key) != kLive.end();
}

std::set<std::string> connections_of(const jobs::JobPlan& job) {
  std::set<std::string> names(job.transform_connections.begin(), job.transform_connections.end());
  for (const std::string& name : {job.source_connection, job.sink_connection}) {
    if (!name.empty()) names.insert(name);
  }
  return names;
}

bool has(const std::vector<std::string>& sorted, const std::string& name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

Difference::Item item(std::string name, std::vector<std::string> keys = std::vector<std::string>()) {
  Difference::Item made;
  made.name = std::move(name);
  made.keys = std::move(keys);
  return made;
}

}  // namespace

Loaded load_configuration(const std::string& file, const config::Findings& findings) {
  Loaded loaded;
  loaded.config = config::load(file, findings);
  jobs::Connections::check(loaded.config.connections);
  for (auto& [name, plan] : jobs::plan_jobs(loaded.config)) {
    loaded.jobs.emplace(name, std::make_shared<const jobs::JobPlan>(std::move(plan)));
  }
  ::malloc_trim(0);  // the files as they were parsed, too
  return loaded;
}

log::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kTrace:
      return log::Level::Trace;
    case config::LogLevel::kDebug:
      return log::Level::Debug;
    case config::LogLevel::kInfo:
      return log::Level::Info;
    case config::LogLevel::kWarn:
      return log::Level::Warn;
    case config::LogLevel::kError:
      return log::Level::Error;
  }
  return log::Level::Info;
}

Configuration::Configuration(loop::EventLoop& loop, Loaded loaded, const Configuration* before)
    : loaded_(std::move(loaded)),
      connections_(std::make_shared<jobs::Connections>(
          loop, loaded_.config.connections, before == nullptr ? nullptr : before->connections_.get())) {}

Difference Configuration::since(const Configuration& before) const {
  Difference difference;
  difference.connections = connections_since(before);
  difference.jobs = jobs_since(before);
  difference.settings = config::changed_keys(before.config().settings, config().settings);
  std::erase_if(difference.settings, [](const std::string& key) { return !live(key); });
  return difference;
}

std::vector<std::string> Configuration::waiting_for_restart(const Configuration& started) const {
  auto keys = config::changed_keys(started.config().settings, config().settings);
  std::erase_if(keys, live);
  return keys;
}

Difference::Items Configuration::connections_since(const Configuration& before) const {
  Difference::Items items;
  const auto old_names = before.connections_->names();
  const auto names = connections_->names();
  for (const std::string& name : names) {
    if (!has(old_names, name)) {
      items.added.push_back(item(name));
    } else if (auto keys = connections_->changed_keys(*before.connections_, name); !keys.empty()) {
      items.changed.push_back(item(name, std::move(keys)));
    } else {
      ++items.unchanged;
    }
  }
  for (const std::string& name : old_names) {
    if (!has(names, name)) items.removed.push_back(item(name));
  }
  return items;
}

Difference::Items Configuration::jobs_since(const Configuration& before) const {
  Difference::Items items;
  for (const auto& [name, plan] : jobs()) {
    const auto old = before.jobs().find(name);
    if (old == before.jobs().end()) {
      items.added.push_back(item(name));
      continue;
    }
    auto keys = config::changed_keys(old->second->written(), plan->written());
    if (old->second->schedule.zone().name() != plan->schedule.zone().name() &&
        config().daemon.time_zone != before.config().daemon.time_zone) {
      keys.emplace_back("daemon.time_zone");
    }
    const auto known = before.connections_->names();
    for (const std::string& used : connections_of(*plan)) {
      if (!has(known, used)) continue;  // then the job has changed, too
      for (const std::string& key : connections_->changed_keys(*before.connections_, used)) {
        keys.push_back("connections." + used + "." + key);
      }
    }
    if (keys.empty()) {
      ++items.unchanged;
    } else {
      items.changed.push_back(item(name, std::move(keys)));
    }
  }
  for (const auto& [name, plan] : before.jobs()) {
    if (!jobs().contains(name)) items.removed.push_back(item(name));
  }
  return items;
}

}  // namespace syncd
