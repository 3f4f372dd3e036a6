// Configuration: what was on disk at one time, checked and planned, with its connections.  A reload makes a
// new one; runs that began under the old one keep the parts of it that they use.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/model.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/time.hpp"
#include "daemon/control/timeline.hpp"
#include "daemon/loop/event_loop.hpp"
#include "jobs/connections.hpp"
#include "jobs/plan.hpp"

namespace syncd {

struct Loaded {
  WallTime at = wall_now();
  config::Config config;
  std::map<std::string, std::shared_ptr<const jobs::JobPlan>> jobs;
};
// Reads and checks everything; of no use where there are findings.
Loaded load_configuration(const std::string& file, const config::Findings& findings);

log::Level level_of(config::LogLevel level);

class Configuration {
 public:
  // `before`: the one that this replaces; connections that did not change stay the same.
  Configuration(loop::EventLoop& loop, Loaded loaded, const Configuration* before = nullptr);

  const config::Config& config() const noexcept { return loaded_.config; }
  const std::map<std::string, std::shared_ptr<const jobs::JobPlan>>& jobs() const noexcept {
    return loaded_.jobs;
  }
  const std::shared_ptr<jobs::Connections>& connections() const noexcept { return connections_; }
  // Files changed after this are not in it.
  WallTime loaded() const noexcept { return loaded_.at; }

  // What is other than in `before`.  Settings are told apart by whether a running daemon can take them.
  control::Difference since(const Configuration& before) const;
  // Which settings that only a restart brings into effect differ from `started`.
  std::vector<std::string> waiting_for_restart(const Configuration& started) const;

 private:
  control::Difference::Items jobs_since(const Configuration& before) const;
  control::Difference::Items connections_since(const Configuration& before) const;

  Loaded loaded_;
  std::shared_ptr<jobs::Connections> connections_;
};

}  // namespace syncd
