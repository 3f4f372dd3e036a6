#include "daemon/schedule/jitter.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace syncd::schedule {
namespace {

using namespace std::chrono_literals;

TEST(Jitter, IsTheSameForEverOnEveryMachine) {
  EXPECT_EQ(jitter("users", "db-1", 1h), 801764312us)
      << "a new value would move the occurrences of every installation";
}

TEST(Jitter, DependsOnJobAndHost) {
  EXPECT_NE(jitter("users", "db-1", 1h), jitter("users", "db-2", 1h));
  EXPECT_NE(jitter("users", "db-1", 1h), jitter("userz", "db-1", 1h));
  EXPECT_NE(jitter("ab", "c", 1h), jitter("a", "bc", 1h));
}

TEST(Jitter, SpreadsJobsEvenlyUpToTheMost) {
  std::array<int, 10> tenths{};
  for (int i = 0; i < 1000; ++i) {
    const auto drawn = jitter("job-" + std::to_string(i), "host", 100s);
    ASSERT_GE(drawn, 0s);
    ASSERT_LE(drawn, 100s);
    ++tenths[static_cast<std::size_t>(drawn / 10s) % 10];
  }
  for (const int count : tenths) {
    EXPECT_GT(count, 60);
    EXPECT_LT(count, 140);
  }
}

TEST(Jitter, OfNothingIsNothing) {
  EXPECT_EQ(jitter("users", "db-1", 0s), 0s);
  EXPECT_LE(jitter("users", "db-1", 1us), 1us);
}

}  // namespace
}  // namespace syncd::schedule
