// Reads cron expressions.  Every error names the field, what was found and what would be right.
#include <fmt/format.h>

#include <algorithm>

#include "config/duration.hpp"
#include "config/table.hpp"
#include "daemon/schedule/cron.hpp"

namespace syncd::schedule {
namespace {

struct Field {
  std::string_view name;
  unsigned least;
  unsigned most;
  std::string_view help;
  std::string_view names = {};  // three letters each, from `least` on
  char unit = '\0';             // of a step, in a duration
};

constexpr Field kSecond{"second", 0, 59, "0 to 59", "", 's'};
constexpr Field kMinute{"minute", 0, 59, "0 to 59", "", 'm'};
constexpr Field kHour{"hour", 0, 23, "0 to 23", "", 'h'};
constexpr Field kDay{"day of month", 1, 31, "1 to 31, L (the last), L-3, LW or 15W (the nearest weekday)"};
constexpr Field kMonth{"month", 1, 12, "1 to 12 or JAN to DEC", "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"};
constexpr Field kWeekday{"day of week", 0, 7,
                         "0 to 7 (0 and 7 are Sunday), SUN to SAT, FRIL (the last) or FRI#2 (the second)",
                         "SUNMONTUEWEDTHUFRISAT"};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at != std::string_view::npos;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    at = end;
    if (end != std::string_view::npos) text.remove_prefix(end + 1);
  }
  return parts;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> words;
  constexpr std::string_view kBlank = " \t";
  for (auto at = text.find_first_not_of(kBlank); at != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(kBlank, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kBlank, end);
  }
  return words;
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return text.empty() || text.size() > 4 ? std::nullopt : std::optional(value);
}

// One item of a list within a field.
class Item {
 public:
  Item(const Field& field, std::string_view text) : field_(field), text_(text), upper_(upper(text)) {}

  std::string_view upper_text() const { return upper_; }
  [[noreturn]] void fail(std::string_view advice) const {
    throw config::ValueError(
        fmt::format("{}: found {}; write {}", field_.name, config::quoted(text_), advice));
  }
  [[noreturn]] void fail() const { fail(field_.help); }

  unsigned number_between(std::string_view text, unsigned least, unsigned most) const {
    const auto value = number(text);
    if (!value || *value < least || *value > most) fail();
    return *value;
  }
  unsigned value(std::string_view text) const {
    for (std::size_t at = 0; text.size() == 3 && at < field_.names.size(); at += 3) {
      if (field_.names.substr(at, 3) == text) return field_.least + static_cast<unsigned>(at / 3);
    }
    return number_between(text, field_.least, field_.most);
  }
  // "*", "7", "MON-FRI", "*/15", "10-30/5", "5/10" (from 5 on) as bits.
  std::uint64_t set() const {
    const std::string_view all = upper_;
    const std::size_t slash = all.find('/');
    const std::string_view range = all.substr(0, slash);
    const bool stepped = slash != std::string_view::npos;
    const unsigned step = stepped ? this->step(all.substr(slash + 1)) : 1;
    const unsigned end_of_field = is_weekday() ? 6 : field_.most;
    unsigned first = field_.least;
    unsigned last = end_of_field;
    if (range != "*") {
      const std::size_t dash = range.find('-');
      first = value(range.substr(0, dash));
      last = stepped ? std::max(first, end_of_field) : first;
      if (dash != std::string_view::npos) last = value(range.substr(dash + 1));
      if (is_weekday() && last == 0 && first > 0) last = 7;  // FRI-SUN
      if (last < first) fail_reversed(range, dash, end_of_field);
    }
    std::uint64_t bits = 0;
    for (unsigned value = first; value <= last; value += step) bits |= std::uint64_t{1} << value;
    return is_weekday() ? (bits | bits >> 7) & 0x7F : bits;
  }

 private:
  bool is_weekday() const { return field_.most == kWeekday.most; }
  unsigned step(std::string_view text) const {
    const unsigned most = field_.most - field_.least;
    const auto step = number(text);
    if (step && *step >= 1 && *step <= most) return *step;
    std::string advice = fmt::format("a step of 1 to {}", most);
    if (step && *step > most && field_.unit != '\0') {
      advice += fmt::format(", or the schedule \"every {}{}\"", *step, field_.unit);
    }
    fail(advice);
  }
  [[noreturn]] void fail_reversed(std::string_view range, std::size_t dash, unsigned end_of_field) const {
    fail(fmt::format("the smaller one first, or two ranges: {}-{},{}-{}", range.substr(0, dash), end_of_field,
                     field_.least, range.substr(dash + 1)));
  }

  const Field& field_;
  std::string_view text_;
  std::string upper_;
};

