#include "daemon/schedule/local_text.hpp"

#include <fmt/format.h>

namespace syncd::schedule {

using namespace std::chrono;

std::string date_text(LocalTime local) {
  const year_month_day date(floor<days>(local));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string time_text(LocalTime local) {
  const hh_mm_ss time(local - floor<days>(local));
  std::string text = fmt::format("{:02}:{:02}", time.hours().count(), time.minutes().count());
  if (time.seconds().count() != 0) text += fmt::format(":{:02}", time.seconds().count());
  return text;
}

std::string clock_text(const Schedule& schedule, WallTime at, WallTime near) {
  const LocalTime local = schedule.zone().to_local(floor<seconds>(at));
  const LocalTime beside = schedule.zone().to_local(floor<seconds>(near));
  std::string text = time_text(local);
  if (floor<days>(local) != floor<days>(beside)) text = date_text(local) + " " + text;
  return schedule.uses_wall_clock() ? text : text + " UTC";
}

}  // namespace syncd::schedule
