#include "daemon/schedule/zone.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "config/duration.hpp"
#include "tests/support/value_error.hpp"
#include "tests/unit/schedule/libc_clock.hpp"
#include "tests/unit/schedule/zoned.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;
using test::utc;
using test::wall;
using test::zone;

class EveryZone : public ::testing::Test {
 protected:
  void SetUp() override {
    if (names_.empty()) GTEST_SKIP() << "the package tzdata is not installed";
    EXPECT_GT(names_.size(), 300U);
  }
  static constexpr Instant kFirst = sys_days(year(1800) / 1 / 1);
  static constexpr Instant kLast = sys_days(year(2120) / 1 / 1);

  Zones zones_;
  std::vector<std::string> names_ = zones_.names();
};

TEST_F(EveryZone, ShowsTheTimeThatTheCLibraryShows) {
  for (const std::string& name : names_) {
    const Zone zone = zones_.get(name);
    const LibcClock libc(name);
    const auto agree = [&](Instant at) {
      const auto instant = at.time_since_epoch().count();
      return zone.to_local(at).time_since_epoch().count() == libc.local(instant);
    };
    for (Instant at = kFirst; at < kLast; at += 2003h)
      ASSERT_TRUE(agree(at)) << name << " " << at.time_since_epoch().count();
    for (Instant at = zone.period_at(kFirst).end; at < kLast; at = zone.period_at(at).end) {
      ASSERT_TRUE(agree(at)) << name << " " << at.time_since_epoch().count();
      ASSERT_TRUE(agree(at - 1s)) << name << " " << at.time_since_epoch().count();
    }
  }
}

TEST_F(EveryZone, FindsTheFirstInstantOfAWallTime) {
  for (const std::string& name : names_) {
    const Zone zone = zones_.get(name);
    for (Instant at = zone.period_at(utc(1850, 1, 1)).end; at < utc(2040, 1, 1);
         at = zone.period_at(at).end) {
      for (const seconds step :
           {-26 * 60min, -90min, -60min, -30min, 0min, 30min, 60min, 90min, 26 * 60min}) {
        for (const LocalTime local : {zone.to_local(at - 1s) + step, zone.to_local(at) + step}) {
          const Instant first = zone.first_at_or_after(local);
          ASSERT_GE(zone.to_local(first), local) << name;
          ASSERT_LT(zone.latest_until(first - 1s), local) << name;
        }
      }
    }
  }
}

TEST(Zone, IsUtcByDefault) {
  const Zone zone;
  EXPECT_EQ(zone.name(), "UTC");
  EXPECT_EQ(zone.to_local(utc(2026, 3, 1)), wall(2026, 3, 1));
  EXPECT_EQ(zone.first_at_or_after(wall(1500, 3, 1)), utc(1500, 3, 1));
  EXPECT_EQ(zone.latest_until(utc(9000, 3, 1)), wall(9000, 3, 1));
}

TEST(Zone, LeavesOutAnHourInSpring) {
  const Zone paris = zone("Europe/Paris");
  const Instant change = utc(2026, 3, 29, 1h);
  EXPECT_EQ(paris.to_local(change - 1s), wall(2026, 3, 29, 2h) - 1s);
  EXPECT_EQ(paris.to_local(change), wall(2026, 3, 29, 3h));
  EXPECT_EQ(paris.first_at_or_after(wall(2026, 3, 29, 2h)), change);
  EXPECT_EQ(paris.first_at_or_after(wall(2026, 3, 29, 2h + 59min)), change);
  EXPECT_EQ(paris.first_at_or_after(wall(2026, 3, 29, 3h + 1s)), change + 1s);
}

TEST(Zone, RepeatsAnHourInAutumn) {
  const Zone new_york = zone("America/New_York");
  const Instant change = utc(2026, 11, 1, 6h);
  EXPECT_EQ(new_york.first_at_or_after(wall(2026, 11, 1, 1h + 30min)), change - 30min);
  EXPECT_EQ(new_york.first_at_or_after(wall(2026, 11, 1, 2h)), change + 1h);
  EXPECT_EQ(new_york.to_local(change), wall(2026, 11, 1, 1h));
  EXPECT_EQ(new_york.latest_until(change + 10min), wall(2026, 11, 1, 2h) - 1s);
  EXPECT_EQ(new_york.latest_until(change + 1h), wall(2026, 11, 1, 2h));
}

TEST(Zone, ShiftsByHalfAnHour) {
  const Zone lord_howe = zone("Australia/Lord_Howe");
  EXPECT_EQ(lord_howe.first_at_or_after(wall(2026, 10, 4, 2h + 10min)), utc(2026, 10, 3, 15h + 30min));
  EXPECT_EQ(lord_howe.to_local(utc(2026, 10, 3, 15h + 30min)), wall(2026, 10, 4, 2h + 30min));
}

TEST(Zone, LeavesOutADay) {
  const Zone apia = zone("Pacific/Apia");
  EXPECT_EQ(apia.first_at_or_after(wall(2011, 12, 30, 12h)), utc(2011, 12, 30, 10h));
  EXPECT_EQ(apia.to_local(utc(2011, 12, 30, 10h)), wall(2011, 12, 31));
}

