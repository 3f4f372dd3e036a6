#include "daemon/schedule/occurrence.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/schedule/zoned.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;
using test::utc;

// The next `count` occurrences as the wall clock of the zone and its distance from UTC.
std::vector<std::string> wall_times(const std::string& expression, const std::string& zone_name,
                                    Instant after, int count) {
  Zones zones;
  const Zone zone = zones.get(zone_name);
  const Cron cron = Cron::parse(expression);
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    const auto next = next_occurrence(cron, zone, after);
    if (!next) break;
    after = *next;
    const auto local = static_cast<std::time_t>(zone.to_local(after).time_since_epoch().count());
    const auto offset = duration_cast<minutes>(zone.period_at(after).offset).count();
    out.push_back(
        fmt::format("{:%m-%d %H:%M} {:+03}:{:02}", fmt::gmtime(local), offset / 60, std::abs(offset % 60)));
  }
  return out;
}

using Times = std::vector<std::string>;

TEST(Occurrence, ATimeInTheGapRunsOnceAtTheFirstValidInstant) {
  EXPECT_EQ(wall_times("30 2 * * *", "Europe/Paris", utc(2026, 3, 28), 3),
            (Times{"03-28 02:30 +01:00", "03-29 03:00 +02:00", "03-30 02:30 +02:00"}));
  EXPECT_EQ(wall_times("30 2 * * *", "America/New_York", utc(2026, 3, 8), 2),
            (Times{"03-08 03:00 -04:00", "03-09 02:30 -04:00"}));
  EXPECT_EQ(wall_times("*/10 2 * * *", "Europe/Paris", utc(2026, 3, 29), 3),
            (Times{"03-29 03:00 +02:00", "03-30 02:00 +02:00", "03-30 02:10 +02:00"}))
      << "six times of the gap are one occurrence";
  EXPECT_EQ(wall_times("30 1-3 * * *", "Europe/Paris", utc(2026, 3, 29), 3),
            (Times{"03-29 01:30 +01:00", "03-29 03:00 +02:00", "03-29 03:30 +02:00"}));
  EXPECT_EQ(wall_times("0 2,3 * * *", "Europe/Paris", utc(2026, 3, 29), 2),
            (Times{"03-29 03:00 +02:00", "03-30 02:00 +02:00"}))
      << "03:00 is not run twice";
}

TEST(Occurrence, ARepeatedTimeRunsOnce) {
  EXPECT_EQ(wall_times("30 1 * * *", "America/New_York", utc(2026, 11, 1), 2),
            (Times{"11-01 01:30 -04:00", "11-02 01:30 -05:00"}));
  EXPECT_EQ(wall_times("30 2 * * *", "Europe/Paris", utc(2026, 10, 25), 2),
            (Times{"10-25 02:30 +02:00", "10-26 02:30 +01:00"}));
  EXPECT_EQ(wall_times("0 1-3 * * *", "Europe/London", utc(2026, 10, 24, 23h), 3),
            (Times{"10-25 01:00 +01:00", "10-25 02:00 +00:00", "10-25 03:00 +00:00"}));
}

TEST(Occurrence, NothingRunsAgainWhenAskedWithinTheRepeatedHour) {
  EXPECT_EQ(wall_times("30 1 * * *", "America/New_York", utc(2026, 11, 1, 6h + 10min), 1),
            (Times{"11-02 01:30 -05:00"}));
}

TEST(Occurrence, WildcardHoursFollowRealTime) {
  EXPECT_EQ(wall_times("30 * * * *", "Europe/Paris", utc(2026, 3, 29), 2),
            (Times{"03-29 01:30 +01:00", "03-29 03:30 +02:00"}));
  EXPECT_EQ(wall_times("30 * * * *", "Europe/Paris", utc(2026, 10, 25), 3),
            (Times{"10-25 02:30 +02:00", "10-25 02:30 +01:00", "10-25 03:30 +01:00"}));
  EXPECT_EQ(wall_times("0 */2 * * *", "Europe/Paris", utc(2026, 3, 29), 1), (Times{"03-29 04:00 +02:00"}));
}

TEST(Occurrence, HalfAnHourIsLeftOutAndRepeated) {
  EXPECT_EQ(wall_times("15 2 * * *", "Australia/Lord_Howe", utc(2026, 10, 3), 2),
            (Times{"10-04 02:30 +11:00", "10-05 02:15 +11:00"}));
  EXPECT_EQ(wall_times("45 1 * * *", "Australia/Lord_Howe", utc(2026, 4, 4), 2),
            (Times{"04-05 01:45 +11:00", "04-06 01:45 +10:30"}));
}

