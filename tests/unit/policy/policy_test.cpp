#include <gtest/gtest.h>

#include "daemon/policy/backoff.hpp"
#include "daemon/policy/rate_limiter.hpp"

namespace syncd::policy {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToItsMaximum) {
  const Backoff backoff(1s, 60s);
  EXPECT_EQ(backoff.wait(1, 0.0), 1s);
  EXPECT_EQ(backoff.wait(2, 0.0), 2s);
  EXPECT_EQ(backoff.wait(5, 0.0), 16s);
  EXPECT_EQ(backoff.wait(20, 0.0), 60s);
  EXPECT_EQ(backoff.wait(4'000'000'000U, 0.0), 60s);
}

TEST(Backoff, JitterIsFull) {
  const Backoff backoff(1s, 60s);
  EXPECT_EQ(backoff.wait(5, 0.5), 8s);
  EXPECT_GT(backoff.wait(5, 0.9999999999), 0s);
}

TEST(RateLimiter, LetsABurstPassAndMakesTheNextOneWait) {
  RateLimiter limiter(100);
  const TimePoint start{1h};
  EXPECT_EQ(limiter.take(start, 100), start) << "one second's worth was saved up";
  EXPECT_EQ(limiter.take(start, 300), start + 3s);
  EXPECT_EQ(limiter.take(start + 3s, 50), start + 3500ms);
}

}  // namespace
}  // namespace syncd::policy
