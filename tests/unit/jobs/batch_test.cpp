#include "jobs/batch.hpp"

#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs {
namespace {

using test::numbered;
using test::schema;

TEST(Batch, KeepsTextsAndNulls) {
  Batch batch(schema(), Position("", "p1"));
  batch.push_copy("1");
  batch.push_null();
  batch.push_copy("");
  batch.push_copy(std::string("a\0b", 3));
  ASSERT_EQ(batch.rows(), 2U);
  EXPECT_TRUE(batch.cell(0, 1).null());
  EXPECT_FALSE(batch.cell(1, 0).null()) << "an empty text is not NULL";
  EXPECT_EQ(batch.cell(1, 1).text(), std::string_view("a\0b", 3));
}

TEST(Batch, ViewsStayValidWhileTheArenaGrows) {
  Batch batch(schema({"text"}), Position());
  const std::string large(100'000, 'x');
  for (int i = 0; i < 1000; ++i) batch.push_copy("row " + std::to_string(i));
  batch.push_copy(large);
  for (int i = 0; i < 1000; ++i) batch.push_copy("tail " + std::to_string(i));
  EXPECT_EQ(batch.cell(0, 0).text(), "row 0");
  EXPECT_EQ(batch.cell(999, 0).text(), "row 999");
  EXPECT_EQ(batch.cell(1000, 0).text(), large);
  EXPECT_EQ(batch.cell(2000, 0).text(), "tail 999");
}

TEST(Batch, SelectsColumnsInTheGivenOrder) {
  Batch batch = numbered(0, 2);
  batch.select(schema({"name", "id"}), {1, 0});
  EXPECT_EQ(batch.cell(1, 0).text(), "name 1");
  EXPECT_EQ(batch.cell(1, 1).text(), "1");
}

TEST(Batch, RetainsRowsAndKeepsItsPosition) {
  Batch batch = numbered(0, 4);
  batch.retain({false, true, false, true});
  ASSERT_EQ(batch.rows(), 2U);
  EXPECT_EQ(batch.cell(0, 0).text(), "1");
  EXPECT_EQ(batch.cell(1, 0).text(), "3");
  EXPECT_EQ(batch.position().text(), "p4");
}

TEST(Batch, ASliceNamesExactlyWhatItReaches) {
  const Batch batch = numbered(10, 5);
  const Position before("", "p10");
  EXPECT_EQ(batch.slice(0, 2, before).position().text(), "p12");
  EXPECT_EQ(batch.slice(2, 5, before).position().text(), "p15");
  EXPECT_EQ(batch.slice(0, 0, before).position().text(), "p10") << "nothing written: no progress";
}

TEST(Batch, ASliceAfterRetainNamesTheSourcesRows) {
  Batch batch = numbered(0, 6);
  batch.retain({false, true, false, true, true, false});
  const Batch first = batch.slice(0, 1, Position());
  EXPECT_EQ(first.position().text(), "p2");
  const Batch middle = batch.slice(1, 3, Position());
  EXPECT_EQ(middle.position().text(), "p6") << "the last slice reaches what the batch reaches";
  const Batch again = batch.slice(1, 2, Position());
  EXPECT_EQ(again.slice(0, 1, Position()).position().text(), "p4") << "a slice of a slice";
}

TEST(Batch, AnIndivisibleSliceClaimsNoProgress) {
  Batch batch(schema({"id"}), Position("", "end"));
  for (int i = 0; i < 3; ++i) batch.push_copy(std::to_string(i));
  EXPECT_EQ(batch.slice(0, 2, Position("", "before")).position().text(), "before");
  EXPECT_EQ(batch.slice(2, 3, Position("", "before")).position().text(), "end");
}

TEST(Batch, AppendTakesRowsAndPosition) {
  Batch batch = numbered(0, 2);
  batch.append(numbered(2, 3));
  ASSERT_EQ(batch.rows(), 5U);
  EXPECT_EQ(batch.cell(4, 1).text(), "name 4");
  EXPECT_EQ(batch.position().text(), "p5");
}

TEST(Batch, AppendKeepsThePositionsBetweenRows) {
  Batch dropped = numbered(2, 4);
  dropped.retain({true, false, true, false});  // rows 2 and 4
  Batch batch = numbered(0, 2);
  batch.append(std::move(dropped));
  batch.append(numbered(6, 3).slice(1, 3, Position()));  // rows 7 and 8
  ASSERT_TRUE(batch.divisible());
  const Position before("", "before");
  EXPECT_EQ(batch.position_at(1, before).text(), "p1");
  EXPECT_EQ(batch.position_at(2, before).text(), "p2");
  EXPECT_EQ(batch.position_at(3, before).text(), "p3");
  EXPECT_EQ(batch.position_at(4, before).text(), "p5");
  EXPECT_EQ(batch.position_at(5, before).text(), "p8");
  batch.retain({false, false, false, true, true, false});
  EXPECT_EQ(batch.position_at(1, before).text(), "p5");
}

TEST(Batch, AnIndivisiblePartMakesTheWholeIndivisible) {
  Batch batch = numbered(0, 2);
  Batch whole(schema(), Position("", "p4"));
  for (const char* cell : {"2", "x", "3", "y"}) whole.push_copy(cell);
  batch.append(std::move(whole));
  EXPECT_FALSE(batch.divisible());
}

TEST(Positions, APartitionNeverSeenIsAtItsBeginning) {
  Positions positions;
  EXPECT_EQ(positions.at("a"), Position("a", ""));
  positions.advance(Position("a", "7"));
  EXPECT_EQ(positions.at("a").text(), "7");
  EXPECT_EQ(positions.at("b").text(), "");
}

}  // namespace
}  // namespace syncd::jobs
