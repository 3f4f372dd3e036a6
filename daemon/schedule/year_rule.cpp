#include "daemon/schedule/year_rule.hpp"

#include <algorithm>

#include "config/duration.hpp"
#include "config/table.hpp"

namespace syncd::schedule {

using namespace std::chrono;

class YearRule::Reader {
 public:
  explicit Reader(std::string_view text) : text_(text), rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }
  unsigned number(unsigned most) {
    unsigned value = 0;
    std::size_t digits = 0;
    for (; !rest_.empty() && is_digit(rest_.front()) && digits < 4; ++digits) {
      value = value * 10 + static_cast<unsigned>(rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    if (digits == 0 || value > most) fail();
    return value;
  }
  // The name of a zone says nothing about its clock.
  void skip_name() {
    const bool bracketed = take('<');
    const auto in_name = [&](char c) {
      return bracketed ? c != '>' : (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    };
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), in_name);
    if (end == rest_.begin()) fail();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.begin()));
    if (bracketed) expect('>');
  }
  // [+-]h[:m[:s]]; the tz database goes up to a week for a time of day.
  seconds clock() {
    const bool negative = take('-');
    if (!negative) take('+');
    seconds time = hours(number(167));
    if (take(':')) time += minutes(number(59));
    if (take(':')) time += seconds(number(59));
    return negative ? -time : time;
  }
  Date date() {
    Date date;
    if (take('M')) {
      date.form = Date::Form::WeekdayOfMonth;
      date.month = number(12);
      expect('.');
      date.week = number(5);
      expect('.');
      date.day = number(6);
      if (date.month == 0 || date.week == 0) fail();
    } else if (take('J')) {
      date.form = Date::Form::DayWithoutLeapDay;
      date.day = number(365);
      if (date.day == 0) fail();
    } else {
      date.day = number(365);
    }
    if (take('/')) date.time = clock();
    return date;
  }
  [[noreturn]] void fail() const {
    throw config::ValueError("found " + config::quoted(text_) +
                             "; write a POSIX time zone such as \"CET-1CEST,M3.5.0,M10.5.0/3\"");
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  std::string_view text_;
  std::string_view rest_;
};

YearRule YearRule::parse(std::string_view posix) {
  Reader reader(posix);
  YearRule rule;
  reader.skip_name();
  rule.standard_ = -reader.clock();  // POSIX counts westwards
  if (reader.done()) return rule;
  Daylight daylight;
  reader.skip_name();
  if (reader.take(',')) {
    daylight.offset = rule.standard_ + hours(1);
  } else {
    daylight.offset = -reader.clock();
    reader.expect(',');
  }
  daylight.begin = reader.date();
  reader.expect(',');
  daylight.end = reader.date();
  if (!reader.done()) reader.fail();
  rule.daylight_ = daylight;
  return rule;
}

sys_seconds YearRule::Date::in(std::chrono::year year) const {
  const sys_days first = year / January / 1;
  switch (form) {
    case Form::WeekdayOfMonth: {
      const year_month in_month = year / std::chrono::month(month);
      const weekday wanted(day);
      return (week == 5 ? sys_days(in_month / wanted[last]) : sys_days(in_month / wanted[week])) + time;
    }
    case Form::DayWithoutLeapDay:
      return first + days(day - 1 + (year.is_leap() && day >= 60 ? 1 : 0)) + time;
    case Form::DayFromZero:
      return first + days(day) + time;
  }
  return first;
}

std::array<ClockChange, 10> YearRule::changes_around(std::chrono::year year) const {
  std::array<ClockChange, 10> changes;
  auto out = changes.begin();
  for (int step = -2; step <= 2; ++step) {
    const std::chrono::year in = year + years(step);
    *out++ = {daylight_->begin.in(in)-standard_, daylight_->offset};
    *out++ = {daylight_->end.in(in)-daylight_->offset, standard_};
  }
  // Stable: where one year's end meets the next one's begin, daylight time goes on.
  std::stable_sort(changes.begin(), changes.end(),
                   [](const ClockChange& a, const ClockChange& b) { return a.at < b.at; });
  return changes;
}

}  // namespace syncd::schedule
