// Random cron expressions together with what they mean, said in another way than the code under test says it:
// every item of a field is a yes or no for each value, every item of a day field a question about a date.
#pragma once
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace syncd::schedule {

class RandomCron {
 public:
  struct Allow {
    bool seconds = false;
    bool special_days = true;  // L, W and #
    bool both_days = true;     // day of month and day of week restricted
    bool every_day = false;    // no field of days or months is restricted
  };
  RandomCron(std::mt19937& random, Allow allow) : random_(random), allow_(allow) {
    if (allow.seconds) text_ = field(second_, 0, 59, {}) + ' ';
    text_ += field(minute_, 0, 59, {}) + ' ';
    const std::string hour = field(hour_, 0, 23, {});
    any_hour_ = hour[0] == '*';
    const std::string day = allow_.every_day || one_in(2) ? star(day_items_, any_day_) : day_field();
    const std::string month = allow_.every_day || !one_in(4) ? "*" : field(month_, 1, 12, kMonths);
    if (month == "*") month_.assign(13, true);
    const bool free_weekday = allow_.every_day || one_in(3) || (!allow_.both_days && !any_day_);
    text_ += hour + ' ' + day + ' ' + month + ' ' +
             (free_weekday ? star(weekday_items_, any_weekday_) : weekday_field());
    if (!allow.seconds) second_[0] = true;
  }

  const std::string& text() const { return text_; }
  bool any_hour() const { return any_hour_; }

  // `local`: seconds since 1970 on the wall clock.
  bool matches(std::time_t local) const {
    const std::time_t time = ((local % 86400) + 86400) % 86400;
    const auto at = [](std::time_t value) { return static_cast<std::size_t>(value); };
    return minute_[at(time / 60 % 60)] && hour_[at(time / 3600)] && second_[at(time % 60)] &&
           matches_day((local - time) / 86400);
  }
  bool matches_day(std::time_t day) const {
    if (day != cached_day_) {
      cached_day_ = day;
      cached_ = judge(day);
    }
    return cached_;
  }

 private:
  struct Date {
    int day;
    int days_in_month;
    int weekday;        // Sunday is 0
    int first_weekday;  // of the month
    int month;
  };
  using Question = std::function<bool(const Date&)>;
  using Names = std::vector<std::string>;
  inline static const Names kMonths{"jan", "FEB", "Mar", "apr", "MAY", "jun",
                                    "jul", "aug", "sep", "oct", "nov", "DEC"};
  inline static const Names kWeekdays{"sun", "MON", "Tue", "wed", "thu", "fri", "SAT"};

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  static std::string star(std::vector<Question>& items, bool& any) {
    items.push_back([](const Date&) { return true; });
    any = true;
    return "*";
  }

  std::string value_text(int value, int least, const Names& names) {
    if (!names.empty() && one_in(2)) return names[static_cast<std::size_t>(value - least)];
    return one_in(4) && value < 10 ? "0" + std::to_string(value) : std::to_string(value);
  }
  // One item of a list and the values that it stands for.
  std::string item(std::vector<bool>& values, int least, int most, const Names& names) {
    const int first = least + below(most - least + 1);
    const int last = first + below(most - first + 1);
    const int step = 1 + below(one_in(2) ? 4 : most - least);
    const auto fill = [&](int from, int to, int by) {
      for (int v = from; v <= to; v += by) values[static_cast<std::size_t>(v)] = true;
    };
    const std::string first_text = value_text(first, least, names);
    const std::string last_text = value_text(last, least, names);
    switch (below(6)) {
      case 0:
        fill(first, last, 1);
        return first_text + '-' + last_text;
      case 1:
        fill(first, last, step);
        return first_text + '-' + last_text + '/' + std::to_string(step);
      case 2:
        fill(first, most, step);
        return first_text + '/' + std::to_string(step);
      default:
        fill(first, first, 1);
        return first_text;
    }
  }
  std::string field(std::vector<bool>& values, int least, int most, const Names& names) {
    values.assign(static_cast<std::size_t>(most) + 1, false);
    if (one_in(5)) {
      values.assign(values.size(), true);
      return "*";
    }
    if (one_in(6)) {
      const int step = 1 + below(most - least);
      for (int v = least; v <= most; v += step) values[static_cast<std::size_t>(v)] = true;
      return "*/" + std::to_string(step);
    }
    std::string text = item(values, least, most, names);
    while (one_in(3)) text += ',' + item(values, least, most, names);
    return text;
  }

  std::string day_field() {
    std::vector<bool> plain(32, false);
    std::string text;
    if (one_in(8)) {
      const int step = 1 + below(30);
      any_day_ = true;
      day_items_.push_back([=](const Date& d) { return (d.day - 1) % step == 0; });
      return "*/" + std::to_string(step);
    }
    do {
      if (!text.empty()) text += ',';
      const int n = 1 + below(31);
      const int before = below(28);
      switch (allow_.special_days ? below(8) : 7) {
        case 0:
          text += "L";
          day_items_.push_back([](const Date& d) { return d.day == d.days_in_month; });
          break;
        case 1:
          text += "l-" + std::to_string(before + 1);
          day_items_.push_back([=](const Date& d) { return d.day == d.days_in_month - before - 1; });
          break;
        case 2:
          text += "LW";
          day_items_.push_back([](const Date& d) { return d.day == nearest_weekday(d, d.days_in_month); });
          break;
        case 3:
          text += std::to_string(n) + "W";
          day_items_.push_back(
              [=](const Date& d) { return n <= d.days_in_month && d.day == nearest_weekday(d, n); });
          break;
        default:
          text += item(plain, 1, 31, {});
      }
    } while (one_in(3));
    day_items_.push_back([plain](const Date& d) { return plain[static_cast<std::size_t>(d.day)]; });
    return text;
  }
  // The weekday (Monday to Friday) with the smallest distance from day n in the same month; the one before
  // wins only from Saturdays, as they are nearer to it.
  static int nearest_weekday(const Date& d, int n) {
    int best = 0;
    int best_distance = 99;
    for (int day = 1; day <= d.days_in_month; ++day) {
      const int weekday = (d.first_weekday + day - 1) % 7;
      const int distance = day > n ? day - n : n - day;
      if (weekday == 0 || weekday == 6 || distance >= best_distance) continue;
      best = day;
      best_distance = distance;
    }
    return best;
  }

  std::string weekday_field() {
    std::vector<bool> plain(8, false);
    std::string text;
    if (one_in(8)) {
      const int step = 1 + below(6);
      any_weekday_ = true;
      weekday_items_.push_back([=](const Date& d) { return d.weekday % step == 0; });
      return "*/" + std::to_string(step);
    }
    do {
      if (!text.empty()) text += ',';
      const int weekday = below(7);
      const int nth = 1 + below(5);
      const std::string name = value_text(weekday, 0, kWeekdays);
      switch (allow_.special_days ? below(6) : 5) {
        case 0:
          text += name + "L";
          weekday_items_.push_back(
              [=](const Date& d) { return d.weekday == weekday && d.day > d.days_in_month - 7; });
          break;
        case 1:
          text += name + '#' + std::to_string(nth);
          weekday_items_.push_back([=](const Date& d) {
            return d.weekday == weekday && d.day > 7 * (nth - 1) && d.day <= 7 * nth;
          });
          break;
        default:
          text += item(plain, 0, 6, kWeekdays);
      }
    } while (one_in(3));
    weekday_items_.push_back([plain](const Date& d) { return plain[static_cast<std::size_t>(d.weekday)]; });
    return text;
  }

  bool judge(std::time_t day) const {
    std::time_t seconds = day * 86400;
    std::tm tm{};
    ::gmtime_r(&seconds, &tm);
    static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int year = tm.tm_year + 1900;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const Date date{tm.tm_mday, kDays[tm.tm_mon] + (tm.tm_mon == 1 && leap ? 1 : 0), tm.tm_wday,
                    (tm.tm_wday + 35 - (tm.tm_mday - 1)) % 7, tm.tm_mon + 1};
    if (!month_[static_cast<std::size_t>(date.month)]) return false;
    const auto any = [&](const std::vector<Question>& items) {
      for (const Question& item : items) {
        if (item(date)) return true;
      }
      return false;
    };
    const bool by_day = any(day_items_);
    const bool by_weekday = any(weekday_items_);
    return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
  }

  std::mt19937& random_;
  Allow allow_;
  std::string text_;
  std::vector<bool> second_ = std::vector<bool>(60, false);
  std::vector<bool> minute_;
  std::vector<bool> hour_;
  std::vector<bool> month_;
  std::vector<Question> day_items_;
  std::vector<Question> weekday_items_;
  bool any_hour_ = false;
  bool any_day_ = false;
  bool any_weekday_ = false;
  mutable std::time_t cached_day_ = -1'000'000'000;
  mutable bool cached_ = false;
};

}  // namespace syncd::schedule