TEST(Zone, GoesOnAfterTheLastListedChange) {
  const Zone paris = zone("Europe/Paris");
  EXPECT_EQ(paris.to_local(utc(2090, 7, 1)), wall(2090, 7, 1, 2h));
  EXPECT_EQ(paris.to_local(utc(2090, 12, 1)), wall(2090, 12, 1, 1h));
  EXPECT_EQ(paris.to_local(utc(8090, 7, 1)), wall(8090, 7, 1, 2h));
  EXPECT_EQ(paris.to_local(utc(20000, 7, 1)), wall(20000, 7, 1, 1h)) << "beyond the calendar: as it was last";
  EXPECT_EQ(zone("America/Sao_Paulo").to_local(utc(2050, 1, 1)), wall(2049, 12, 31, 21h));
}

// A file of one offset and one rule, as the tz database compiles them ("slim": no listed changes).
std::string tzif(const std::string& rule, char version = '2', char leap_seconds = 0) {
  const std::string counts = std::string(15, '\0') + std::string(8, '\0') + std::string(3, '\0') +
                             leap_seconds + std::string(4, '\0') + std::string("\0\0\0\1\0\0\0\4", 8);
  const std::string type = std::string(6, '\0') + std::string("UTC\0", 4);
  const std::string header = std::string("TZif") + version + counts;
  const std::string block = header + type + std::string(static_cast<std::size_t>(leap_seconds) * 12, '\0');
  return header + type + std::string(static_cast<std::size_t>(leap_seconds) * 8, '\0') + block + '\n' + rule +
         '\n';
}

std::string zone_error(const std::string& bytes) {
  return syncd::test::value_error([&] { Zone::parse("Test/Zone", bytes); });
}

TEST(Zone, FollowsARuleWithoutAnyListedChange) {
  const Zone berlin = Zone::parse("Berlin", tzif("CET-1CEST,M3.5.0,M10.5.0/3"));
  EXPECT_EQ(berlin.to_local(utc(1990, 7, 1)), wall(1990, 7, 1, 2h));
  EXPECT_EQ(berlin.to_local(utc(2026, 10, 25, 1h)), wall(2026, 10, 25, 2h));
}

TEST(Zone, KnowsEveryFormOfARule) {
  const auto at = [](const char* rule, Instant instant) {
    return Zone::parse("x", tzif(rule)).to_local(instant).time_since_epoch() - instant.time_since_epoch();
  };
  EXPECT_EQ(at("<+0545>-5:45", utc(2026, 1, 1)), 5h + 45min);
  EXPECT_EQ(at("AAA3:30:15", utc(2026, 1, 1)), -(3h + 30min + 15s));
  EXPECT_EQ(at("AAA0BBB,J60/0,J300/0", utc(2024, 2, 29, 12h)), 0h) << "J60 is the 1st of March in every year";
  EXPECT_EQ(at("AAA0BBB,J60/0,J300/0", utc(2024, 3, 1)), 1h);
  EXPECT_EQ(at("AAA0BBB,59/0,300/0", utc(2024, 2, 29)), 1h) << "59 counts the leap day";
  EXPECT_EQ(at("AAA0BBB-2,M3.2.0/-1,M11.1.0/25", utc(2026, 3, 7, 23h)), 2h) << "before the day";
  EXPECT_EQ(at("AAA0BBB-2,M3.2.0/-1,M11.1.0/25", utc(2026, 11, 1, 22h)), 2h) << "after the day";
  EXPECT_EQ(at("AAA0BBB-2,M3.2.0/-1,M11.1.0/25", utc(2026, 11, 1, 23h)), 0h);
  EXPECT_EQ(at("XXX3YYY,0/0,J365/25", utc(2026, 1, 1, 2h)), -2h) << "daylight time all year";
  EXPECT_EQ(at("IST-1GMT0,M10.5.0,M3.5.0/1", utc(2026, 1, 1)), 0h) << "Dublin: winter is the exception";
  EXPECT_EQ(at("IST-1GMT0,M10.5.0,M3.5.0/1", utc(2026, 7, 1)), 1h);
}

TEST(Zone, RefusesABadRule) {
  for (const char* rule : {"C", "CET-", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
                           "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5",
                           "CET-1CEST,M3.5.0,M10.5.0x", "<CET-1", "CET-168", "-1"}) {
    EXPECT_EQ(
        zone_error(tzif(rule)),
        std::string("found '") + rule + "'; write a POSIX time zone such as \"CET-1CEST,M3.5.0,M10.5.0/3\"");
  }
}

TEST(Zone, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(zone_error(""), "the file ends too early");
  EXPECT_EQ(zone_error("#!/bin/sh\n"), "it is no file of the tz database");
  EXPECT_EQ(zone_error(tzif("UTC0", '\0')), "the file is of version 1, which ends in the year 2037");
  EXPECT_EQ(zone_error(tzif("UTC0", '2', 1)),
            "the zone counts leap seconds, which the system's clock does not");
  EXPECT_EQ(zone_error(tzif("UTC0")), "");
}

TEST(Zone, SurvivesDamagedFiles) {
  std::ifstream file("/usr/share/zoneinfo/Europe/Paris", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (whole.empty()) GTEST_SKIP() << "the package tzdata is not installed";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(zone_error(whole.substr(0, size)), "") << size;
  std::mt19937 random(7);
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = whole;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      const Zone zone = Zone::parse("x", damaged);
      zone.first_at_or_after(wall(2026, 3, 29, 2h));
      zone.latest_until(utc(2090, 3, 29, 2h));
    } catch (const config::ValueError&) {
    }
  }
}

}  // namespace
}  // namespace syncd::schedule
