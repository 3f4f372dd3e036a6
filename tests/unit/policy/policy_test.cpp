#include <gtest/gtest.h>

#include "daemon/policy/backoff.hpp"
#include "daemon/policy/circuit_breaker.hpp"
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

using May = CircuitBreaker::Verdict::May;

class BreakerTest : public ::testing::Test {
 protected:
  void fail(int times) {
    for (int i = 0; i < times; ++i) breaker_.failed(now_, rule_);
  }
  TimePoint now_{1h};
  CircuitBreaker::Rule rule_{3, 10s, 30s};
  CircuitBreaker breaker_;
};

TEST_F(BreakerTest, OpensAfterFailuresInARow) {
  fail(2);
  breaker_.succeeded();
  fail(2);
  EXPECT_EQ(breaker_.ask(now_).may, May::Try);
  fail(1);
  EXPECT_EQ(breaker_.ask(now_).may, May::NotBefore);
  EXPECT_EQ(breaker_.ask(now_).not_before, now_ + 10s);
  EXPECT_EQ(breaker_.failures(), 3U);
}

TEST_F(BreakerTest, LetsOneProbeThroughAndClosesWithIt) {
  fail(3);
  now_ += 10s;
  EXPECT_EQ(breaker_.ask(now_).may, May::Try);
  breaker_.begin();
  EXPECT_EQ(breaker_.ask(now_).may, May::AfterTheProbe);
  breaker_.succeeded();
  EXPECT_EQ(breaker_.ask(now_).may, May::Try);
  EXPECT_EQ(breaker_.failures(), 0U);
}

TEST_F(BreakerTest, AProbeThatFailsOpensItForTwiceAsLong) {
  fail(3);
  for (const auto pause : {20s, 30s, 30s}) {
    now_ = breaker_.ask(now_).not_before;
    breaker_.begin();
    fail(1);
    EXPECT_EQ(breaker_.ask(now_).not_before, now_ + pause);
  }
}

TEST_F(BreakerTest, FailuresOfThoseThatBeganBeforeDoNotProlongIt) {
  fail(7);
  EXPECT_EQ(breaker_.ask(now_).not_before, now_ + 10s);
}

TEST_F(BreakerTest, AProbeThatTellsNothingLeavesThePlaceToTheNext) {
  fail(3);
  now_ += 10s;
  breaker_.begin();
  breaker_.gave_up();
  EXPECT_EQ(breaker_.ask(now_).may, May::Try);
}

TEST_F(BreakerTest, NeverOpensWhereItIsSwitchedOff) {
  rule_.failures = 0;
  fail(100);
  EXPECT_EQ(breaker_.ask(now_).may, May::Try);
}

}  // namespace
}  // namespace syncd::policy
