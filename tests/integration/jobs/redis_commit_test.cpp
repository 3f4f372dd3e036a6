// The two commits: what they promise when Redis, the network or another daemon misbehaves.
#include "tests/integration/jobs/sink_test.hpp"
#include "tests/support/tcp_gate.hpp"

namespace syncd::jobs {
namespace {

using syncd::test::TcpGate;
using test::numbered;
using test::SinkTest;
using test::users;

constexpr const char* kHash = R"(key = "user:{id}")";
constexpr const char* kStream = R"(key = "events")";

class RedisCommit : public SinkTest {
 protected:
  long long entries() { return redis_.call("XLEN events").integer; }
  // The ids in the stream, in order.
  std::vector<std::string> streamed() {
    std::vector<std::string> ids;
    for (const auto& entry : redis_.call("XRANGE events - +").elements)
      ids.push_back(entry.elements[1].texts()[1]);
    return ids;
  }
};

std::vector<std::string> ids(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(std::to_string(i));
  return all;
}

// "p42" is 42; "" is 0.
std::size_t row_of(const Position& position) {
  return position.text().empty() ? 0 : std::stoul(position.text().substr(1));
}

TEST_F(RedisCommit, ThePositionFollowsTheRowsAndSettlesWithThem) {
  auto sink = opened(redis_hash(), kHash);
  EXPECT_TRUE(positions_.empty());
  commit(*sink, numbered(0, 10));
  EXPECT_EQ(checkpoint(), "");  // its replies were not seen when it was sent
  commit(*sink, numbered(10, 10));
  EXPECT_EQ(checkpoint(), "p10");
  settle(*sink);
  EXPECT_EQ(checkpoint(), "p20");
}

TEST_F(RedisCommit, AScriptCommitsRowsAndPositionTogether) {
  auto sink = opened(redis_stream(), kStream);
  commit(*sink, numbered(0, 10));
  EXPECT_EQ(checkpoint(), "p10");
  EXPECT_EQ(streamed(), ids(10));
}

TEST_F(RedisCommit, LargeBatchesAreCutAndNameTheirMiddle) {
  for (const SinkKind* kind : {&redis_hash(), &redis_stream()}) {
    redis_.call("FLUSHALL");
    const std::string key = kind == &redis_hash() ? kHash : kStream;
    auto sink = opened(*kind, key + std::string("\nmax_operations = 7"));
    commit(*sink, numbered(0, 100));
    settle(*sink);
    EXPECT_EQ(checkpoint(), "p100");
    EXPECT_EQ(kind == &redis_hash() ? redis_.call("DBSIZE").integer - 2 : entries(), 100);
  }
}

TEST_F(RedisCommit, ARowLargerThanACommitIsCommittedByItself) {
  auto sink = opened(redis_hash(), std::string(kHash) + "\nmax_bytes = \"1KiB\"");
  const std::string large(5000, 'x');
  commit(*sink, users(0, {"a", large, "b", large, large}));
  settle(*sink);
  EXPECT_EQ(redis_.call("HSTRLEN user:4 name").integer, 5000);
  EXPECT_EQ(redis_.call("DBSIZE").integer, 5 + 2);
}

TEST_F(RedisCommit, AnEmptyBatchMovesThePositionWhenItSettles) {
  for (const SinkKind* kind : {&redis_hash(), &redis_stream()}) {
    redis_.call("FLUSHALL");
    auto sink = opened(*kind, kind == &redis_hash() ? kHash : kStream);
    Batch empty(test::schema(), Position("", "p5"));
    commit(*sink, empty);
    settle(*sink);
    EXPECT_EQ(checkpoint(), "p5");
    // What was overtaken meanwhile never comes back.
    Batch second(test::schema(), Position("", "p6"));
    commit(*sink, second);
    commit(*sink, numbered(6, 2));
    settle(*sink);
    EXPECT_EQ(checkpoint(), "p8");
  }
}

TEST_F(RedisCommit, AnIdleSinkSendsNothing) {
  auto sink = opened(redis_hash(), kHash);
  commit(*sink, numbered(0, 1));
  settle(*sink);
  const auto calls = [this] { return redis_.call("INFO commandstats").text; };
  const std::string before = calls();
  Batch idle(test::schema(), positions_.at(""));
  commit(*sink, idle);
  settle(*sink);
  const auto execs = [](const std::string& stats) { return stats.substr(stats.find("cmdstat_exec"), 30); };
  EXPECT_EQ(execs(before), execs(calls()));
}

TEST_F(RedisCommit, AWrongTypeIsOneBadRecordAndTheOthersAreWritten) {
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

TEST_F(RedisCommit, AKeyOfSomebodyElseDoesNotExpire) {
  for (const auto& [kind, keys] :
       {std::pair(&redis_hash(), kHash), std::pair(&redis_set(), "key = \"user:{id}\"\nmember = \"{name}\""),
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

TEST_F(RedisCommit, AWrongTypeInAScriptWritesNothingOfThatRowAndAllOthersOnce) {
  redis_.call("SET events:b text");
  auto sink = opened(redis_stream(), R"(key = "events:{name}")");
  commit(*sink, users(0, {"a", "b", "a"}));
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_EQ(bad_[0].error, "Redis: the key 'events:b' holds a string, not a stream");
  EXPECT_EQ(redis_.call("XLEN events:a").integer, 2);
  EXPECT_EQ(checkpoint(), "p3");
}

TEST_F(RedisCommit, AHaltOnABadRecordLeavesThePositionBeforeIt) {
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
TEST_F(RedisCommit, AHaltInTheMiddleKeepsWhatWasSentBeforeItAndClosesTheConnection) {
  for (const SinkKind* kind : {&redis_hash(), &redis_stream()}) {
    redis_.call("FLUSHALL");
    const std::string options = "key = \"events:{name}\"\nmax_operations = 2";
    auto sink = opened(*kind, options);
    halt_ = true;
    EXPECT_EQ(commit_error(*sink, users(0, {"a", "b", std::nullopt, "c"})).kind(), ErrorKind::Data);
    halt_ = false;
    sink.reset();
    EXPECT_EVENTUALLY(redis_.call("CLIENT LIST").text.find("name=syncd") == std::string::npos);
    sink = opened(*kind, options);
    const std::size_t from = row_of(positions_.at(""));
    EXPECT_EQ(from, kind == &redis_hash() ? 0U : 2U);
    for (std::size_t row = from; row < 2; ++row) commit(*sink, users(row, {row == 0 ? "a" : "b"}));
    commit(*sink, users(2, {std::nullopt, "c"}));
    settle(*sink);
    EXPECT_EQ(checkpoint(), "p4");
    for (const char* name : {"a", "b", "c"}) {
      EXPECT_EQ(redis_.command({"EXISTS", std::string("events:") + name}).integer, 1);
      if (kind == &redis_stream()) {
        EXPECT_EQ(redis_.command({"XLEN", std::string("events:") + name}).integer, 1);
      }
    }
  }
}

// What is formatted ahead is formatted again once rows before it are known as bad.
TEST_F(RedisCommit, BadKeysInSeveralSlicesOfAScriptAreEachTakenOnce) {
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

TEST_F(RedisCommit, AScriptIsForgottenBetweenTwoSlices) {
  auto sink = opened(redis_stream(), kStream);
  Batch empty(test::schema(), Position("", "p5"));
  commit(*sink, empty);
  settle(*sink);  // with a script that knows no columns yet
  redis_.call("SCRIPT FLUSH");
  commit(*sink, numbered(5, 3));
  redis_.call("SCRIPT FLUSH");
  Batch more(test::schema(), Position("", "p9"));
  commit(*sink, more);
  settle(*sink);
  EXPECT_EQ(checkpoint(), "p9");
  EXPECT_EQ(entries(), 3);
}

TEST_F(RedisCommit, AStaleRunWritesNothing) {
  for (const SinkKind* kind : {&redis_hash(), &redis_stream()}) {
    redis_.call("FLUSHALL");
    const std::string options = kind == &redis_hash() ? kHash : kStream;
    auto stale = opened(*kind, options);
    commit(*stale, numbered(0, 3));
    settle(*stale);
    auto fresh = opened(*kind, options);  // the same daemon, restarted
    EXPECT_EQ(positions_.at("").text(), "p3");
    const Error error = commit_error(*stale, numbered(3, 3));
    EXPECT_EQ(error.kind(), ErrorKind::Fenced);
    EXPECT_NE(std::string(error.what()).find("was taken over by another run"), std::string::npos);
    EXPECT_EQ(kind == &redis_hash() ? redis_.call("DBSIZE").integer - 2 : entries(), 3);
    commit(*fresh, numbered(3, 3));
    settle(*fresh);
    EXPECT_EQ(checkpoint(), "p6");
  }
}

TEST_F(RedisCommit, AnotherDaemonWaitsForTheEndOfTheLease) {
  auto first = opened(redis_hash(), kHash, "one");
  auto second = make(redis_hash(), kHash, "two");
  const Error error = syncd::test::error_of(loop_, second->open());
  EXPECT_EQ(error.kind(), ErrorKind::Fenced);
  EXPECT_NE(std::string(error.what()).find("is run by another syncd ("), std::string::npos);
  EXPECT_GT(redis_.command({"PTTL", "syncd:{users}:owner"}).integer, 20'000);
  redis_.command({"DEL", "syncd:{users}:owner"});  // as if it had run out
  syncd::test::run_task(loop_, second->open());
  EXPECT_EQ(commit_error(*first, numbered(0, 1)).kind(), ErrorKind::Fenced);
}

TEST_F(RedisCommit, AFlushInTheMiddleIsAnErrorAndTheNextRunBeginsAnew) {
  for (const SinkKind* kind : {&redis_hash(), &redis_stream()}) {
    const std::string options = kind == &redis_hash() ? kHash : kStream;
    redis_.call("FLUSHALL");
    auto sink = opened(*kind, options);
    commit(*sink, numbered(0, 3));
    redis_.call("FLUSHALL");
    const Error error = commit_error(*sink, numbered(3, 3));
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    EXPECT_NE(std::string(error.what()).find("was removed from Redis"), std::string::npos) << error.what();
    EXPECT_EQ(redis_.call("DBSIZE").integer, 0);
    opened(*kind, options);
    EXPECT_TRUE(positions_.empty());
  }
}

TEST_F(RedisCommit, BytesThatReachRedisLateWriteNothing) {
  for (const SinkKind* kind : {&redis_hash(), &redis_stream()}) {
    const std::string options = kind == &redis_hash() ? kHash : kStream;
    redis_.call("FLUSHALL");
    TcpGate gate(redis_.port());
    use("redis://127.0.0.1:" + std::to_string(gate.port()), "300ms");
    {
      auto late = opened(*kind, options);
      commit(*late, numbered(0, 2));
      settle(*late);
      gate.hold(TcpGate::ToServer);
      EXPECT_EQ(commit_error(*late, users(0, {"old", "old"})).kind(), ErrorKind::Transient);
    }
    use(redis_.uri(), "10s");
    auto fresh = opened(*kind, options);
    EXPECT_EQ(positions_.at("").text(), "p2");
    commit(*fresh, numbered(2, 2));
    settle(*fresh);
    const auto processed = [this] {
      const std::string stats = redis_.call("INFO stats").text;
      const auto at = stats.find("total_net_input_bytes:");
      return std::stoull(stats.substr(at + 22));
    };
    const auto before = processed();
    gate.pass();
    ASSERT_EVENTUALLY(gate.open() == 0);
    ASSERT_EVENTUALLY(processed() > before + 100);
    EXPECT_EQ(checkpoint(), "p4");
    if (kind == &redis_hash()) {
      EXPECT_EQ(hash("user:0"), "id 0 name name 0");
    } else {
      EXPECT_EQ(streamed(), ids(4));
    }
  }
}

// The connection is cut after each number of bytes of the commit, and of its replies; a new run goes on from
// where Redis says.
TEST_F(RedisCommit, ACutAnywhereLosesAndDoublesNothing) {
  constexpr std::size_t kRows = 12;
  for (const SinkKind* kind : {&redis_hash(), &redis_stream()}) {
    const std::string options = std::string(kind == &redis_hash() ? kHash : kStream) + "\nmax_operations = 4";
    for (const auto direction : {TcpGate::ToServer, TcpGate::ToClient}) {
      for (std::uint64_t bytes = 0;; bytes += direction == TcpGate::ToServer ? 23 : 7) {
        redis_.call("FLUSHALL");
        TcpGate gate(redis_.port());
        use("redis://127.0.0.1:" + std::to_string(gate.port()), "10s");
        bool failed = false;
        {
          auto sink = opened(*kind, options);
          gate.cut(direction, bytes);
          try {
            commit(*sink, numbered(0, kRows));
            settle(*sink);
          } catch (const Error& error) {
            failed = true;
            EXPECT_EQ(error.kind(), ErrorKind::Transient) << error.what();
          }
        }
        gate.pass();
        auto next = opened(*kind, options);
        const std::size_t from = row_of(positions_.at(""));
        // Never more than what is there.
        for (std::size_t row = 0; row < from && kind == &redis_hash(); ++row) {
          EXPECT_EQ(redis_.command({"EXISTS", "user:" + std::to_string(row)}).integer, 1) << bytes;
        }
        if (from < kRows) commit(*next, numbered(from, kRows - from));
        settle(*next);
        EXPECT_EQ(checkpoint(), "p12");
        if (kind == &redis_hash()) {
          EXPECT_EQ(redis_.call("DBSIZE").integer, static_cast<long long>(kRows + 2)) << bytes;
        } else {
          EXPECT_EQ(streamed(), ids(kRows)) << bytes;
        }
        next.reset();
        if (!failed) break;
      }
    }
  }
}

TEST_F(RedisCommit, OutOfMemoryWritesNothingAndPasses) {
  for (const SinkKind* kind : {&redis_hash(), &redis_stream()}) {
    redis_.call("CONFIG SET maxmemory 0");
    redis_.call("FLUSHALL");
    auto sink = opened(*kind, kind == &redis_hash() ? kHash : kStream);
    redis_.call("CONFIG SET maxmemory 1");
    const Error error = commit_error(*sink, numbered(0, 3));
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    EXPECT_NE(std::string(error.what()).find("out of memory"), std::string::npos) << error.what();
    redis_.call("CONFIG SET maxmemory 0");
    EXPECT_EQ(redis_.call("DBSIZE").integer, 2);
    auto again = opened(*kind, kind == &redis_hash() ? kHash : kStream);
    commit(*again, numbered(0, 3));
    settle(*again);
    EXPECT_EQ(checkpoint(), "p3");
  }
}

TEST_F(RedisCommit, AReplicaRefusesAndThePositionStays) {
  for (const SinkKind* kind : {&redis_hash(), &redis_stream()}) {
    redis_.call("REPLICAOF NO ONE");
    redis_.call("FLUSHALL");
    auto sink = opened(*kind, kind == &redis_hash() ? kHash : kStream);
    redis_.call("REPLICAOF 127.0.0.1 1");
    const Error error = commit_error(*sink, numbered(0, 3));
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    EXPECT_NE(std::string(error.what()).find("replica"), std::string::npos) << error.what();
  }
}

TEST_F(RedisCommit, AForgottenScriptIsLoadedAgain) {
  auto sink = opened(redis_stream(), kStream);
  commit(*sink, numbered(0, 3));
  redis_.call("SCRIPT FLUSH");
  commit(*sink, numbered(3, 3));
  EXPECT_EQ(streamed(), ids(6));
}

TEST_F(RedisCommit, AssigningAPositionStopsARunThatIsUnderWay) {
  auto sink = opened(redis_hash(), kHash);
  commit(*sink, numbered(0, 3));
  settle(*sink);
  auto other = make(redis_hash(), kHash);
  Positions rewound;
  rewound.advance(Position("", "p1"));
  syncd::test::run_task(loop_, other->assign(rewound));
  EXPECT_EQ(commit_error(*sink, numbered(3, 3)).kind(), ErrorKind::Fenced);
  EXPECT_EQ(syncd::test::run_task(loop_, other->recall())->at("").text(), "p1");
}

TEST_F(RedisCommit, AKeyOfSomebodyElseIsNoCheckpoint) {
  redis_.command({"SET", "syncd:{users}:cp", "mine"});
  auto sink = make(redis_hash(), kHash);
  const Error error = syncd::test::error_of(loop_, sink->open());
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_NE(std::string(error.what()).find("is no checkpoint of ours"), std::string::npos);
}

}  // namespace
}  // namespace syncd::jobs
