// The commits: what they promise when Redis, the network or another daemon misbehaves.
#include "tests/integration/jobs/redis_commit.hpp"

namespace syncd::jobs {
namespace {

using syncd::test::TcpGate;
using test::ids;
using test::kHash;
using test::kStream;
using test::numbered;
using test::row_of;
using test::users;
using test::Way;
using test::ways;

using RedisCommit = test::RedisCommitTest;

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

TEST_F(RedisCommit, RowsThatMustNotRepeatAreCommittedWithTheirPosition) {
  for (const Way& way : ways()) {
    if (!way.once()) continue;
    redis_.call("FLUSHALL");
    auto sink = opened(*way.kind, way.options);
    commit(*sink, numbered(0, 10));
    EXPECT_EQ(checkpoint(), "p10");
    EXPECT_EQ(streamed(), ids(0, 10));
  }
}

TEST_F(RedisCommit, LargeBatchesAreCutAndNameTheirMiddle) {
  for (const Way& way : ways()) {
    redis_.call("FLUSHALL");
    auto sink = opened(*way.kind, way.options + "\nmax_operations = 7");
    commit(*sink, numbered(0, 100));
    settle(*sink);
    EXPECT_EQ(checkpoint(), "p100");
    if (way.once()) {
      EXPECT_EQ(streamed(), ids(0, 100));
    } else {
      EXPECT_EQ(redis_.call("DBSIZE").integer, 100 + 2);
    }
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
  for (const Way& way : ways()) {
    redis_.call("FLUSHALL");
    auto sink = opened(*way.kind, way.options);
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

// Neither a message nor a look at a type is a write: Redis would let them through.
TEST_F(RedisCommit, NoMessageIsSentWhileRedisTakesNoPosition) {
  auto sink = opened(redis_publish(), "channel = \"news\"");
  commit(*sink, numbered(0, 3));
  const auto published = [this] {
    const std::string stats = redis_.call("INFO commandstats").text;
    const std::string name = "cmdstat_publish:calls=";
    return std::stoi(stats.substr(stats.find(name) + name.size()));
  };
  EXPECT_EQ(published(), 3);
  redis_.call("CONFIG SET min-replicas-to-write 1");
  EXPECT_EQ(commit_error(*sink, numbered(3, 3)).kind(), ErrorKind::Transient);
  EXPECT_EQ(published(), 3);
  redis_.call("CONFIG SET min-replicas-to-write 0");
  EXPECT_EQ(checkpoint(), "p3");
}

TEST_F(RedisCommit, AConnectionInTheMiddleOfSomethingIsNotUsedAgain) {
  for (const Way& way : ways()) {
    redis_.call("FLUSHALL");
    auto sink = opened(*way.kind, way.options);
    Batch empty(test::schema(), Position("", "p5"));
    commit(*sink, empty);
    redis_.call("ACL SETUSER default -hset -hmget");
    EXPECT_ANY_THROW(settle(*sink));
    redis_.call("ACL SETUSER default +@all");
    sink.reset();
    EXPECT_EVENTUALLY(redis_.call("CLIENT LIST").text.find("name=syncd") == std::string::npos);
    opened(*way.kind, way.options);
    EXPECT_TRUE(positions_.empty());
  }
}

TEST_F(RedisCommit, ScriptsThatRedisForgetsAreNotMissed) {
  for (const Way& way : ways()) {
    if (!way.once()) continue;
    redis_.call("FLUSHALL");
    auto sink = opened(*way.kind, way.options);
    Batch empty(test::schema(), Position("", "p5"));
    commit(*sink, empty);
    settle(*sink);  // of no columns yet
    redis_.call("SCRIPT FLUSH");
    commit(*sink, numbered(5, 3));
    redis_.call("SCRIPT FLUSH");
    commit(*sink, numbered(8, 3));
    redis_.call("SCRIPT FLUSH");
    Batch more(test::schema(), Position("", "p12"));
    commit(*sink, more);
    settle(*sink);
    EXPECT_EQ(checkpoint(), "p12");
    EXPECT_EQ(streamed(), ids(5, 11));
  }
}

TEST_F(RedisCommit, AStaleRunWritesNothing) {
  for (const Way& way : ways()) {
    redis_.call("FLUSHALL");
    auto stale = opened(*way.kind, way.options);
    commit(*stale, numbered(0, 3));
    settle(*stale);
    auto fresh = opened(*way.kind, way.options);  // the same daemon, restarted
    EXPECT_EQ(positions_.at("").text(), "p3");
    const Error error = commit_error(*stale, numbered(3, 3));
    EXPECT_EQ(error.kind(), ErrorKind::Fenced);
    EXPECT_NE(std::string(error.what()).find("was taken over by another run"), std::string::npos);
    if (way.once()) {
      EXPECT_EQ(streamed(), ids(0, 3));
    } else {
      EXPECT_EQ(redis_.call("DBSIZE").integer, 3 + 2);
    }
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
  for (const Way& way : ways()) {
    redis_.call("FLUSHALL");
    auto sink = opened(*way.kind, way.options);
    commit(*sink, numbered(0, 3));
    redis_.call("FLUSHALL");
    const Error error = commit_error(*sink, numbered(3, 3));
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    EXPECT_NE(std::string(error.what()).find("was removed from Redis"), std::string::npos) << error.what();
    EXPECT_EQ(redis_.call("DBSIZE").integer, 0);
    opened(*way.kind, way.options);
    EXPECT_TRUE(positions_.empty());
  }
}

TEST_F(RedisCommit, BytesThatReachRedisLateWriteNothing) {
  for (const Way& way : ways()) {
    redis_.call("FLUSHALL");
    TcpGate gate(redis_.port());
    use("redis://127.0.0.1:" + std::to_string(gate.port()), "300ms");
    {
      auto late = opened(*way.kind, way.options);
      commit(*late, numbered(0, 2));
      settle(*late);
      gate.hold(TcpGate::ToServer);
      EXPECT_EQ(commit_error(*late, users(0, {"old", "old"})).kind(), ErrorKind::Transient);
    }
    use(redis_.uri(), "10s");
    auto fresh = opened(*way.kind, way.options);
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
    if (!way.once()) {
      EXPECT_EQ(hash("user:0"), "id 0 name name 0");
    } else {
      EXPECT_EQ(streamed(), ids(0, 4));
    }
  }
}

// The connection is cut after each number of bytes of the commit, and of its replies; a new run goes on from
// where Redis says.
TEST_F(RedisCommit, ACutAnywhereLosesAndDoublesNothing) {
  constexpr std::size_t kRows = 12;
  for (const Way& way : ways()) {
    const std::string options = way.options + "\nmax_operations = 4";
    for (const auto direction : {TcpGate::ToServer, TcpGate::ToClient}) {
      for (std::uint64_t bytes = 0;; bytes += direction == TcpGate::ToServer ? 23 : 7) {
        redis_.call("FLUSHALL");
        TcpGate gate(redis_.port());
        use("redis://127.0.0.1:" + std::to_string(gate.port()), "10s");
        bool failed = false;
        {
          auto sink = opened(*way.kind, options);
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
        auto next = opened(*way.kind, options);
        const std::size_t from = row_of(positions_.at(""));
        // Never more than what is there.
        for (std::size_t row = 0; row < from && !way.once(); ++row) {
          EXPECT_EQ(redis_.command({"EXISTS", "user:" + std::to_string(row)}).integer, 1) << bytes;
        }
        if (from < kRows) commit(*next, numbered(from, kRows - from));
        settle(*next);
        EXPECT_EQ(checkpoint(), "p12");
        if (!way.once()) {
          EXPECT_EQ(redis_.call("DBSIZE").integer, static_cast<long long>(kRows + 2)) << bytes;
        } else {
          EXPECT_EQ(streamed(), ids(0, kRows)) << bytes;
        }
        next.reset();
        if (!failed) break;
      }
    }
  }
}

TEST_F(RedisCommit, OutOfMemoryWritesNothingAndPasses) {
  for (const Way& way : ways()) {
    redis_.call("CONFIG SET maxmemory 0");
    redis_.call("FLUSHALL");
    auto sink = opened(*way.kind, way.options);
    redis_.call("CONFIG SET maxmemory 1");
    const Error error = commit_error(*sink, numbered(0, 3));
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    EXPECT_NE(std::string(error.what()).find("out of memory"), std::string::npos) << error.what();
    redis_.call("CONFIG SET maxmemory 0");
    EXPECT_EQ(redis_.call("DBSIZE").integer, 2);
    auto again = opened(*way.kind, way.options);
    commit(*again, numbered(0, 3));
    settle(*again);
    EXPECT_EQ(checkpoint(), "p3");
  }
}

TEST_F(RedisCommit, AReplicaRefusesAndThePositionStays) {
  for (const Way& way : ways()) {
    redis_.call("REPLICAOF NO ONE");
    redis_.call("FLUSHALL");
    auto sink = opened(*way.kind, way.options);
    redis_.call("REPLICAOF 127.0.0.1 1");
    const Error error = commit_error(*sink, numbered(0, 3));
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    EXPECT_NE(std::string(error.what()).find("replica"), std::string::npos) << error.what();
  }
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
