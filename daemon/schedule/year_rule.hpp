// When a zone changes its clock, every year for ever: the POSIX text at the end of a file of the tz
// database, such as "CET-1CEST,M3.5.0,M10.5.0/3".
#pragma once
#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace syncd::schedule {

using Instant = std::chrono::sys_seconds;

// From `at` on the wall clock is `offset` ahead of UTC.
struct ClockChange {
  Instant at;
  std::chrono::seconds offset;
};

class YearRule {
 public:
  // Throws config::ValueError.
  static YearRule parse(std::string_view posix);

  std::chrono::seconds standard_offset() const noexcept { return standard_; }
  bool has_daylight_time() const noexcept { return daylight_.has_value(); }
  // The changes of `year` and of two years on each side, in order: whatever days the rule names, there is one
  // before `year` and one after it.  Only with daylight time.
  std::array<ClockChange, 10> changes_around(std::chrono::year year) const;

 private:
  struct Date {
    enum class Form { WeekdayOfMonth, DayWithoutLeapDay, DayFromZero };
    Form form = Form::DayFromZero;
    unsigned month = 0;  // 1 to 12
    unsigned week = 0;   // 1 to 5, 5 = the last
    unsigned day = 0;    // of the week (0 = Sunday) or of the year
    std::chrono::seconds time = std::chrono::hours(2);

    // The midnight of the day, plus the time: what the wall clock shows at the change.
    std::chrono::sys_seconds in(std::chrono::year year) const;
  };
  struct Daylight {
    std::chrono::seconds offset;
    Date begin;
    Date end;
  };
  class Reader;

  std::chrono::seconds standard_{0};
  std::optional<Daylight> daylight_;
};

}  // namespace syncd::schedule