// The whole of a field without forms of its own.
std::uint64_t set_of(const Field& field, std::string_view text) {
  std::uint64_t bits = 0;
  for (const std::string_view part : split(text, ',')) bits |= Item(field, part).set();
  return bits;
}

void refuse_quartz(const Field& field, std::string_view text) {
  if (text.find('?') == std::string_view::npos) return;
  Item(field, text).fail("'*'; and weekdays by name: where '?' is used, 1 is Sunday, here it is Monday");
}

}  // namespace

class Cron::Parser {
 public:
  Cron parse(std::span<const std::string_view> fields) {
    cron_.seconds_ = 1;
    if (fields.size() == 6) {
      cron_.seconds_ = set_of(kSecond, fields[0]);
      fields = fields.subspan(1);
    }
    cron_.minutes_ = set_of(kMinute, fields[0]);
    cron_.hours_ = static_cast<std::uint32_t>(set_of(kHour, fields[1]));
    cron_.any_hour_ = fields[1].starts_with('*');
    days(fields[2]);
    cron_.months_ = static_cast<std::uint16_t>(set_of(kMonth, fields[3]));
    weekdays(fields[4]);
    // The calendar repeats after 400 years.
    if (!cron_.day_at_or_after(std::chrono::local_days(std::chrono::year(2000) / 1 / 1))) {
      throw config::ValueError(
          fmt::format("never occurs: no day has the day of month {}, the month {} and the day of week {}; "
                      "write a day that exists, or L for the last of a month",
                      config::quoted(fields[2]), config::quoted(fields[3]), config::quoted(fields[4])));
    }
    return cron_;
  }

 private:
  void days(std::string_view text) {
    refuse_quartz(kDay, text);
    cron_.any_day_ = text.starts_with('*');
    for (const std::string_view part : split(text, ',')) {
      const Item item(kDay, part);
      std::string_view rest = item.upper_text();
      const bool weekday = rest.ends_with('W');
      if (weekday) rest.remove_suffix(1);
      if (rest.starts_with('L')) {
        const unsigned before = rest == "L" ? 0 : days_before_last(item, rest.substr(1));
        (weekday ? cron_.weekdays_before_last_ : cron_.days_before_last_) |= 1U << before;
      } else if (weekday) {
        cron_.nearest_weekdays_ |= 1U << item.number_between(rest, kDay.least, kDay.most);
      } else {
        cron_.days_ |= static_cast<std::uint32_t>(item.set());
      }
    }
  }
  static unsigned days_before_last(const Item& item, std::string_view text) {
    if (!text.starts_with('-')) item.fail();
    return item.number_between(text.substr(1), 1, 30);
  }

  void weekdays(std::string_view text) {
    refuse_quartz(kWeekday, text);
    cron_.any_weekday_ = text.starts_with('*');
    for (const std::string_view part : split(text, ',')) {
      const Item item(kWeekday, part);
      const std::string_view rest = item.upper_text();
      const auto bit = [&](std::string_view day) {
        return static_cast<std::uint8_t>(1U << item.value(day) % 7);
      };
      if (const auto hash = rest.find('#'); hash != std::string_view::npos) {
        const unsigned nth = item.number_between(rest.substr(hash + 1), 1, 5);
        cron_.nth_weekdays_[nth - 1] |= bit(rest.substr(0, hash));
      } else if (rest == "L") {
        item.fail("the weekday before it, such as FRIL; the last day of the month is L as day of month");
      } else if (rest.ends_with('L')) {
        cron_.last_weekdays_ |= bit(rest.substr(0, rest.size() - 1));
      } else {
        cron_.weekdays_ |= static_cast<std::uint8_t>(item.set());
      }
    }
  }

  Cron cron_;
};

Cron Cron::parse(std::string_view text) {
  const auto fields = words(text);
  if (fields.size() != 5 && fields.size() != 6) {
    throw config::ValueError(fmt::format(
        "found {} field{} in the cron expression; write 5 (minute, hour, day of month, month, day of "
        "week) or 6 (with the second in front), such as \"0 3 * * *\"",
        fields.size(), fields.size() == 1 ? "" : "s"));
  }
  return Parser().parse(fields);
}

std::span<const CronShorthand> cron_shorthands() {
  static constexpr std::array kAll{
      CronShorthand{"@yearly", "0 0 1 1 *"},  CronShorthand{"@annually", "0 0 1 1 *"},
      CronShorthand{"@monthly", "0 0 1 * *"}, CronShorthand{"@weekly", "0 0 * * 0"},
      CronShorthand{"@daily", "0 0 * * *"},   CronShorthand{"@midnight", "0 0 * * *"},
      CronShorthand{"@hourly", "0 * * * *"}};
  return kAll;
}

}  // namespace syncd::schedule
