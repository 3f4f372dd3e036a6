#include "daemon/schedule/cron.hpp"

#include <algorithm>
#include <bit>

namespace syncd::schedule {

using namespace std::chrono;

namespace {

constexpr local_days kBegin(year(1) / January / 1);
constexpr local_days kEnd(year(10'000) / January / 1);

// The lowest bit of `set` that is not below `from`.
std::optional<unsigned> bit_at_or_after(std::uint64_t set, unsigned from) {
  const std::uint64_t rest = from < 64 ? set >> from << from : 0;
  if (rest == 0) return std::nullopt;
  return static_cast<unsigned>(std::countr_zero(rest));
}

unsigned lowest(std::uint64_t set) { return static_cast<unsigned>(std::countr_zero(set)); }

// One month, as the rules for days see it.
struct Month {
  explicit Month(year_month month)
      : last(static_cast<unsigned>(year_month_day_last(month.year(), month_day_last(month.month())).day())),
        first_weekday(weekday(local_days(month / 1)).c_encoding()) {}

  unsigned weekday_of(unsigned day) const { return (first_weekday + day - 1) % 7; }
  // Monday to Friday, nearest to `day` and in this month.
  unsigned nearest_weekday(unsigned day) const {
    if (weekday_of(day) == 6) return day > 1 ? day - 1 : day + 2;
    if (weekday_of(day) == 0) return day < last ? day + 1 : day - 2;
    return day;
  }

  unsigned last;  // day of the month
  unsigned first_weekday;
};

}  // namespace

std::uint32_t Cron::days_of(year_month year_month) const {
  const Month month(year_month);
  const std::uint32_t all = (std::uint32_t{2} << month.last) - 2;
  std::uint32_t by_date = days_ & all;
  std::uint32_t by_weekday = 0;
  for (unsigned day = 1; day <= month.last; ++day) {
    const auto bit = [day](std::uint32_t set) { return (set >> day & 1) != 0; };
    const auto before_last = [&](std::uint32_t set) { return (set >> (month.last - day) & 1) != 0; };
    if (before_last(days_before_last_)) by_date |= 1U << day;
    if (bit(nearest_weekdays_) || before_last(weekdays_before_last_)) {
      by_date |= 1U << month.nearest_weekday(day);
    }
    const auto weekday = [&](std::uint8_t set) { return (set >> month.weekday_of(day) & 1) != 0; };
    const bool is_last = day + 7 > month.last;
    if (weekday(weekdays_) || weekday(nth_weekdays_[(day - 1) / 7]) || (is_last && weekday(last_weekdays_))) {
      by_weekday |= 1U << day;
    }
  }
  return any_day_ || any_weekday_ ? by_date & by_weekday : by_date | by_weekday;
}

std::optional<local_days> Cron::day_at_or_after(local_days day) const {
  const year_month_day start(day);
  year_month month = start.year() / start.month();
  auto from = static_cast<unsigned>(start.day());
  while (local_days(month / 1) < kEnd) {
    const auto found = bit_at_or_after(months_, static_cast<unsigned>(month.month()));
    if (!found) {
      month = (month.year() + years(1)) / January;
      from = 1;
      continue;
    }
    if (*found != static_cast<unsigned>(month.month())) {
      month = month.year() / std::chrono::month(*found);
      from = 1;
    }
    if (const auto in_month = bit_at_or_after(days_of(month), from)) {
      return local_days(month / std::chrono::day(*in_month));
    }
    month += months(1);
    from = 1;
  }
  return std::nullopt;
}

std::optional<seconds> Cron::time_at_or_after(seconds time_of_day) const {
  const hh_mm_ss at(time_of_day);
  const auto hour = static_cast<unsigned>(at.hours().count());
  const auto minute = static_cast<unsigned>(at.minutes().count());
  const auto second = static_cast<unsigned>(at.seconds().count());
  const auto time = [](unsigned h, unsigned m, unsigned s) { return hours(h) + minutes(m) + seconds(s); };
  if ((hours_ >> hour & 1) != 0) {
    if ((minutes_ >> minute & 1) != 0) {
      if (const auto s = bit_at_or_after(seconds_, second)) return time(hour, minute, *s);
    }
    if (const auto m = bit_at_or_after(minutes_, minute + 1)) return time(hour, *m, lowest(seconds_));
  }
  if (const auto h = bit_at_or_after(hours_, hour + 1)) return time(*h, lowest(minutes_), lowest(seconds_));
  return std::nullopt;
}

std::optional<LocalTime> Cron::first_at_or_after(LocalTime local) const {
  if (local >= kEnd) return std::nullopt;
  local = std::max<LocalTime>(local, kBegin);
  const auto today = floor<days>(local);
  auto day = day_at_or_after(today);
  if (day == today) {
    if (const auto time = time_at_or_after(local - today)) return today + *time;
    day = day_at_or_after(today + days(1));
  }
  if (!day) return std::nullopt;
  return *day + *time_at_or_after(seconds(0));
}

}  // namespace syncd::schedule
