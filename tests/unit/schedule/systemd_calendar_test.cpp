// What systemd's OnCalendar can say too, against systemd-analyze.  Only where no clock change lies between:
// there systemd leaves out what we run late.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <random>
#include <sstream>

#include "config/duration.hpp"
#include "daemon/schedule/occurrence.hpp"
#include "daemon/schedule/zones.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono;

// An expression in both languages.
struct Both {
  std::string cron;
  std::string calendar;
};

class Writer {
 public:
  Both expression() {
    const bool seconds = one_in(3);
    const Both second = seconds ? field(0, 59) : Both{"0", "0"};
    const Both minute = field(0, 59);
    const Both hour = field(0, 23);
    const Both month = one_in(3) ? field(1, 12) : Both{"*", "*"};
    Both day{"*", "*"};
    Both weekday{"*", ""};
    if (one_in(2)) {
      day = one_in(4) ? last_days() : field(1, 31);
    } else if (one_in(2)) {
      weekday = weekdays();
    }
    return {fmt::format("{}{} {} {} {} {}", seconds ? second.cron + ' ' : "", minute.cron, hour.cron,
                        day.cron, month.cron, weekday.cron),
            fmt::format("{}*-{}{}{} {}:{}:{}", weekday.calendar, month.calendar,
                        day.calendar.starts_with('~') ? "" : "-", day.calendar, hour.calendar,
                        minute.calendar, second.calendar)};
  }
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

 private:
  bool one_in(int n) { return below(n) == 0; }
  // Steps are written out for systemd: its own lose the 1st of January (systemd issue 40260).
  static std::string steps(int first, int last, int step) {
    std::string list = fmt::format("{}", first);
    for (int value = first + step; value <= last; value += step) list += fmt::format(",{}", value);
    return list;
  }
  Both item(int least, int most) {
    const int first = least + below(most - least + 1);
    const int last = first + below(most - first + 1);
    const int step = 1 + below(most - least);
    switch (below(4)) {
      case 0:
        return {fmt::format("{}-{}", first, last), steps(first, last, 1)};
      case 1:
        return {fmt::format("{}/{}", first, step), steps(first, most, step)};
      case 2:
        return {fmt::format("{}-{}/{}", first, last, step), steps(first, last, step)};
      default:
        return {fmt::format("{}", first), fmt::format("{}", first)};
    }
  }
  Both field(int least, int most) {
    if (one_in(5)) return {"*", "*"};
    const int step = 1 + below(most - least);
    if (one_in(5)) return {fmt::format("*/{}", step), steps(least, most, step)};
    Both both = item(least, most);
    while (one_in(3)) {
      const Both more = item(least, most);
      both.cron += ',' + more.cron;
      both.calendar += ',' + more.calendar;
    }
    return both;
  }
  Both last_days() {
    const int before = below(27);
    return {before == 0 ? "L" : fmt::format("L-{}", before), fmt::format("~{:02}", before + 1)};
  }
  Both weekdays() {
    static constexpr std::array kNames{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    const auto name = [](int day) { return kNames[static_cast<std::size_t>(day)]; };
    const int first = below(6);
    const int last = first + 1 + below(6 - first);
    if (one_in(2))
      return {fmt::format("{}-{}", name(first), name(last)), fmt::format("{}..{} ", name(first), name(last))};
    return {fmt::format("{},{}", name(last), name(first)), fmt::format("{},{} ", name(first), name(last))};
  }

  std::mt19937 random_{252};
};

std::string output_of(const std::string& command) {
  std::string out;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4096> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), pipe))
    out.append(part.data(), size);
  ::pclose(pipe);
  return out;
}

std::string utc_text(Instant at) {
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

// "2026-03-30 00:30:00 UTC" per expression; "" where systemd says that it never elapses.
std::vector<std::string> ask_systemd(const std::vector<Both>& expressions, const std::string& zone,
                                     Instant after) {
  std::string command =
      fmt::format("TZ=UTC LC_ALL=C systemd-analyze calendar --base-time='{}'", utc_text(after));
  for (const Both& both : expressions) command += fmt::format(" '{} {}'", both.calendar, zone);
  std::istringstream lines(output_of(command + " 2>&1"));
  std::vector<std::string> next;
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find("Next elapse: ");
    if (at == std::string::npos) continue;
    const auto date = line.find_first_of("0123456789", at);
    next.push_back(date == std::string::npos ? "" : line.substr(date));
  }
  return next;
}

// Nothing where the expression never occurs.
std::optional<Cron> parse(const std::string& expression) {
  try {
    return Cron::parse(expression);
  } catch (const config::ValueError& error) {
    EXPECT_EQ(std::string(error.what()).find("never occurs"), 0U) << expression << ": " << error.what();
    return std::nullopt;
  }
}

TEST(SystemdCalendar, AgreesOnWhatBothCanSay) {
  if (output_of("systemd-analyze calendar daily 2>/dev/null").find("Next elapse") == std::string::npos) {
    GTEST_SKIP() << "systemd-analyze calendar is not available";
  }
  Writer writer;
  Zones zones;
  int compared = 0;
  for (const char* name : {"UTC", "Asia/Tokyo", "Asia/Kathmandu", "Europe/Paris", "America/New_York",
                           "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Chatham"}) {
    const Zone zone = zones.get(name);
    for (int round = 0; round < 5; ++round) {
      const Instant after =
          sys_days(year(1990) / 1 / 1) + days(writer.below(40'000)) + seconds(writer.below(86'400));
      std::vector<Both> expressions;
      for (int i = 0; i < 30; ++i) expressions.push_back(writer.expression());
      const auto theirs = ask_systemd(expressions, name, after);
      ASSERT_EQ(theirs.size(), expressions.size()) << "an expression was refused";
      for (std::size_t i = 0; i < expressions.size(); ++i) {
        const auto cron = parse(expressions[i].cron);
        if (!cron) {
          EXPECT_EQ(theirs[i], "") << expressions[i].cron;
          continue;
        }
        const auto ours = next_occurrence(*cron, zone, after);
        ASSERT_TRUE(ours.has_value());
        const Zone::Period quiet = zone.period_at(after);
        if (quiet.begin > after - days(1) || quiet.end <= *ours) continue;
        ++compared;
        EXPECT_EQ(utc_text(*ours), theirs[i]) << expressions[i].cron << " is " << expressions[i].calendar
                                              << " in " << name << " after " << utc_text(after);
      }
    }
  }
  EXPECT_GE(compared, 800);
}

}  // namespace
}  // namespace syncd::schedule
