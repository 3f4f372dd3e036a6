// The decisions of the scheduler that need nothing but time and state.  Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "daemon/schedule/settings.hpp"

namespace syncd::schedule {

// Noticed within this time an occurrence is on time, later it is missed: nobody was there, or the clock was
// set forward over it.
inline constexpr Duration kOnTime = std::chrono::minutes(1);

// Occurrences in a row.
struct Stretch {
  WallTime first;
  WallTime last;
  std::uint64_t count = 0;  // at most kMostCounted: then there may be more
};
inline constexpr std::uint64_t kMostCounted = 1'000;

// What has come due since somebody looked; each in order.
struct Due {
  std::vector<WallTime> on_time;
  std::vector<WallTime> catch_up;
  std::optional<Stretch> given_up;  // missed, and not caught up with
};

// The occurrences later than `from` and not later than `now`.  Those up to `decided` are known: they are no
// longer missed.  Takes no longer for a year of being away than for a day.
Due due_between(const Schedule& schedule, WallTime from, WallTime decided, WallTime now, const CatchUp& rule);

// The last `most` occurrences in (from, until], oldest first.
std::vector<WallTime> last_occurrences(const Schedule& schedule, WallTime from, WallTime until,
                                       std::size_t most);

// The way round a circle of needs, first name repeated at the end; empty where there is none.
std::vector<std::string> find_cycle(const std::map<std::string, std::vector<std::string>>& needs);

}  // namespace syncd::schedule
