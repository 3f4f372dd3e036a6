// Waiting for a condition instead of sleeping.
//
//   EXPECT_EVENTUALLY(redis.command({"EXISTS", "user:1"}).integer == 1);
//   EXPECT_EVENTUALLY_EQ(status("users"), "running");   // the failure shows the last value
//
// The expression is evaluated until it holds, for kPatience at most.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace syncd::test {

// Long enough for a loaded machine under a sanitizer; nobody waits that long when all is well.
inline constexpr std::chrono::seconds kPatience(30);

// Polls `holds` with growing pauses; false: it did not come true within `limit`.
template <class F>
bool eventually(F holds, std::chrono::milliseconds limit = kPatience) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  auto pause = std::chrono::microseconds(500);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(20'000));
  }
  return true;
}

// Polls until value() == want; the failure shows the last value.
template <class F, class T>
testing::AssertionResult eventually_equal(const char* text, F value, const T& want,
                                          std::chrono::milliseconds limit = kPatience) {
  auto last = value();
  if (last == want || eventually([&] { return (last = value()) == want; }, limit)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << text << " did not become " << testing::PrintToString(want)
                                     << " within " << limit.count() << " ms; it is "
                                     << testing::PrintToString(last);
}

}  // namespace syncd::test

#define EXPECT_EVENTUALLY(...)                                          \
  EXPECT_TRUE(::syncd::test::eventually([&] { return (__VA_ARGS__); })) \
      << "did not come true in time: " #__VA_ARGS__
#define ASSERT_EVENTUALLY(...)                                          \
  ASSERT_TRUE(::syncd::test::eventually([&] { return (__VA_ARGS__); })) \
      << "did not come true in time: " #__VA_ARGS__
#define EXPECT_EVENTUALLY_EQ(expression, want) \
  EXPECT_TRUE(::syncd::test::eventually_equal( \
      #expression, [&] { return (expression); }, want))
