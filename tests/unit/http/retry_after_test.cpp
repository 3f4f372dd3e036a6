#include "daemon/http/retry_after.hpp"

#include <gtest/gtest.h>

namespace syncd::http {
namespace {

using namespace std::chrono_literals;

// 2015-10-21T07:28:00Z
constexpr WallTime kNow{std::chrono::seconds(1445412480)};

std::optional<std::chrono::nanoseconds> wait(std::vector<std::string> lines) {
  Headers headers;
  for (const std::string& line : lines) headers.add_line(line + "\r\n");
  return retry_after(headers, kNow);
}

TEST(RetryAfter, SecondsWholeAndBroken) {
  EXPECT_EQ(wait({"Retry-After: 30"}), 30s);
  EXPECT_EQ(wait({"retry-after:1.5"}), 1500ms);
  EXPECT_EQ(wait({"Retry-After: 0"}), 0s);
}

TEST(RetryAfter, MillisecondsWin) {
  EXPECT_EQ(wait({"retry-after: 30", "Retry-After-Ms: 1200"}), 1200ms);
  EXPECT_EQ(wait({"retry-after: 30", "retry-after-ms: soon"}), 30s);
}

TEST(RetryAfter, DatesInEachForm) {
  EXPECT_EQ(wait({"Retry-After: Wed, 21 Oct 2015 07:28:10 GMT"}), 10s);
  EXPECT_EQ(wait({"Retry-After: Wednesday, 21-Oct-15 07:28:10 GMT"}), 10s);
  EXPECT_EQ(wait({"Retry-After: Wed Oct 21 07:28:10 2015"}), 10s);
}

TEST(RetryAfter, ADateIsMeasuredByTheClockOfTheServer) {
  EXPECT_EQ(wait({"Date: Wed, 21 Oct 2015 09:00:00 GMT", "Retry-After: Wed, 21 Oct 2015 09:00:20 GMT"}), 20s);
}

TEST(RetryAfter, ADateThatHasPassedIsNow) {
  EXPECT_EQ(wait({"Retry-After: Wed, 21 Oct 2015 07:00:00 GMT"}), 0s);
}

TEST(RetryAfter, NonsenseSaysNothing) {
  EXPECT_EQ(wait({}), std::nullopt);
  EXPECT_EQ(wait({"Retry-After: -5"}), std::nullopt);
  EXPECT_EQ(wait({"Retry-After: nan"}), std::nullopt);
  EXPECT_EQ(wait({"Retry-After: later"}), std::nullopt);
  EXPECT_EQ(wait({"Retry-After:"}), std::nullopt);
}

TEST(RetryAfter, ForEverIsAYear) { EXPECT_EQ(wait({"Retry-After: 1e300"}), 366 * 24h); }

}  // namespace
}  // namespace syncd::http
