// Wall times as text, for people.
#pragma once
#include <string>

#include "daemon/schedule/schedule.hpp"

namespace syncd::schedule {

std::string date_text(LocalTime local);  // "2026-03-29"
std::string time_text(LocalTime local);  // "02:30", "02:30:15"

// `at` as the wall clock of the schedule shows it, with the date unless `near` is on the same day; UTC, and
// said so, where the schedule knows no wall clock.
std::string clock_text(const Schedule& schedule, WallTime at, WallTime near);

}  // namespace syncd::schedule
