#include "jobs/sources/fence.hpp"

#include <gtest/gtest.h>

namespace syncd::jobs {
namespace {

Observation seen(std::string upper, Transactions live, Transactions prepared = {}, std::int64_t second = 0) {
  Observation observation;
  observation.upper = std::move(upper);
  observation.boot = "boot";
  observation.live = std::move(live);
  observation.prepared = std::move(prepared);
  observation.wall_us = second * 1'000'000;
  return observation;
}

Fence fence_of(const Observation& first) {
  Fence fence;
  fence.observe(first);
  fence.add(OpenRange(std::nullopt, first));
  return fence;
}

TEST(Fence, ARangeIsDueWhenOneOfItsTransactionsHasEnded) {
  Fence fence = fence_of(seen("10", {{"a", 5}, {"b", 7}}));
  EXPECT_FALSE(fence.due(0));
  fence.observe(seen("20", {{"b", 7}, {"c", 9}}));
  ASSERT_EQ(fence.due(0), 0u);
  EXPECT_EQ(fence.ranges()[0].due, 5u) << "only rows of the one that ended";
  fence.reread(0, 0);
  EXPECT_FALSE(fence.due(0));
  fence.observe(seen("30", {{"c", 9}}));
  ASSERT_EQ(fence.due(0), 0u);
  EXPECT_TRUE(fence.ranges()[0].settled());
  EXPECT_EQ(fence.ranges()[0].due, 7u);
  fence.reread(0, 0);
  EXPECT_TRUE(fence.ranges().empty());
}

TEST(Fence, ATransactionThatWritesNothingLeavesNothingToReadAgain) {
  Fence fence = fence_of(seen("10", {{"dump", 5}}));
  fence.observe(seen("20", {{"dump", 900}}));  // still no transaction id of its own
  fence.observe(seen("30", {}));
  EXPECT_EQ(fence.ranges()[0].due, 900u);
}

TEST(Fence, AVirtualxidThatGoesMayHaveBeenPrepared) {
  Fence fence = fence_of(seen("10", {{"a", 5}}));
  fence.observe(seen("20", {}, {{"5", 5}, {"6", 6}}));
  EXPECT_FALSE(fence.ranges()[0].settled());
  ASSERT_EQ(fence.due(0), 0u);
  fence.reread(0, 0);
  fence.observe(seen("30", {}, {{"6", 6}, {"8", 8}}));
  EXPECT_EQ(fence.due(0), 0u) << "5 was committed";
  EXPECT_FALSE(fence.ranges()[0].settled()) << "6 may be ours";
  fence.observe(seen("30", {}, {{"8", 8}}));
  EXPECT_TRUE(fence.ranges()[0].settled()) << "8 came later";
}

TEST(Fence, WhatWasPreparedBeforeMayBeLateToo) {
  const Fence fence = fence_of(seen("10", {}, {{"5", 5}}));
  EXPECT_FALSE(fence.ranges()[0].settled());
}

TEST(Fence, AReadThatIsUnderWayBeginsAnewWhenAnotherOneEnds) {
  Fence fence = fence_of(seen("10", {{"a", 5}, {"b", 7}}));
  fence.observe(seen("20", {{"b", 7}}));
  fence.ranges()[0].at = CursorValues{"6"};
  fence.observe(seen("20", {{"b", 7}}));
  EXPECT_TRUE(fence.ranges()[0].at) << "nobody has ended since";
  fence.observe(seen("20", {}));
  EXPECT_FALSE(fence.ranges()[0].at);
  EXPECT_EQ(fence.ranges()[0].due, 5u) << "the rows of both";
}

TEST(Fence, ReadsOfOneRangeAreRarerTheOlderItIs) {
  Fence fence = fence_of(seen("10", {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}, {}, 100));
  fence.observe(seen("10", {{"b", 1}, {"c", 1}, {"d", 1}}, {}, 110));
  ASSERT_EQ(fence.due(110'000'000), 0u);
  fence.reread(0, 110'000'000);
  fence.observe(seen("10", {{"c", 1}, {"d", 1}}, {}, 111));
  EXPECT_FALSE(fence.due(111'000'000));
  EXPECT_FALSE(fence.due(119'999'999));
  EXPECT_EQ(fence.due(120'000'000), 0u) << "twice its age";
  fence.observe(seen("10", {}, {}, 112));
  EXPECT_EQ(fence.due(112'000'000), 0u) << "settled: at once";
}

TEST(Fence, UnderALongTransactionThereIsOneRange) {
  Fence fence;
  for (int poll = 0; poll < 100; ++poll) {
    const std::string own = "short" + std::to_string(poll);
    const Observation now = seen(std::to_string(poll), {{"long", 1}, {own, 2}}, {}, poll);
    fence.observe(now);
    while (const auto due = fence.due(now.wall_us)) fence.reread(*due, now.wall_us);
    fence.observe(now);
    fence.add(OpenRange(CursorValues{std::to_string(poll - 1)}, now));
    EXPECT_LE(fence.ranges().size(), 2u);
  }
  EXPECT_EQ(fence.ranges()[0].low, Start(CursorValues{"-1"}));
  fence.observe(seen("100", {}, {}, 100));
  EXPECT_TRUE(fence.ranges()[0].settled());
}

TEST(Fence, TooManyRangesBecomeFewerThatSettleLater) {
  Fence fence;
  Transactions live;
  for (int poll = 0; poll < 40; ++poll) {
    live.emplace("t" + std::to_string(poll), 1);
    const Observation now = seen(std::to_string(poll), live, {}, poll);
    fence.observe(now);
    fence.add(OpenRange(std::nullopt, now));
  }
  EXPECT_EQ(fence.ranges().size(), Fence::kMaxRanges);
  EXPECT_EQ(fence.ranges().back().high, "39");
  EXPECT_EQ(fence.ranges().back().waiting.size(), 40u);
}

TEST(Fence, ARestartOfTheServerEndsEverythingButThePrepared) {
  Fence fence = fence_of(seen("10", {{"1/1:9", 5}}, {{"3", 3}}));
  Observation after = seen("20", {{"1/1:9", 2}}, {{"3", 3}});
  after.boot = "another boot";
  fence.observe(after);
  EXPECT_TRUE(fence.ranges()[0].waiting.empty());
  EXPECT_EQ(fence.ranges()[0].due, 5u);
  EXPECT_FALSE(fence.ranges()[0].settled());
}

TEST(Fence, WhoTookItsTimeBeforeItShowedIsWaitedForOnceItShows) {
  Observation first = seen("10", {{"a", 5}});
  first.shown = "08";
  first.xmax = 9;
  Fence fence;
  fence.observe(first);
  Opening opening(CursorValues{"05", "id"}, first);
  opening.reach(fence, "07");
  ASSERT_EQ(fence.ranges().size(), 1u) << "the last moment is not reached yet";
  opening.reach(fence, "12");
  ASSERT_EQ(fence.ranges().size(), 2u);
  EXPECT_EQ(fence.ranges()[0].high, "08");
  EXPECT_EQ(fence.ranges()[1].low, Start(CursorValues{"08"}, true));
  EXPECT_EQ(fence.ranges()[1].high, "12") << "read up to then";
  opening.end(fence, "11");
  EXPECT_EQ(fence.ranges()[1].high, "11");

  Observation later = seen("13", {{"b", 11}}, {{"10", 10}});
  later.shown = "10.9";
  fence.observe(later);
  EXPECT_TRUE(fence.ranges()[1].unseen) << "a moment is missing";
  EXPECT_FALSE(fence.ranges()[1].waiting.contains("b"));
  later.shown = "11";
  fence.observe(later);
  EXPECT_FALSE(fence.ranges()[1].unseen);
  EXPECT_EQ(fence.ranges()[1].due, 5u) << "a has ended; of those who showed late no row is below 9";
  EXPECT_TRUE(fence.ranges()[1].waiting.contains("b"));
  EXPECT_TRUE(fence.ranges()[1].prepared.contains("10"));
}

TEST(Fence, AMomentThatNobodyWasLateInIsReadOnceMoreForTheNewestOnly) {
  Observation first = seen("10", {});
  first.shown = "08";
  first.xmax = 9;
  Fence fence;
  fence.observe(first);
  Opening opening(std::nullopt, first);
  EXPECT_TRUE(opening.rested().settled());
  opening.reach(fence, "10");
  opening.end(fence, "10");
  ASSERT_EQ(fence.ranges().size(), 1u);
  EXPECT_FALSE(fence.due(0));
  Observation later = seen("20", {});
  later.shown = "18";
  fence.observe(later);
  ASSERT_EQ(fence.due(0), 0u);
  EXPECT_EQ(fence.ranges()[0].due, 9u);
  fence.reread(0, 0);
  EXPECT_TRUE(fence.ranges().empty());
}

TEST(Fence, MomentsThatHaveNotPassedAreNotJoinedForEver) {
  Fence fence;
  for (int poll = 0; poll < 100; ++poll) {
    Observation now = seen(std::to_string(2000 + poll), {}, {}, poll);
    now.shown = std::to_string(2000 + poll - 5);
    now.xmax = static_cast<std::uint64_t>(poll);
    fence.observe(now);
    while (const auto due = fence.due(now.wall_us)) fence.reread(*due, now.wall_us);
    Opening opening(CursorValues{std::to_string(2000 + poll - 1)}, now);
    opening.reach(fence, now.upper);
    opening.end(fence, now.upper);
    EXPECT_LE(fence.ranges().size(), 5u);
  }
}

TEST(Fence, HoldsBackWhatComesAfterAnOpenRange) {
  Fence fence = fence_of(seen("10", {{"a", 5}}));
  fence.add(OpenRange(std::nullopt, seen("20", {{"b", 6}})));
  fence.add(OpenRange(std::nullopt, seen("30", {{"a", 5}, {"c", 7}})));
  fence.observe(seen("40", {{"a", 5}, {"c", 7}}));
  EXPECT_FALSE(fence.take_settled_prefix());
  fence.observe(seen("40", {{"c", 7}}));
  EXPECT_EQ(fence.take_settled_prefix(), "20");
  EXPECT_FALSE(fence.take_settled_prefix());
  fence.observe(seen("40", {}));
  EXPECT_EQ(fence.take_settled_prefix(), "30");
  EXPECT_TRUE(fence.ranges().empty());
}

}  // namespace
}  // namespace syncd::jobs
