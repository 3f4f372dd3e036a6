#include "daemon/schedule/schedule.hpp"

#include <gtest/gtest.h>

#include "config/duration.hpp"
#include "tests/support/value_error.hpp"
#include "tests/unit/schedule/zoned.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;
using test::zone;

const WallTime kNoon = sys_days(year(2026) / 3 / 1) + 12h;

TEST(Schedule, KeepsWhatWasWritten) {
  for (const char* text : {"every 90s", "after 1h30m", "cron 0  3 * * *", "@daily", "@startup",
                           "at 2026-03-01 02:30", "continuous", "manual"}) {
    EXPECT_EQ(Schedule::parse(text).text(), text);
  }
}

TEST(Schedule, IntervalsLieOnAGridThatARestartDoesNotShift) {
  const Schedule every = Schedule::parse("every 5m");
  EXPECT_EQ(every.next_after(kNoon), kNoon + 5min);
  EXPECT_EQ(every.next_after(kNoon + 4min + 59s + 999ms), kNoon + 5min);
  EXPECT_EQ(every.next_after(WallTime(-1s)), WallTime());
  EXPECT_EQ(every.next_after(WallTime(-5min)), WallTime());
  EXPECT_EQ(every.next_after(WallTime(-5min - 1us)), WallTime(-5min));
}

TEST(Schedule, AfterCountsFromTheEndOfTheLastRun) {
  const Schedule after = Schedule::parse("after 5m");
  EXPECT_EQ(after.first_from(kNoon), kNoon);
  EXPECT_EQ(after.next_after_run(kNoon + 7s), kNoon + 5min + 7s);
  EXPECT_EQ(after.next_after(kNoon), std::nullopt) << "nobody knows when a run will end";
}

TEST(Schedule, CronFollowsTheWallClockOfItsZone) {
  const Schedule schedule = Schedule::parse("cron 30 13 * * *");
  EXPECT_TRUE(schedule.uses_wall_clock());
  EXPECT_EQ(schedule.next_after(kNoon), kNoon + 90min);
  EXPECT_EQ(schedule.in(zone("Europe/Paris")).next_after(kNoon), kNoon + 30min);
  EXPECT_EQ(schedule.in(zone("Europe/Paris")).zone().name(), "Europe/Paris");
  EXPECT_EQ(schedule.next_after(kNoon + 90min - 1us), kNoon + 90min);
  EXPECT_EQ(schedule.next_after(kNoon + 90min + 1us), kNoon + 90min + 24h);
  EXPECT_EQ(schedule.next_after_run(kNoon), schedule.next_after(kNoon));
  EXPECT_EQ(schedule.first_from(kNoon), schedule.next_after(kNoon));
}

TEST(Schedule, ShorthandsStandForCronExpressions) {
  const auto same = [](const char* shorthand, const char* cron) {
    WallTime time = kNoon;
    for (int i = 0; i < 3; ++i) {
      const auto next = Schedule::parse(shorthand).next_after(time);
      EXPECT_EQ(next, Schedule::parse(cron).next_after(time)) << shorthand;
      time = next.value();
    }
  };
  same("@yearly", "cron 0 0 1 1 *");
  same("@annually", "cron 0 0 1 1 *");
  same("@monthly", "cron 0 0 1 * *");
  same("@weekly", "cron 0 0 * * SUN");
  same("@daily", "cron 0 0 * * *");
  same("@midnight", "cron 0 0 * * *");
  same("@hourly", "cron 0 * * * *");
}

TEST(Schedule, AtHappensOnce) {
  const Schedule at = Schedule::parse("at 2026-03-01 13:30");
  EXPECT_EQ(at.next_after(kNoon), kNoon + 90min);
  EXPECT_EQ(at.next_after(kNoon + 90min), std::nullopt);
  EXPECT_EQ(at.in(zone("Europe/Paris")).next_after(kNoon), kNoon + 30min);
  EXPECT_TRUE(at.uses_wall_clock());
  const auto utc = [](const char* text) { return Schedule::parse(text).next_after(WallTime()); };
  EXPECT_EQ(utc("at 2026-03-01T13:30:15"), kNoon + 90min + 15s);
  EXPECT_EQ(utc("at 2026-03-01 13:30Z"), kNoon + 90min);
  EXPECT_EQ(utc("at 2026-03-01 13:30:00+02:00"), kNoon - 30min);
  EXPECT_EQ(utc("at 2026-03-01 13:30-01:30"), kNoon + 3h);
  EXPECT_FALSE(Schedule::parse("at 2026-03-01 13:30Z").uses_wall_clock());
}

