#include "daemon/schedule/cron.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/duration.hpp"
#include "tests/support/value_error.hpp"
#include "tests/unit/schedule/random_cron.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

std::string text_of(LocalTime local) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}",
                     fmt::gmtime(static_cast<std::time_t>(local.time_since_epoch().count())));
}

// The first `count` wall times from the start of `year`, without ":00" where the seconds are zero.
std::vector<std::string> times(const std::string& expression, int from_year, int count) {
  const Cron cron = Cron::parse(expression);
  std::vector<std::string> out;
  LocalTime from = local_days(year(from_year) / 1 / 1);
  for (int i = 0; i < count; ++i) {
    const auto next = cron.first_at_or_after(from);
    if (!next) break;
    std::string text = text_of(*next);
    out.push_back(text.ends_with(":00") ? text.substr(0, 16) : text);
    from = *next + 1s;
  }
  return out;
}

using Times = std::vector<std::string>;

TEST(Cron, FiveFieldsBeginWithTheMinute) {
  EXPECT_EQ(times("30 2 * * *", 2026, 2), (Times{"2026-01-01 02:30", "2026-01-02 02:30"}));
  EXPECT_EQ(times(" 30\t2  * * * ", 2026, 1), (Times{"2026-01-01 02:30"}));
  EXPECT_EQ(times("* * * * *", 2026, 2), (Times{"2026-01-01 00:00", "2026-01-01 00:01"}));
}

TEST(Cron, SixFieldsBeginWithTheSecond) {
  EXPECT_EQ(times("15,45 59 23 31 12 *", 2026, 3),
            (Times{"2026-12-31 23:59:15", "2026-12-31 23:59:45", "2027-12-31 23:59:15"}));
  EXPECT_EQ(times("*/20 0 0 * * *", 2026, 4),
            (Times{"2026-01-01 00:00", "2026-01-01 00:00:20", "2026-01-01 00:00:40", "2026-01-02 00:00"}));
}

TEST(Cron, ListsRangesAndSteps) {
  EXPECT_EQ(times("0 8-18/5,20 1 1 *", 2026, 4),
            (Times{"2026-01-01 08:00", "2026-01-01 13:00", "2026-01-01 18:00", "2026-01-01 20:00"}));
  EXPECT_EQ(times("5/25 0 1 1 *", 2026, 3),
            (Times{"2026-01-01 00:05", "2026-01-01 00:30", "2026-01-01 00:55"}));
  EXPECT_EQ(times("*/40 0 1 1 *", 2026, 3),
            (Times{"2026-01-01 00:00", "2026-01-01 00:40", "2027-01-01 00:00"}));
}

TEST(Cron, NamesOfMonthsAndWeekdays) {
  EXPECT_EQ(times("0 0 1 feb,Nov-DEC *", 2026, 3),
            (Times{"2026-02-01 00:00", "2026-11-01 00:00", "2026-12-01 00:00"}));
  EXPECT_EQ(times("0 0 * * FRI-SUN", 2026, 4),
            (Times{"2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00", "2026-01-09 00:00"}));
  EXPECT_EQ(times("0 0 * * 0", 2026, 3), times("0 0 * * 7", 2026, 3)) << "both are Sunday";
  EXPECT_EQ(times("0 0 * * 6-7", 2026, 3), times("0 0 * * SAT,SUN", 2026, 3));
}

TEST(Cron, EitherDayFieldIsEnoughWhenBothAreRestricted) {
  EXPECT_EQ(times("0 0 13 * FRI", 2026, 4),
            (Times{"2026-01-02 00:00", "2026-01-09 00:00", "2026-01-13 00:00", "2026-01-16 00:00"}));
  EXPECT_EQ(times("0 0 */2 * MON", 2026, 3),
            (Times{"2026-01-05 00:00", "2026-01-19 00:00", "2026-02-09 00:00"}))
      << "a field that begins with * does not restrict: both must match";
}

TEST(Cron, TheLastDaysOfAMonth) {
  EXPECT_EQ(times("0 0 L * *", 2028, 3), (Times{"2028-01-31 00:00", "2028-02-29 00:00", "2028-03-31 00:00"}));
  EXPECT_EQ(times("0 0 L-2 2 *", 2027, 2), (Times{"2027-02-26 00:00", "2028-02-27 00:00"}));
  EXPECT_EQ(times("0 0 1,L 2 *", 2026, 3),
            (Times{"2026-02-01 00:00", "2026-02-28 00:00", "2027-02-01 00:00"}));
  EXPECT_EQ(times("0 0 LW * *", 2026, 2), (Times{"2026-01-30 00:00", "2026-02-27 00:00"}))
      << "31 is a Saturday";
  EXPECT_EQ(times("0 0 L-3W * *", 2026, 2), (Times{"2026-01-28 00:00", "2026-02-25 00:00"}));
}

