// The beginning of the next batch, sent while Redis works on the end of the one before: it counts with its
// own batch, or not at all.
#include "tests/integration/jobs/redis_commit.hpp"

namespace syncd::jobs {
namespace {

using syncd::test::TcpGate;
using test::ids;
using test::numbered;
using test::RedisCommitTest;
using test::row_of;
using test::users;
using test::Way;

constexpr const char* kHashOfFew = "key = \"user:{id}\"\nmax_operations = 4";
constexpr const char* kStreamOfFew = "key = \"events\"\nmax_operations = 4";

class RedisAhead : public RedisCommitTest {
 protected:
  std::unique_ptr<Sink> looking_ahead(const std::string& options = kHashOfFew,
                                      const SinkKind& kind = redis_hash()) {
    auto sink = opened(kind, options);
    sink->look_ahead([this] { return next_; });
    return sink;
  }
  // Commits `batch` while `next` can be seen behind it.
  void commit_before(Sink& sink, const Batch& batch, const Batch& next) {
    next_ = &next;
    commit(sink, batch);
    next_ = nullptr;
  }
  // How many commands wait for an EXEC in our connection; -1: it is in no MULTI.
  int begun() {
    const std::string clients = redis_.call("CLIENT LIST").text;
    const std::size_t ours = clients.find("name=syncd");
    if (ours == std::string::npos) return -2;
    return std::stoi(clients.substr(clients.find("multi=", ours) + 6));
  }
  long long rows() { return redis_.call("DBSIZE").integer - 2; }