TEST(Occurrence, MidnightIsLeftOut) {
  EXPECT_EQ(wall_times("0 0 * * *", "America/Sao_Paulo", utc(2018, 11, 3, 12h), 2),
            (Times{"11-04 01:00 -02:00", "11-05 00:00 -02:00"}));
  EXPECT_EQ(wall_times("0 0 * * *", "America/Sao_Paulo", utc(2018, 2, 17), 2),
            (Times{"02-17 00:00 -02:00", "02-18 00:00 -03:00"}))
      << "the 17th at 24:00 became 23:00";
}

TEST(Occurrence, ADayIsLeftOut) {
  EXPECT_EQ(wall_times("0 9 * * *", "Pacific/Apia", utc(2011, 12, 29), 3),
            (Times{"12-29 09:00 -10:00", "12-31 00:00 +14:00", "12-31 09:00 +14:00"}));
  EXPECT_EQ(wall_times("0 9 30 12 *", "Pacific/Apia", utc(2011, 12, 1), 2),
            (Times{"12-31 00:00 +14:00", "12-30 09:00 +14:00"}));
}

TEST(Occurrence, YearsBeyond2038HaveTheirClockChanges) {
  EXPECT_EQ(wall_times("30 2 * * *", "Europe/Paris", utc(2060, 3, 27, 12h), 2),
            (Times{"03-28 03:00 +02:00", "03-29 02:30 +02:00"}));
  EXPECT_EQ(wall_times("0 12 29 2 *", "Europe/Paris", utc(2097, 1, 1), 1), (Times{"02-29 12:00 +01:00"}));
  EXPECT_EQ(wall_times("0 12 31 12 *", "Europe/Paris", utc(9999, 1, 1), 2), (Times{"12-31 12:00 +01:00"}));
}

TEST(Occurrence, IsLaterThanTheInstantAsked) {
  EXPECT_EQ(wall_times("0 12 * * *", "UTC", utc(2026, 1, 1, 12h), 1), (Times{"01-02 12:00 +00:00"}));
  EXPECT_EQ(wall_times("0 12 * * *", "UTC", utc(2026, 1, 1, 12h) - 1s, 1), (Times{"01-01 12:00 +00:00"}));
  EXPECT_EQ(wall_times("0 0 1 1 *", "UTC", utc(1969, 12, 1), 1), (Times{"01-01 00:00 +00:00"}));
}

std::string note(const std::string& expression, const std::string& zone, Instant after) {
  Zones zones;
  const Cron cron = Cron::parse(expression);
  return occurrence_note(cron, zones.get(zone), next_occurrence(cron, zones.get(zone), after).value());
}

TEST(Occurrence, ANoteSaysWhatIsUnusual) {
  EXPECT_EQ(note("30 2 * * *", "Europe/Paris", utc(2026, 3, 29)),
            "02:30 does not exist on 2026-03-29 in Europe/Paris, runs 03:00");
  EXPECT_EQ(note("30 2 * * *", "Europe/Paris", utc(2026, 10, 25)),
            "02:30 comes twice on 2026-10-25 in Europe/Paris, runs the first time");
  EXPECT_EQ(note("0 9 30 12 *", "Pacific/Apia", utc(2011, 12, 1)),
            "09:00 does not exist on 2011-12-30 in Pacific/Apia, runs 2011-12-31 00:00");
  EXPECT_EQ(note("10 30 2 * * *", "Europe/Paris", utc(2026, 3, 29)),
            "02:30:10 does not exist on 2026-03-29 in Europe/Paris, runs 03:00");
  EXPECT_EQ(note("30 * * * *", "Europe/Paris", utc(2026, 10, 25, 0h + 45min)),
            "02:30 for the second time on 2026-10-25 in Europe/Paris: the clock was set back");
}

TEST(Occurrence, OrdinaryDaysHaveNoNote) {
  EXPECT_EQ(note("30 2 * * *", "Europe/Paris", utc(2026, 3, 28)), "");
  EXPECT_EQ(note("0 3 * * *", "Europe/Paris", utc(2026, 3, 29)), "") << "03:00 exists";
  EXPECT_EQ(note("30 * * * *", "Europe/Paris", utc(2026, 10, 25)), "") << "the first 02:30";
  EXPECT_EQ(note("30 2 * * *", "UTC", utc(2026, 3, 29)), "");
}

}  // namespace
}  // namespace syncd::schedule