TEST(Schedule, SomeAreNeverDueByThemselves) {
  for (const char* text : {"manual", "continuous", "@startup"}) {
    EXPECT_EQ(Schedule::parse(text).next_after(kNoon), std::nullopt) << text;
    EXPECT_EQ(Schedule::parse(text).next_after_run(kNoon), std::nullopt) << text;
    EXPECT_FALSE(Schedule::parse(text).uses_wall_clock()) << text;
  }
  EXPECT_EQ(Schedule::parse("continuous").first_from(kNoon), kNoon);
  EXPECT_EQ(Schedule::parse("@startup").first_from(kNoon), kNoon);
  EXPECT_EQ(Schedule::parse("manual").first_from(kNoon), std::nullopt);
}

TEST(Schedule, ANoteExplainsAnOccurrence) {
  const auto note = [](const char* text, WallTime after) {
    const Schedule schedule = Schedule::parse(text).in(zone("Europe/Paris"));
    return schedule.note(schedule.next_after(after).value());
  };
  const WallTime spring = sys_days(year(2026) / 3 / 29);
  EXPECT_EQ(note("cron 30 2 * * *", spring),
            "02:30 does not exist on 2026-03-29 in Europe/Paris, runs 03:00");
  EXPECT_EQ(note("at 2026-03-29 02:30", spring),
            "02:30 does not exist on 2026-03-29 in Europe/Paris, runs 03:00");
  EXPECT_EQ(note("at 2026-10-25 02:30", spring),
            "02:30 comes twice on 2026-10-25 in Europe/Paris, runs the first time");
  EXPECT_EQ(note("at 2026-10-25 02:30+01:00", spring), "");
  EXPECT_EQ(note("cron 30 3 * * *", spring), "");
  EXPECT_EQ(note("every 30m", spring), "");
}

std::string schedule_error(const std::string& text) {
  return syncd::test::value_error([&] { Schedule::parse(text); });
}

TEST(Schedule, SaysWhatWouldBeRight) {
  EXPECT_EQ(schedule_error("every 10"),
            "found '10'; write a duration with a unit (ns us ms s m h d w), such as \"30s\" or \"1h30m\"");
  EXPECT_EQ(
      schedule_error("every"),
      "found an empty text; write a duration with a unit (ns us ms s m h d w), such as \"30s\" or \"1h30m\"");
  EXPECT_EQ(schedule_error("every 10ms"), "the shortest interval is 1s; for less use \"continuous\"");
  EXPECT_EQ(schedule_error("after 0"), "the shortest interval is 1s; for less use \"continuous\"");
  EXPECT_EQ(schedule_error("cron 0 25 * * *"), "hour: found '25'; write 0 to 23");
  EXPECT_EQ(schedule_error("0 3 * * *"), "found '0 3 * * *'; write \"cron 0 3 * * *\"");
  EXPECT_EQ(schedule_error("*/5 * * * *"), "found '*/5 * * * *'; write \"cron */5 * * * *\"");
  EXPECT_EQ(schedule_error("@dayly"), "unknown schedule '@dayly'; did you mean '@daily'?");
  EXPECT_EQ(schedule_error("@startpu"), "unknown schedule '@startpu'; did you mean '@startup'?");
  EXPECT_EQ(schedule_error("manaul"), "unknown schedule 'manaul'; did you mean 'manual'?");
  EXPECT_EQ(schedule_error("sometimes"),
            "unknown schedule 'sometimes'; known: every 30s, after 5m, cron 30 2 * * *, @daily, @startup, at "
            "2026-03-01 02:30, continuous, manual");
  EXPECT_NE(schedule_error("manual please"), "");
  EXPECT_NE(schedule_error(""), "");
}

TEST(Schedule, SaysHowToWriteATime) {
  for (const std::string text :
       {"", "tomorrow", "2026-03-01", "2026-02-29 10:00", "2026-13-01 10:00", "2026-03-01 24:00",
        "2026-03-01 10:60", "2026-03-01 10:00:60", "2026-03-01 10:00:0", "2026-03-01 10:00 Z",
        "2026-03-01 10:00+2", "2026-03-01 10:00+24:00", "2026-03-01 10:00 Europe/Paris"}) {
    EXPECT_EQ(schedule_error("at " + text),
              "found '" + text +
                  "'; write a time such as \"2026-03-01 02:30\", or \"2026-03-01 02:30Z\" "
                  "for UTC");
  }
}

}  // namespace
}  // namespace syncd::schedule