  const Batch* next_ = nullptr;
};

TEST_F(RedisAhead, TheNextBatchIsBegunAndCountsWithItsOwnCommit) {
  auto sink = looking_ahead();
  const Batch second = numbered(6, 6);
  commit_before(*sink, numbered(0, 6), second);
  EXPECT_EVENTUALLY(begun() == 4);
  EXPECT_EQ(rows(), 6);
  commit(*sink, second);
  EXPECT_EQ(rows(), 12);
  EXPECT_EQ(begun(), -1);
  EXPECT_EQ(checkpoint(), "p10");
  settle(*sink);
  EXPECT_EQ(checkpoint(), "p12");
}

TEST_F(RedisAhead, ABatchThatNeverComesIsNotSpokenOf) {
  const Batch never = numbered(6, 6);
  {
    auto sink = looking_ahead();
    commit_before(*sink, numbered(0, 6), never);
    settle(*sink);
    EXPECT_EQ(checkpoint(), "p6");
    EXPECT_EQ(begun(), -1);
  }
  auto next = opened(redis_hash(), kHashOfFew);  // with the same connection
  EXPECT_EQ(positions_.at("").text(), "p6");
  commit(*next, never);
  EXPECT_EQ(rows(), 12);
}

TEST_F(RedisAhead, ARunThatEndsInBetweenLeavesNoHalfTransactionBehind) {
  const Batch never = numbered(6, 6);
  {
    auto sink = looking_ahead();
    commit_before(*sink, numbered(0, 6), never);
  }
  EXPECT_EVENTUALLY(begun() == -2);
  EXPECT_EQ(rows(), 6);
  auto next = opened(redis_hash(), kHashOfFew);
  commit(*next, numbered(0, 6));
  settle(*next);
  EXPECT_EQ(checkpoint(), "p6");
}

TEST_F(RedisAhead, AnotherBatchMayComeThanTheOneThatWasSeen) {
  auto sink = looking_ahead();
  const Batch never = numbered(50, 6);
  commit_before(*sink, numbered(0, 6), never);
  commit(*sink, numbered(6, 6));
  settle(*sink);
  EXPECT_EQ(checkpoint(), "p12");
  for (int row = 0; row < 12; ++row)
    EXPECT_EQ(redis_.command({"EXISTS", "user:" + std::to_string(row)}).integer, 1);
}

TEST_F(RedisAhead, BatchesOfOtherColumnsAndThoseBehindTheEndAreLeftAlone) {
  auto sink = looking_ahead();
  const Batch other = users(6, {"a"});  // equal columns, but nobody has looked yet
  commit_before(*sink, numbered(0, 6), other);
  EXPECT_EQ(begun(), -1);
  Batch last = numbered(6, 2);
  last.set_caught_up(true);
  const Batch second = numbered(8, 2);
  commit_before(*sink, last, second);
  EXPECT_EQ(begun(), -1);
  const Batch empty(second.shared_schema(), Position("", "p9"));
  commit_before(*sink, numbered(8, 1), empty);
  EXPECT_EQ(begun(), -1);
}

TEST_F(RedisAhead, ABadRowIsTakenOnceAndNotBeforeItsBatch) {
  auto sink = looking_ahead("key = \"user:{name}\"\nmax_operations = 4");
  const Batch second = users(2, {"c", std::nullopt, "e"});
  const Batch third = users(5, {std::nullopt, "g"});
  commit_before(*sink, users(0, {"a", "b"}), second);
  EXPECT_TRUE(bad_.empty());
  EXPECT_EVENTUALLY(begun() == 1);
  commit_before(*sink, second, third);
  EXPECT_EQ(bad_.size(), 1U);
  EXPECT_EQ(begun(), -1);
  commit(*sink, third);
  ASSERT_EQ(bad_.size(), 2U);
  EXPECT_EQ(bad_[1].record, R"({"id":5,"name":null})");
  settle(*sink);
  EXPECT_EQ(checkpoint(), "p7");
  EXPECT_EQ(rows(), 5);
}

TEST_F(RedisAhead, AStaleRunWritesNothingOfWhatItHasBegun) {
  auto stale = looking_ahead();
  const Batch second = numbered(6, 6);
  commit_before(*stale, numbered(0, 6), second);
  auto fresh = opened(redis_hash(), kHashOfFew);
  EXPECT_EQ(commit_error(*stale, second).kind(), ErrorKind::Fenced);
  EXPECT_EQ(rows(), 6);
}

// --- rows that must not repeat ----------------------------------------------------------------------

TEST_F(RedisAhead, TheNextBatchOfAStreamIsBegunWithItsPosition) {
  auto sink = looking_ahead(kStreamOfFew, redis_stream());
  const Batch second = numbered(6, 6);
  commit_before(*sink, numbered(0, 6), second);
  EXPECT_EVENTUALLY(begun() == 1 + 4);
  EXPECT_EQ(checkpoint(), "p6");
  settle(*sink, Settle::Beat);
  EXPECT_EQ(begun(), 1 + 4);
  commit(*sink, second);
  EXPECT_EQ(begun(), -1);
  EXPECT_EQ(checkpoint(), "p12");
  EXPECT_EQ(streamed(), ids(0, 12));
}

TEST_F(RedisAhead, ABatchOfAStreamThatNeverComesIsNotWritten) {
  const Batch never = numbered(6, 6);
  {
    auto sink = looking_ahead(kStreamOfFew, redis_stream());
    commit_before(*sink, numbered(0, 6), never);
    settle(*sink, Settle::End);
    EXPECT_EQ(begun(), -1);
    EXPECT_EQ(checkpoint(), "p6");
  }
  auto next = opened(redis_stream(), kStreamOfFew);  // with the same connection
  commit(*next, numbered(6, 2));
  EXPECT_EQ(streamed(), ids(0, 8));
  EXPECT_EQ(checkpoint(), "p8");
}

TEST_F(RedisAhead, AnotherBatchOrAPositionAloneMayComeThanWhatWasSeenOfAStream) {
  auto sink = looking_ahead(kStreamOfFew, redis_stream());
  const Batch never = numbered(50, 6);
  commit_before(*sink, numbered(0, 6), never);
  commit(*sink, numbered(6, 6));
  commit_before(*sink, numbered(12, 2), never);
  const Batch elsewhere(never.shared_schema(), Position("other", "p1"));
  commit(*sink, elsewhere);
  settle(*sink);
  commit(*sink, numbered(14, 2));
  EXPECT_EQ(streamed(), ids(0, 16));
  EXPECT_EQ(checkpoint(), "p16");
  EXPECT_EQ(redis_.command({"HGET", "syncd:{users}:cp", "position:other"}).text, "p1");
}

// A position without rows, one that overtakes it, and another file's rows that are begun meanwhile.
TEST_F(RedisAhead, PositionsOfSeveralPartitionsOnlyGoForward) {
  const auto rows = std::make_shared<const Schema>(std::vector<std::string>{"id"});
  const auto part = [&rows](const char* partition, const char* position, std::vector<const char*> ids) {
    Batch batch(rows, Position(partition, position));
    for (const char* id : ids) batch.push_copy(id);
    return batch;
  };
  const auto at = [this](const char* partition) {
    return redis_.command({"HGET", "syncd:{users}:cp", std::string("position:") + partition}).text;
  };
  for (const char* key : {"key = \"events\"", "key = \"events:{id}\""}) {
    redis_.call("FLUSHALL");
    auto sink = looking_ahead(key, redis_stream());
    commit(*sink, part("a", "a0", {}));
    commit(*sink, part("b", "b0", {}));
    const Batch b1 = part("b", "b1", {"2", "3"});
    commit_before(*sink, part("a", "a1", {"0", "1"}), b1);
    EXPECT_EQ(at("a") + at("b"), "a1b0");
    commit(*sink, b1);
    EXPECT_EQ(at("a") + at("b"), "a1b1");
    settle(*sink, Settle::End);
    EXPECT_EQ(at("a") + at("b"), "a1b1");
    EXPECT_EQ(streamed(), ids(0, 4));
  }
}

TEST_F(RedisAhead, AStaleRunWritesNothingOfTheStreamThatItHasBegun) {
  auto stale = looking_ahead(kStreamOfFew, redis_stream());
  const Batch second = numbered(6, 6);
  commit_before(*stale, numbered(0, 6), second);
  auto fresh = opened(redis_stream(), kStreamOfFew);
  EXPECT_EQ(commit_error(*stale, second).kind(), ErrorKind::Fenced);
  EXPECT_EQ(streamed(), ids(0, 6));
  EXPECT_EQ(checkpoint(), "p6");
}

TEST_F(RedisAhead, ABadKeyIsFoundWhileTheNextBatchHasBeenBegun) {
  auto sink = looking_ahead(kStreamOfFew, redis_stream());
  redis_.call("SET events text");
  const Batch second = numbered(3, 3);
  commit_before(*sink, numbered(0, 3), second);
  EXPECT_EQ(bad_.size(), 3U);
  EXPECT_EQ(checkpoint(), "p3");
  redis_.call("DEL events");
  commit(*sink, second);
  EXPECT_EQ(streamed(), ids(3, 6));
  EXPECT_EQ(checkpoint(), "p6");
}

// As in redis_commit_test.cpp, with two batches, the second of which is begun early.
TEST_F(RedisAhead, ACutAnywhereLosesAndDoublesNothing) {
  constexpr std::size_t kRows = 12;
  for (const Way& way : {Way{&redis_hash(), kHashOfFew}, Way{&redis_stream(), kStreamOfFew}}) {
    for (const auto direction : {TcpGate::ToServer, TcpGate::ToClient}) {
      for (std::uint64_t bytes = 0;; bytes += direction == TcpGate::ToServer ? 29 : 11) {
        redis_.call("FLUSHALL");
        TcpGate gate(redis_.port());
        use("redis://127.0.0.1:" + std::to_string(gate.port()), "10s");
        bool failed = false;
        {
          auto sink = looking_ahead(way.options, *way.kind);
          gate.cut(direction, bytes);
          const Batch second = numbered(6, 6);
          try {
            commit_before(*sink, numbered(0, 6), second);
            commit(*sink, second);
            settle(*sink, Settle::End);
          } catch (const Error& error) {
            failed = true;
            next_ = nullptr;
            EXPECT_EQ(error.kind(), ErrorKind::Transient) << error.what();
          }
        }
        gate.pass();
        auto again = opened(*way.kind, way.options);
        const std::size_t from = row_of(positions_.at(""));
        if (way.once()) {
          EXPECT_EQ(streamed(), ids(0, from)) << bytes;  // the position says exactly what is there
        } else {
          EXPECT_GE(static_cast<std::size_t>(rows()), from);  // never more than what is there
        }
        if (from < kRows) commit(*again, numbered(from, kRows - from));
        settle(*again);
        EXPECT_EQ(checkpoint(), "p12");
        if (way.once()) {
          EXPECT_EQ(streamed(), ids(0, kRows)) << bytes;
        } else {
          EXPECT_EQ(rows(), static_cast<long long>(kRows)) << bytes;
        }
        if (!failed) break;
      }
    }
  }
}

}  // namespace
}  // namespace syncd::jobs
