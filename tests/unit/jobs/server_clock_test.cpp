#include "jobs/sources/server_clock.hpp"

#include <gtest/gtest.h>

namespace syncd::jobs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TimePoint at(milliseconds ours) { return TimePoint(ours); }
constexpr std::int64_t kMillisecond = 1000;

TEST(ServerClock, SaysHowFarItMayHaveBeenSetBackAndSinceWhen) {
  ServerClock clock;
  EXPECT_FALSE(clock.read(at(seconds(1)), at(seconds(1)), 100'000 * kMillisecond)) << "the first reading";
  const auto back = clock.read(at(seconds(3)), at(milliseconds(3010)), 99'000 * kMillisecond);
  ASSERT_TRUE(back);
  EXPECT_GE(back->by, milliseconds(3010));
  EXPECT_LE(back->by, milliseconds(3020));
  EXPECT_GE(back->since, milliseconds(2010));
  EXPECT_FALSE(clock.read(at(seconds(4)), at(seconds(4)), 100'000 * kMillisecond)) << "it goes on from there";
}

TEST(ServerClock, DoesNotSuspectASlowAnswerOrAClockThatDrifts) {
  ServerClock clock;
  clock.read(at(seconds(1)), at(seconds(5)), 100'000 * kMillisecond);
  EXPECT_FALSE(clock.read(at(seconds(6)), at(seconds(9)), 101'000 * kMillisecond));
  EXPECT_FALSE(clock.read(at(seconds(1009)), at(seconds(1009)), (101'000 + 998'500) * kMillisecond));
  EXPECT_FALSE(clock.read(at(seconds(1010)), at(seconds(1010)), 9'000'000 * kMillisecond)) << "set forward";
}

TEST(ServerClock, ComparesWithAReadingOfAnEarlierRunOnTheSameHost) {
  ServerClock first;
  first.read(at(seconds(1)), at(seconds(1)), 100'000 * kMillisecond);
  ASSERT_TRUE(first.last());
  ServerClock second;
  second.remember(*first.last());
  EXPECT_TRUE(second.read(at(seconds(31)), at(seconds(31)), 120'000 * kMillisecond));
  ClockReading elsewhere = *first.last();
  elsewhere.boot = "another";
  ServerClock third;
  third.remember(elsewhere);
  EXPECT_FALSE(third.read(at(seconds(31)), at(seconds(31)), 120'000 * kMillisecond));
}

}  // namespace
}  // namespace syncd::jobs
