// Rows that Redis refuses, and keys that hold something else: the others are written once, the position fits.
#include "tests/integration/jobs/redis_commit.hpp"

namespace syncd::jobs {
namespace {

using test::ids;
using test::kHash;
using test::kStream;
using test::numbered;
using test::row_of;
using test::users;
using test::Way;
using test::ways;

using RedisBadRows = test::RedisCommitTest;

TEST_F(RedisBadRows, AWrongTypeIsOneBadRecordAndTheOthersAreWritten) {
  redis_.call("SET user:1 text");
  auto sink = opened(redis_hash(), kHash);
  commit(*sink, users(0, {"a", "b", "c"}));
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_EQ(bad_[0].record, R"({"id":1,"name":"b"})");
  EXPECT_NE(bad_[0].error.find("WRONGTYPE"), std::string::npos);
  EXPECT_EQ(hash("user:2"), "id 2 name c");
  settle(*sink);
  EXPECT_EQ(checkpoint(), "p3");
}

TEST_F(RedisBadRows, AKeyOfSomebodyElseDoesNotExpire) {
  for (const auto& [kind, keys] :
       {std::pair(&redis_hash(), kHash), std::pair(&redis_stream(), "key = \"user:{id}\""),
        std::pair(&redis_set(), "key = \"user:{id}\"\nmember = \"{name}\""),
        std::pair(&redis_sorted_set(), "key = \"user:{id}\"\nmember = \"{name}\"\nscore = \"id\"")}) {
    redis_.call("FLUSHALL");
    redis_.call("SET user:1 text");
    bad_.clear();
    auto sink = opened(*kind, std::string(keys) + "\nttl = \"1h\"");
    commit(*sink, users(0, {"a", "b"}));
    settle(*sink);
    EXPECT_EQ(bad_.size(), 1U) << kind->type;
    EXPECT_EQ(redis_.call("TTL user:1").integer, -1) << kind->type;
    EXPECT_GT(redis_.call("TTL user:0").integer, 3500) << kind->type;
  }
}

TEST_F(RedisBadRows, AWrongTypeInAScriptWritesNothingOfThatRowAndAllOthersOnce) {
  redis_.call("SET events:b text");
  auto sink = opened(redis_stream(), R"(key = "events:{name}")");
  commit(*sink, users(0, {"a", "b", "a"}));
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_EQ(bad_[0].error, "Redis: the key 'events:b' holds a string, not a stream");
  EXPECT_EQ(redis_.call("XLEN events:a").integer, 2);
  EXPECT_EQ(checkpoint(), "p3");
}

TEST_F(RedisBadRows, AHaltOnABadRecordLeavesThePositionBeforeIt) {
  halt_ = true;
  redis_.call("SET user:1 text");
  redis_.call("SET events text");
  auto hashes = opened(redis_hash(), kHash);
  EXPECT_EQ(commit_error(*hashes, users(0, {"a", "b", "c"})).kind(), ErrorKind::Data);
  EXPECT_EQ(checkpoint(), "");
  auto streams = opened(redis_stream(), kStream);
  EXPECT_EQ(commit_error(*streams, users(0, {"a", "b", "c"})).kind(), ErrorKind::Data);
  EXPECT_EQ(checkpoint(), "");
}

// The bad row is seen while Redis works on the slice before it, whose reply is then never read.
TEST_F(RedisBadRows, AHaltInTheMiddleKeepsWhatWasSentBeforeItAndClosesTheConnection) {
  for (const Way& way : ways()) {
    if (way.kind == &redis_list()) continue;
    redis_.call("FLUSHALL");
    const std::string options = "key = \"events:{name}\"\nmax_operations = 2";
    auto sink = opened(*way.kind, options);
    halt_ = true;
    EXPECT_EQ(commit_error(*sink, users(0, {"a", "b", std::nullopt, "c"})).kind(), ErrorKind::Data);
    halt_ = false;
    sink.reset();
    EXPECT_EVENTUALLY(redis_.call("CLIENT LIST").text.find("name=syncd") == std::string::npos);
    sink = opened(*way.kind, options);
    const std::size_t from = row_of(positions_.at(""));
    EXPECT_EQ(from, way.once() ? 2U : 0U);
    for (std::size_t row = from; row < 2; ++row) commit(*sink, users(row, {row == 0 ? "a" : "b"}));
    commit(*sink, users(2, {std::nullopt, "c"}));
    settle(*sink);
    EXPECT_EQ(checkpoint(), "p4");
    for (const char* name : {"a", "b", "c"}) {
      EXPECT_EQ(redis_.command({"EXISTS", std::string("events:") + name}).integer, 1);
      if (way.once()) {
        EXPECT_EQ(redis_.command({"XLEN", std::string("events:") + name}).integer, 1);
      }
    }
  }
}

// The slice behind it has been sent when that is seen.
TEST_F(RedisBadRows, TheOnlyKeyHoldsSomethingElseUntilItIsRemoved) {
  auto sink = opened(redis_stream(), std::string(kStream) + "\nmax_operations = 2\nttl = \"1h\"");
  redis_.call("SET events text");
  commit(*sink, numbered(0, 6));
  EXPECT_EQ(bad_.size(), 6U);
  EXPECT_EQ(bad_.at(0).error, "Redis: the key 'events' holds a string, not a stream");
  EXPECT_EQ(redis_.call("TTL events").integer, -1);
  EXPECT_EQ(checkpoint(), "p6");
  redis_.call("DEL events");
  commit(*sink, numbered(6, 2));
  EXPECT_EQ(streamed(), (std::vector<std::string>{"6", "7"}));
  EXPECT_EQ(checkpoint(), "p8");
  EXPECT_GT(redis_.call("TTL events").integer, 3500);
}

// EXEC goes on past a row that Redis refuses: the position must not.
TEST_F(RedisBadRows, AStreamWithoutAnIdLeftStopsTheRunAndLosesNothing) {
  for (const Way& way : ways()) {
    if (way.kind != &redis_stream()) continue;
    redis_.call("FLUSHALL");
    auto sink = opened(*way.kind, way.options + "\nmax_operations = 4");
    commit(*sink, numbered(0, 2));
    const std::string last = "18446744073709551615-18446744073709551613";  // two are left
    redis_.command({"XADD", "events", last, "id", "full"});
    redis_.command({"XADD", "events:2", "18446744073709551615-18446744073709551615", "id", "full"});
    const Error error = commit_error(*sink, numbered(2, 8));
    EXPECT_EQ(error.kind(), ErrorKind::Permanent);
    EXPECT_NE(std::string(error.what()).find("last possible ID"), std::string::npos) << error.what();
    EXPECT_EQ(checkpoint(), "p2");
    opened(*way.kind, way.options);
    EXPECT_EQ(positions_.at("").text(), "p2");
  }
}

// What is formatted ahead is formatted again once rows before it are known as bad.
TEST_F(RedisBadRows, BadKeysInSeveralSlicesOfAScriptAreEachTakenOnce) {
  const auto key = [](int row) { return "events:name " + std::to_string(row); };
  for (const int row : {1, 2, 5, 6}) redis_.command({"SET", key(row), "text"});
  auto sink = opened(redis_stream(), "key = \"events:{name}\"\nmax_operations = 2");
  commit(*sink, numbered(0, 9));
  EXPECT_EQ(bad_.size(), 4U);
  for (const int row : {0, 3, 4, 7, 8}) {
    EXPECT_EQ(redis_.command({"XLEN", key(row)}).integer, 1) << row;
  }
  EXPECT_EQ(checkpoint(), "p9");
}

}  // namespace
}  // namespace syncd::jobs
