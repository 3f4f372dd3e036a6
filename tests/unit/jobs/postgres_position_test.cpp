#include "jobs/sources/postgres_position.hpp"

#include <gtest/gtest.h>

#include <random>

#include "daemon/base/error.hpp"

namespace syncd::jobs {
namespace {

PostgresPosition again(const PostgresPosition& position) {
  return decode_postgres_position(encode(position));
}

TEST(PostgresPosition, TheBeginningIsNoText) {
  const PostgresPosition position = decode_postgres_position("");
  EXPECT_FALSE(position.cursor);
  EXPECT_TRUE(position.fence.ranges().empty());
}

TEST(PostgresPosition, SurvivesAsTextWholly) {
  PostgresPosition position;
  position.identity = "1/2/3/4";
  position.key = {"at", "id"};
  position.xmax = 0xfedcba9876543210;
  position.cursor = Start({"2026-03-01 10:00:00.000001+00", ""});
  position.safe = "2026";
  position.way = PostgresPosition::Way::Hold;
  OpenRange range;
  range.low = Start({"2025"}, true);
  range.high = "2026";
  range.waiting = {{"3/17:99", 12}, {"4/1:100", 0xffffffffffffffff}};
  range.prepared = {{"77", 77}};
  range.since_us = 1'700'000'000'000'000;
  range.unseen = 7;
  range.due = 5;
  range.at = CursorValues{"2025", "9"};
  position.fence = Fence({range, OpenRange()}, "booted then");
  position.delivered = {CursorValues{"2026", "8"}, 3};
  position.clock = {1'700'000'000'000'000, 12, "host"};
  const PostgresPosition copy = again(position);
  EXPECT_EQ(copy.identity, position.identity);
  EXPECT_EQ(copy.key, position.key);
  EXPECT_EQ(copy.xmax, position.xmax);
  EXPECT_EQ(copy.cursor, position.cursor);
  EXPECT_EQ(copy.safe, position.safe);
  EXPECT_EQ(copy.way, position.way);
  EXPECT_EQ(copy.fence.boot(), "booted then");
  ASSERT_TRUE(copy.delivered);
  EXPECT_EQ(copy.delivered->up_to, position.delivered->up_to);
  EXPECT_EQ(copy.delivered->xid, 3U);
  EXPECT_EQ(copy.clock, position.clock);
  EXPECT_EQ(copy.fence.ranges(), position.fence.ranges());
  EXPECT_EQ(encode(copy), encode(position));
}

TEST(PostgresPosition, CursorsOfAnyBytesSurvive) {
  std::minstd_rand random(1);
  for (int i = 0; i < 2000; ++i) {
    PostgresPosition position;
    position.key = {"a", "b"};
    CursorValues values(2);
    for (std::string& value : values) {
      const bool ascii = random() % 2 == 0;
      for (auto n = random() % 12; n > 0; --n) value += static_cast<char>(random() % (ascii ? 128 : 256));
    }
    position.cursor = Start(values);
    ASSERT_EQ(again(position).cursor, position.cursor);
  }
}

TEST(PostgresPosition, WhatIsNoneIsRefusedWithTheWayOut) {
  for (const char* text :
       {"{", "[]", "null", "7", "{}", R"({"v":2,"id":"","k":[],"x":0})",
        R"({"v":1,"id":"","k":["a"],"x":-1})", R"({"v":1,"id":"","k":["a"],"x":0,"c":["1","2"]})",
        R"({"v":1,"id":"","k":["a"],"x":0,"c":[]})", R"({"v":1,"id":"","k":["a","b"],"x":0,"c":["1"]})",
        R"({"v":1,"id":"","k":["a"],"x":0,"c":[1]})", R"({"v":1,"id":"","k":["a"],"x":0,"c":[{"x":"zz"}]})",
        R"({"v":1,"id":"","k":["a"],"x":0,"c":[{"x":"abc"}]})",
        R"({"v":1,"id":"","k":["a"],"x":0,"c":{"at":[]}})",
        R"({"v":1,"id":"","k":["a"],"x":0,"o":[],"w":"q","b":""})",
        R"({"v":1,"id":"","k":["a"],"x":0,"o":[{}],"w":"r","b":""})",
        R"({"v":1,"id":"","k":["a"],"x":0,"o":[{"h":"1","t":1,"v":["1/1"]}],"w":"r","b":""})"}) {
    try {
      decode_postgres_position(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Permanent);
      EXPECT_NE(std::string(error.what()).find("rewind the job"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace syncd::jobs