TEST(Cron, TheNearestWeekdayStaysInItsMonth) {
  EXPECT_EQ(times("0 0 15W 2,3,8 *", 2026, 3),
            (Times{"2026-02-16 00:00", "2026-03-16 00:00", "2026-08-14 00:00"}));
  EXPECT_EQ(times("0 0 1W 8 *", 2026, 1), (Times{"2026-08-03 00:00"})) << "the 1st is a Saturday";
  EXPECT_EQ(times("0 0 31W 5 *", 2026, 1), (Times{"2026-05-29 00:00"})) << "the 31st is a Sunday";
  EXPECT_EQ(times("0 0 31W 2-4 *", 2026, 1), (Times{"2026-03-31 00:00"}))
      << "a day that is not has no neighbour";
}

TEST(Cron, TheNthAndTheLastWeekday) {
  EXPECT_EQ(times("0 0 * * FRI#2", 2026, 2), (Times{"2026-01-09 00:00", "2026-02-13 00:00"}));
  EXPECT_EQ(times("0 0 * * 1#5", 2026, 2), (Times{"2026-03-30 00:00", "2026-06-29 00:00"}));
  EXPECT_EQ(times("0 0 * * 5L", 2026, 2), (Times{"2026-01-30 00:00", "2026-02-27 00:00"}));
  EXPECT_EQ(times("0 0 * * 7L", 2026, 1), (Times{"2026-01-25 00:00"}));
}

TEST(Cron, LeapDays) {
  EXPECT_EQ(times("0 0 29 2 *", 2095, 3),
            (Times{"2096-02-29 00:00", "2104-02-29 00:00", "2108-02-29 00:00"}));
  EXPECT_EQ(times("0 0 * 2 MON#5", 2026, 2), (Times{"2044-02-29 00:00", "2072-02-29 00:00"}));
}

TEST(Cron, EndsWithTheYear9999) {
  EXPECT_EQ(times("0 0 31 12 *", 9999, 2), (Times{"9999-12-31 00:00"}));
  EXPECT_EQ(Cron::parse("* * * * *").first_at_or_after(LocalTime::max()), std::nullopt);
  EXPECT_EQ(Cron::parse("* * * * *").first_at_or_after(LocalTime::min()),
            LocalTime(local_days(year(1) / 1 / 1)));
}

std::string cron_error(const std::string& expression) {
  return syncd::test::value_error([&] { Cron::parse(expression); });
}

TEST(Cron, AnErrorNamesTheFieldWhatWasFoundAndWhatToWrite) {
  const std::string days = "write 1 to 31, L (the last), L-3, LW or 15W (the nearest weekday)";
  const std::string weekdays =
      "write 0 to 7 (0 and 7 are Sunday), SUN to SAT, FRIL (the last) or FRI#2 (the second)";
  EXPECT_EQ(cron_error("60 * * * *"), "minute: found '60'; write 0 to 59");
  EXPECT_EQ(cron_error("61 * * * * *"), "second: found '61'; write 0 to 59");
  EXPECT_EQ(cron_error("0 24 * * *"), "hour: found '24'; write 0 to 23");
  EXPECT_EQ(cron_error("0 1,x,3 * * *"), "hour: found 'x'; write 0 to 23");
  EXPECT_EQ(cron_error("0 1,,3 * * *"), "hour: found ''; write 0 to 23");
  EXPECT_EQ(cron_error("0 1- * * *"), "hour: found '1-'; write 0 to 23");
  EXPECT_EQ(cron_error("0 1-2-3 * * *"), "hour: found '1-2-3'; write 0 to 23");
  EXPECT_EQ(cron_error("-5 * * * *"), "minute: found '-5'; write 0 to 59");
  EXPECT_EQ(cron_error("99999999999999999999 * * * *"),
            "minute: found '99999999999999999999'; write 0 to 59");
  EXPECT_EQ(cron_error("0 0 0 * *"), "day of month: found '0'; " + days);
  EXPECT_EQ(cron_error("0 0 32 * *"), "day of month: found '32'; " + days);
  EXPECT_EQ(cron_error("0 0 L3 * *"), "day of month: found 'L3'; " + days);
  EXPECT_EQ(cron_error("0 0 L-31 * *"), "day of month: found 'L-31'; " + days);
  EXPECT_EQ(cron_error("0 0 W * *"), "day of month: found 'W'; " + days);
  EXPECT_EQ(cron_error("0 0 1-5W * *"), "day of month: found '1-5W'; " + days);
  EXPECT_EQ(cron_error("0 0 * 13 *"), "month: found '13'; write 1 to 12 or JAN to DEC");
  EXPECT_EQ(cron_error("0 0 * juli *"), "month: found 'juli'; write 1 to 12 or JAN to DEC");
  EXPECT_EQ(cron_error("0 0 * * 8"), "day of week: found '8'; " + weekdays);
  EXPECT_EQ(cron_error("0 0 * * Monday"), "day of week: found 'Monday'; " + weekdays);
  EXPECT_EQ(cron_error("0 0 * * MON#6"), "day of week: found 'MON#6'; " + weekdays);
  EXPECT_EQ(cron_error("0 0 * * #1"), "day of week: found '#1'; " + weekdays);
  EXPECT_EQ(
      cron_error("0 0 * * L"),
      "day of week: found 'L'; write the weekday before it, such as FRIL; the last day of the month is L as "
      "day of month");
}

