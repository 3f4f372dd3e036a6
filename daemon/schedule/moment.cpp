#include "daemon/schedule/moment.hpp"

#include "config/duration.hpp"
#include "config/table.hpp"

namespace syncd::schedule {

using namespace std::chrono;

namespace {

[[noreturn]] void fail(std::string_view text) {
  throw config::ValueError("found " + config::quoted(text) +
                           "; write a time such as \"2026-03-01 02:30\", or \"2026-03-01 02:30Z\" for UTC");
}

// Takes the length of `pattern` off `rest` if it fits: '0' stands for a digit, ' ' for a blank or a 'T', '+'
// for a sign.
bool take(std::string_view& rest, std::string_view pattern) {
  if (rest.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = rest[i];
    const bool fits = pattern[i] == '0'   ? c >= '0' && c <= '9'
                      : pattern[i] == ' ' ? c == ' ' || c == 'T'
                      : pattern[i] == '+' ? c == '+' || c == '-'
                                          : c == pattern[i];
    if (!fits) return false;
  }
  rest.remove_prefix(pattern.size());
  return true;
}

unsigned digits_value(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

}  // namespace

Moment Moment::parse(std::string_view text) {
  constexpr std::string_view kMinute = "0000-00-00 00:00";
  constexpr std::string_view kSecond = ":00";
  constexpr std::string_view kOffset = "+00:00";
  std::string_view rest = text;
  if (!take(rest, kMinute)) fail(text);
  const year_month_day date = year(static_cast<int>(digits_value(text.substr(0, 4)))) /
                              month(digits_value(text.substr(5, 2))) / day(digits_value(text.substr(8, 2)));
  const unsigned hour = digits_value(text.substr(11, 2));
  const unsigned minute = digits_value(text.substr(14, 2));
  unsigned second = 0;
  if (take(rest, kSecond)) second = digits_value(text.substr(kMinute.size() + 1, 2));
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) fail(text);

  Moment moment;
  moment.shown_ = local_days(date) + hours(hour) + minutes(minute) + seconds(second);
  if (rest == "Z") {
    moment.offset_ = seconds(0);
  } else if (!rest.empty()) {
    const std::string_view offset = rest;
    if (!take(rest, kOffset) || !rest.empty()) fail(text);
    const unsigned ahead_hours = digits_value(offset.substr(1, 2));
    const unsigned ahead_minutes = digits_value(offset.substr(4, 2));
    if (ahead_hours > 23 || ahead_minutes > 59) fail(text);
    const seconds ahead = hours(ahead_hours) + minutes(ahead_minutes);
    moment.offset_ = offset.front() == '-' ? -ahead : ahead;
  }
  return moment;
}

Instant Moment::in(const Zone& zone) const {
  return offset_ ? Instant(shown_.time_since_epoch() - *offset_) : zone.first_at_or_after(shown_);
}

}  // namespace syncd::schedule
