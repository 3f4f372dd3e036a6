// When a job runs, and what is to happen when it cannot.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "config/model.hpp"
#include "daemon/coro/clock.hpp"
#include "daemon/schedule/schedule.hpp"

namespace syncd::schedule {

using config::Overlap;

// Which of the occurrences that were missed while nobody was there run later.
struct CatchUp {
  std::uint32_t most = 1;                    // the last so many
  Duration window = std::chrono::hours(24);  // and none older than this; 0 = no limit

  // "none", "one", "all:N".  Throws config::ValueError.
  static std::uint32_t parse(std::string_view text);
};

struct Settings {
  explicit Settings(Schedule schedule_in) : schedule(std::move(schedule_in)) {}
  Schedule schedule;
  Overlap overlap = Overlap::kSkip;
  CatchUp catch_up;
  Duration start_deadline{0};           // 0 = none
  WallTime::duration jitter{0};         // of this job on this host: how much later than planned it starts
  std::string group;                    // "" = none
  std::vector<std::string> needs;       // other jobs
  std::uint32_t pause_on_failures = 0;  // 0 = never
};

// How many may run at the same time.
struct Limits {
  std::uint32_t max_running = 0;                // 0 = no limit; continuous jobs are not counted
  std::map<std::string, std::uint32_t> groups;  // those not named here have room for one

  std::uint32_t room_of(const std::string& group) const {
    const auto found = groups.find(group);
    return found == groups.end() ? 1 : found->second;
  }
};

}  // namespace syncd::schedule
