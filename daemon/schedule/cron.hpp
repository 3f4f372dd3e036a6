// Cron expressions as sets of wall times, without a zone: which days, and which times of these days.
//
//   [second] minute hour day-of-month month day-of-week
//
// Lists, ranges, steps and names as in crontab(5).  Days also as L (last), L-3, LW (last weekday), 15W (the
// weekday nearest to the 15th), FRIL (last Friday), FRI#2 (second Friday).  A day matches when either of
// the two day fields does, if neither begins with '*'.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "daemon/schedule/zone.hpp"

namespace syncd::schedule {

class Cron {
 public:
  // Throws config::ValueError that names the field, what was found and what to write; also for an expression
  // that never occurs, such as the 30th of February.
  static Cron parse(std::string_view text);

  // The first wall time of the set that is not before `local`, in the years 1 to 9999.
  std::optional<LocalTime> first_at_or_after(LocalTime local) const;

  // The hour begins with '*': the expression means every so many minutes or hours of real time, not a time of
  // the day, so it takes part in every change of the clock (next_occurrence).
  bool any_hour() const noexcept { return any_hour_; }

 private:
  class Parser;

  std::optional<std::chrono::seconds> time_at_or_after(std::chrono::seconds time_of_day) const;
  std::optional<std::chrono::local_days> day_at_or_after(std::chrono::local_days day) const;
  // The matching days of a month as bits 1 to 31.
  std::uint32_t days_of(std::chrono::year_month month) const;

  // Bit n stands for the value n.
  std::uint64_t seconds_ = 0;
  std::uint64_t minutes_ = 0;
  std::uint32_t hours_ = 0;
  std::uint32_t days_ = 0;
  std::uint32_t nearest_weekdays_ = 0;      // "15W"
  std::uint32_t days_before_last_ = 0;      // bit 0: "L", bit 3: "L-3"
  std::uint32_t weekdays_before_last_ = 0;  // the weekdays nearest to them: "LW", "L-3W"
  std::uint16_t months_ = 0;
  std::uint8_t weekdays_ = 0;                   // Sunday is 0
  std::uint8_t last_weekdays_ = 0;              // "FRIL"
  std::array<std::uint8_t, 5> nth_weekdays_{};  // "FRI#2" is in [1]
  bool any_day_ = false;                        // the field begins with '*'
  bool any_weekday_ = false;
  bool any_hour_ = false;
};

// "@daily" and the like, and what they stand for.
struct CronShorthand {
  std::string_view name;
  std::string_view fields;
};
std::span<const CronShorthand> cron_shorthands();

}  // namespace syncd::schedule
