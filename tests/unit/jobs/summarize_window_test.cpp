#include "jobs/transforms/summarize_window.hpp"

#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kNow{1h};

void write_id(std::string& out, const Batch& batch, std::size_t row) {
  out += std::string(batch.cell(row, 0).text()) + "\n";
}

WindowLimits limits(std::uint64_t rows) {
  WindowLimits limits;
  limits.rows = rows;
  return limits;
}

// "p5: 1 2 3 | 4" of each span.
std::vector<std::string> told(const std::vector<Span>& spans) {
  std::vector<std::string> all;
  for (const Span& span : spans) {
    std::string text = span.reached.text() + ":";
    for (const Window& window : span.windows) {
      if (&window != &span.windows.front()) text += " |";
      for (const char c : window.data) text += c == '\n' ? std::string() : std::string(" ") + c;
    }
    all.push_back(text);
  }
  return all;
}
using Told = std::vector<std::string>;

Batch at(Batch batch, bool caught_up = false) {
  batch.set_caught_up(caught_up);
  return batch;
}

Batch keyed(const std::string& keys, bool divisible) {
  static const auto columns = test::schema({"id", "key"});
  Batch batch(columns, Position("", "p" + std::to_string(keys.size())));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    batch.push_copy(std::to_string(i));
    batch.push_copy(std::string(1, keys[i]));
  }
  if (divisible) batch.set_row_positions(std::make_shared<test::CountedRows>(0));
  return batch;
}

TEST(Windows, AWindowIsFullAtItsRowsAndNamesWhatItReached) {
  Windows windows(limits(3), {}, write_id);
  EXPECT_EQ(told(windows.add(test::numbered(0, 8), kNow)), (Told{"p3: 0 1 2", "p6: 3 4 5"}));
  EXPECT_EQ(told(windows.add(at(test::numbered(8, 1)), kNow)), (Told{"p9: 6 7 8"}));
  EXPECT_FALSE(windows.close());
}

TEST(Windows, WhatWasAskedAboutBeforeIsCutAlike) {
  // By where it began; the second position has another text this time.
  const std::map<std::string, Cut> known = {{"", {2, Position("", "p2, as it was")}},
                                            {"p2, as it was", {4, Position("", "p6")}}};
  Windows windows(limits(10), {}, write_id);
  windows.begins_at(Positions(), [&](const Position& before) -> std::optional<Cut> {
    const auto found = known.find(before.text());
    return found == known.end() ? std::nullopt : std::optional(found->second);
  });
  EXPECT_EQ(told(windows.add(test::numbered(0, 8), kNow)), (Told{"p2: 0 1", "p6: 2 3 4 5"}));
  EXPECT_EQ(told(windows.add(at(test::numbered(8, 1), true), kNow)), (Told{"p9: 6 7 8"}));
}

TEST(Windows, WithinABatchThatCannotBeDividedTheWindowsAreCutAlike) {
  Windows windows(limits(10), {"key"}, write_id);
  windows.begins_at(Positions(), [](const Position&) { return Cut{3, Position("", "p3")}; });
  EXPECT_EQ(told(windows.add(at(keyed("aabba", false), true), kNow)), (Told{"p5: 0 1 | 2 | 3 | 4"}));
}

TEST(Windows, TheFirstPositionIsWhereTheRowsGoOn) {
  Windows windows(limits(3), {}, write_id);
  Positions from;
  from.advance(Position("", "p4"));
  windows.begins_at(from, nullptr);
  EXPECT_EQ(windows.add(test::numbered(4, 3), kNow).at(0).before.text(), "p4");
}

TEST(Windows, BatchesAreGathered) {
  Windows windows(limits(100), {}, write_id);
  EXPECT_TRUE(windows.add(test::numbered(0, 3), kNow).empty());
  EXPECT_TRUE(windows.add(test::numbered(3, 3), kNow).empty());
  const auto rest = windows.close();
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->reached.text(), "p6");
  EXPECT_EQ(rest->windows.at(0).rows, 6U);
}

TEST(Windows, NothingMoreForTheMomentEndsAWindow) {
  Windows windows(limits(100), {}, write_id);
  const auto spans = windows.add(at(test::numbered(0, 2), true), kNow);
  EXPECT_EQ(told(spans), (Told{"p2: 0 1"}));
  EXPECT_TRUE(spans.at(0).caught_up);
  EXPECT_FALSE(windows.due());
}

