#include <gtest/gtest.h>

#include <random>

#include "config/duration.hpp"
#include "daemon/schedule/policy.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono_literals;

const WallTime kDueDay = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);

std::vector<WallTime> every_one(const Schedule& schedule, WallTime from, WallTime until) {
  std::vector<WallTime> all;
  for (auto at = schedule.next_after(from); at && *at <= until; at = schedule.next_after(*at))
    all.push_back(*at);
  return all;
}

TEST(DueBetween, EachOccurrenceIsOnTimeOrCaughtUpWithOrGivenUp) {
  std::mt19937 random(7);
  const auto draw = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
  const std::vector<std::string> schedules = {"every 7s", "every 1h", "cron */5 * * * *",   "cron 0 0 1 * *",
                                              "@yearly",  "manual",   "at 2026-03-01 03:00"};
  for (int round = 0; round < 2000; ++round) {
    const Schedule schedule = Schedule::parse(schedules[static_cast<std::size_t>(draw(6))]);
    CatchUp rule;
    rule.most = static_cast<std::uint32_t>(draw(4));
    rule.window = std::chrono::minutes(draw(200));
    const WallTime from = kDueDay + std::chrono::seconds(draw(3600));
    const WallTime now = from + std::chrono::seconds(draw(draw(1) == 0 ? 90 : 6 * 3600));
    const WallTime decided = draw(3) == 0 ? from + std::chrono::seconds(draw(3600)) : from;
    const Due due = due_between(schedule, from, decided, now, rule);
    std::size_t given_up = 0;
    std::size_t caught_up = 0;
    std::size_t on_time = 0;
    for (const WallTime at : every_one(schedule, from, now)) {
      const bool in_time = at > now - kOnTime;
      if (in_time) {
        ASSERT_EQ(due.on_time.at(on_time++), at);
      } else if (at > decided && caught_up < due.catch_up.size() && at == due.catch_up[caught_up]) {
        ++caught_up;
        ASSERT_TRUE(rule.window.count() == 0 || at > now - rule.window);
      } else if (at > decided) {
        ASSERT_EQ(caught_up, 0U) << "only older ones are given up";
        if (given_up++ == 0) {
          ASSERT_EQ(due.given_up.value().first, at);
        }
        ASSERT_GE(due.given_up.value().last, at);
      }
    }
    ASSERT_EQ(due.on_time.size(), on_time);
    ASSERT_EQ(due.catch_up.size(), caught_up);
    ASSERT_LE(caught_up, rule.most);
    ASSERT_EQ(due.given_up ? due.given_up->count : 0, std::min<std::size_t>(given_up, kMostCounted));
  }
}

TEST(DueBetween, YearsOfBeingAwayTakeNoLongerThanADay) {
  CatchUp rule;
  rule.most = 3;
  const Due due = due_between(Schedule::parse("every 1s"), kDueDay - 24h * 365 * 40, kDueDay - 24h * 365 * 40,
                              kDueDay, rule);
  EXPECT_EQ(due.on_time.size(), 60U);
  ASSERT_EQ(due.catch_up.size(), 3U);
  EXPECT_EQ(due.catch_up.back(), kDueDay - kOnTime);
  ASSERT_TRUE(due.given_up);
  EXPECT_EQ(due.given_up->last, kDueDay - kOnTime - 3s);
  EXPECT_EQ(due.given_up->count, kMostCounted);
}

TEST(CatchUp, ReadsNoneOneAndAll) {
  EXPECT_EQ(CatchUp::parse("none"), 0U);
  EXPECT_EQ(CatchUp::parse("one"), 1U);
  EXPECT_EQ(CatchUp::parse("all:12"), 12U);
  for (const char* wrong : {"", "all", "all:", "all:0", "all:x", "all:1001", "all:1x", "two"}) {
    EXPECT_THROW(CatchUp::parse(wrong), config::ValueError) << wrong;
  }
}

TEST(Needs, ACircleIsToldWithItsWay) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(find_cycle({{"a", {"b"}}, {"b", {"c", "d"}}, {"c", {}}, {"d", {"c"}}}), Names());
  EXPECT_EQ(find_cycle({{"a", {"b"}}, {"b", {"c"}}, {"c", {"b"}}}), (Names{"b", "c", "b"}));
  EXPECT_EQ(find_cycle({{"a", {"a"}}}), (Names{"a", "a"}));
  EXPECT_EQ(find_cycle({{"a", {"gone"}}}), Names());
}

}  // namespace
}  // namespace syncd::schedule