TEST(Cron, AnErrorOfAStepKnowsWhatWasMeant) {
  EXPECT_EQ(cron_error("*/0 * * * *"), "minute: found '*/0'; write a step of 1 to 59");
  EXPECT_EQ(cron_error("*/ * * * *"), "minute: found '*/'; write a step of 1 to 59");
  EXPECT_EQ(cron_error("*/90 * * * *"),
            "minute: found '*/90'; write a step of 1 to 59, or the schedule \"every 90m\"");
  EXPECT_EQ(cron_error("0 */36 * * *"),
            "hour: found '*/36'; write a step of 1 to 23, or the schedule \"every 36h\"");
}

TEST(Cron, AnErrorOfARangeShowsTheTwoThatWereMeant) {
  EXPECT_EQ(cron_error("0 22-2 * * *"),
            "hour: found '22-2'; write the smaller one first, or two ranges: 22-23,0-2");
  EXPECT_EQ(cron_error("0 0 * nov-feb *"),
            "month: found 'nov-feb'; write the smaller one first, or two ranges: NOV-12,1-FEB");
  EXPECT_EQ(cron_error("0 0 * * FRI-MON"),
            "day of week: found 'FRI-MON'; write the smaller one first, or two ranges: FRI-6,0-MON");
}

TEST(Cron, ExpressionsOfOtherSchedulersAreNotMisread) {
  EXPECT_EQ(
      cron_error("0 0 12 ? * 2"),
      "day of month: found '?'; write '*'; and weekdays by name: where '?' is used, 1 is Sunday, here it is "
      "Monday");
  const std::string advice =
      " in the cron expression; write 5 (minute, hour, day of month, month, day of week) or 6 (with the "
      "second in "
      "front), such as \"0 3 * * *\"";
  EXPECT_EQ(cron_error("0 0 12 * * 2 2026"), "found 7 fields" + advice);
  EXPECT_EQ(cron_error("0"), "found 1 field" + advice);
  EXPECT_EQ(cron_error(""), "found 0 fields" + advice);
}

TEST(Cron, WhatNeverOccursIsAnError) {
  EXPECT_EQ(cron_error("0 0 30 2 *"),
            "never occurs: no day has the day of month '30', the month '2' and the day of week '*'; write a "
            "day that "
            "exists, or L for the last of a month");
  EXPECT_NE(cron_error("0 0 31 4,6,9,11 *"), "");
  EXPECT_NE(cron_error("0 0 L-29 2 *"), "");
  EXPECT_NE(cron_error("0 0 31W 2 *"), "");
  EXPECT_EQ(cron_error("0 0 30 2 MON"), "") << "Mondays are enough";
  EXPECT_EQ(cron_error("0 0 L-28 2 *"), "") << "the 1st, in leap years";
}

// Against a scan of every day: 400 years hold all calendars.
TEST(Cron, AgreesWithAScanOfEveryDay) {
  std::mt19937 random(11);
  int never = 0;
  for (int i = 0; i < 400; ++i) {
    const RandomCron oracle(random, {});
    const local_days first(year(2000) / 1 / 1);
    std::optional<Cron> cron;
    try {
      cron = Cron::parse(oracle.text());
    } catch (const config::ValueError& error) {
      ASSERT_EQ(std::string(error.what()).find("never occurs"), 0U) << oracle.text() << ": " << error.what();
      ++never;
    }
    const int days_to_scan = cron ? 3000 : 146'097;
    std::optional<local_days> next;
    for (int day = 0; day < days_to_scan; ++day) {
      const local_days date = first + days(day);
      if (cron && (!next || *next < date)) {
        if (const auto at = cron->first_at_or_after(date)) next = floor<days>(*at);
      }
      ASSERT_EQ(next == date, oracle.matches_day(date.time_since_epoch().count()))
          << oracle.text() << " day " << day;
    }
  }
  EXPECT_GT(never, 0);
}

TEST(Cron, RandomTextsAreReadOrRefused) {
  std::mt19937 random(12);
  constexpr std::string_view kLetters = "0123456789*/-,#LWlw? \tSUNMOJAFEB@x";
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto size = random() % 24; size > 0; --size) text += kLetters[random() % kLetters.size()];
    try {
      Cron::parse(text);
    } catch (const config::ValueError& error) {
      EXPECT_NE(std::string(error.what()), "");
    }
  }
}

}  // namespace
}  // namespace syncd::schedule