TEST(Windows, WithATimeRowsWaitForOthers) {
  WindowLimits patient = limits(100);
  patient.time = 10min;
  Windows windows(patient, {}, write_id);
  EXPECT_TRUE(windows.add(at(test::numbered(0, 2), true), kNow).empty());
  EXPECT_EQ(windows.due(), kNow + 10min);
  EXPECT_TRUE(windows.add(at(test::numbered(2, 2), true), kNow + 5min).empty());
  EXPECT_EQ(windows.due(), kNow + 10min) << "the first row's patience counts";
  EXPECT_EQ(told({*windows.close()}), (Told{"p4: 0 1 2 3"}));
}

TEST(Windows, APositionWithoutRowsPasses) {
  Windows windows(limits(100), {}, write_id);
  EXPECT_EQ(told(windows.add(test::numbered(7, 0), kNow)), (Told{"p7:"}));
  EXPECT_TRUE(windows.add(test::numbered(7, 1), kNow).empty());
  EXPECT_TRUE(windows.add(test::numbered(8, 0), kNow).empty()) << "rows wait: nothing may be named yet";
}

TEST(Windows, BytesAndTokensAreLimits) {
  WindowLimits small = limits(100);
  small.bytes = 5;  // "0\n1\n" fits
  Windows by_bytes(small, {}, write_id);
  EXPECT_EQ(told(by_bytes.add(at(test::numbered(0, 5), true), kNow)), (Told{"p2: 0 1", "p4: 2 3", "p5: 4"}));
  WindowLimits few = limits(100);
  few.tokens = 1;
  Windows by_tokens(few, {}, write_id);
  EXPECT_EQ(told(by_tokens.add(at(test::numbered(0, 2), true), kNow)), (Told{"p1: 0", "p2: 1"}));
}

TEST(Windows, ARowThatDoesNotFitEndsTheWindowOfEarlierBatches) {
  WindowLimits small = limits(100);
  small.bytes = 5;
  Windows windows(small, {}, write_id);
  EXPECT_TRUE(windows.add(test::numbered(0, 2), kNow).empty());
  EXPECT_EQ(told(windows.add(at(test::numbered(2, 1), true), kNow)), (Told{"p2: 0 1", "p3: 2"}));
}

TEST(Windows, ARowLargerThanAnyWindowGoesAlone) {
  WindowLimits tiny = limits(100);
  tiny.bytes = 1;
  Windows windows(tiny, {}, write_id);
  EXPECT_EQ(told(windows.add(test::numbered(0, 2), kNow)), (Told{"p1: 0", "p2: 1"}));
}

TEST(Windows, WithoutPositionsBetweenItsRowsABatchIsOneSpan) {
  Windows windows(limits(2), {}, write_id);
  EXPECT_EQ(told(windows.add(keyed("aaaaa", false), kNow)), (Told{"p5: 0 1 | 2 3 | 4"}));
}

TEST(Windows, RowsWithOtherKeysGoIntoOtherWindows) {
  Windows windows(limits(100), {"key"}, write_id);
  EXPECT_EQ(told(windows.add(at(keyed("abab", true), true), kNow)), (Told{"p4: 0 2 | 1 3"}));
}

TEST(Windows, AFullWindowTakesItsNeighboursAlong) {
  Windows windows(limits(2), {"key"}, write_id);
  EXPECT_EQ(told(windows.add(at(keyed("abacc", true), true), kNow)), (Told{"p3: 0 2 | 1", "p5: 3 4"}));
}

TEST(Windows, KeysAreNotMixedUp) {
  const auto columns = test::schema({"id", "a", "b"});
  Batch batch(columns, Position("", "p"));
  for (const auto& [a, b] :
       std::vector<std::pair<const char*, const char*>>{{"x", "yz"}, {"xy", "z"}, {"", "n"}}) {
    batch.push_copy("0");
    batch.push_copy(a);
    batch.push_copy(b);
  }
  batch.push_copy("0");
  batch.push_null();
  batch.push_copy("n");
  batch.set_caught_up(true);
  Windows windows(limits(100), {"a", "b"}, write_id);
  EXPECT_EQ(windows.add(batch, kNow).at(0).windows.size(), 4U);
}

TEST(Windows, APartitionIsNotMixedWithAnother) {
  Windows windows(limits(100), {}, write_id);
  Batch first = test::numbered(0, 2);
  first.set_position(Position("a", "a2"));
  Batch second = test::numbered(0, 3);
  second.set_position(Position("b", "b3"));
  EXPECT_TRUE(windows.add(first, kNow).empty());
  EXPECT_EQ(told(windows.add(second, kNow)), (Told{"a2: 0 1"}));
  EXPECT_EQ(windows.close()->reached, Position("b", "b3"));
}

}  // namespace
}  // namespace syncd::jobs
