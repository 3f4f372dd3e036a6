#include "daemon/base/time.hpp"

#include <gtest/gtest.h>

namespace syncd {
namespace {

using namespace std::chrono_literals;

TEST(Rfc3339, WritesUtcWithMilliseconds) {
  const WallTime day = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  EXPECT_EQ(rfc3339(day + 10h + 2min + 3s + 45ms), "2026-03-01T10:02:03.045Z");
  EXPECT_EQ(rfc3339(day - 1us), "2026-02-28T23:59:59.999Z") << "cut, never rounded up";
}

TEST(Rfc3339, KnowsTheTimeBefore1970AndLeapDays) {
  const WallTime epoch;
  EXPECT_EQ(rfc3339(epoch), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(epoch - 1ms), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(rfc3339(std::chrono::sys_days(std::chrono::year(2024) / 2 / 29)), "2024-02-29T00:00:00.000Z");
}

TEST(HumanDuration, ShowsTheTwoLargestUnits) {
  EXPECT_EQ(human_duration(0ns), "0 ms");
  EXPECT_EQ(human_duration(999'999us), "999 ms");
  EXPECT_EQ(human_duration(1500ms), "1.5 s");
  EXPECT_EQ(human_duration(9999ms), "9.9 s");
  EXPECT_EQ(human_duration(45s), "45 s");
  EXPECT_EQ(human_duration(3min + 5s), "3 min 5 s");
  EXPECT_EQ(human_duration(3h + 12min + 59s), "3 h 12 min");
  EXPECT_EQ(human_duration(50h), "2 d 2 h");
}

TEST(HumanDuration, ShowsTimeThatRanBackwards) { EXPECT_EQ(human_duration(-90s), "-1 min 30 s"); }

TEST(HumanCount, GroupsItsDigits) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1'000), "1,000");
  EXPECT_EQ(human_count(1'234'567), "1,234,567");
  EXPECT_EQ(human_count(18'446'744'073'709'551'615U), "18,446,744,073,709,551,615");
}

TEST(WallNow, IsInThisCentury) {
  EXPECT_GT(wall_now(), WallTime(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1)));
}

}  // namespace
}  // namespace syncd
