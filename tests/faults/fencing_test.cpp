// One writer: a second daemon is refused or takes over by the rules of the lease; a daemon that was stopped
// and wakes up, and a commit whose bytes reach Redis late, write nothing.
#include <fmt/format.h>

#include <random>

#include "tests/faults/mirrored.hpp"
#include "tests/support/tcp_gate.hpp"
#include "tests/support/writers.hpp"

namespace syncd::test {
namespace {

class Fencing : public ::testing::Test {
 protected:
  Fencing() {
    for (Installation* daemon : {&first_, &second_}) {
      daemon->write_job("hashes", into_hashes("100ms"));
      daemon->write_job("stream", into_a_stream("100ms"));
    }
    items_.insert(120);
  }
  // As if the owner's 30 s had passed.
  void end_leases() { redis_.call("DEL syncd:{hashes}:owner syncd:{stream}:owner"); }
  static bool fenced(const Installation& daemon) {
    return daemon.state("hashes") == "fenced" && daemon.state("stream") == "fenced";
  }
  // Both jobs of `daemon` own their checkpoints.
  bool owns(const Installation& daemon) { return daemon.caught_up("hashes") && daemon.caught_up("stream"); }

  Items items_{PostgresServer::shared()};
  RedisServer redis_;
  TcpGate gate_{redis_.port()};
  // Of one job and one sink, each with a state directory of its own; the first goes through the gate.
  Installation first_{
      Connected(items_.uri(), "pool = 4"),
      Connected(fmt::format("redis://127.0.0.1:{}/0", gate_.port()), "pool = 4\ntimeout = '500ms'"),
      "breaker_pause = '100ms..300ms'"};
  Installation second_{Connected(items_.uri(), "pool = 4"), Connected(redis_.uri(), "pool = 4")};
  unsigned seed_ = std::random_device{}();
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
};

TEST_F(Fencing, ASecondDaemonIsRefusedWhileTheFirstOneLives) {
  first_.start();
  EXPECT_EVENTUALLY(owns(first_));
  const Finished once = second_.run({"--once", "stream"});
  EXPECT_EQ(once.code, 1) << once.err;
  EXPECT_TRUE(holds(once.err, "is run by another syncd") && holds(once.err, "its lease ends in")) << once.err;
  second_.start();
  EXPECT_EVENTUALLY(fenced(second_));
  EXPECT_TRUE(holds(second_.waiting_for("stream"), fmt::format("pid {}", first_.process().pid())))
      << second_.waiting_for("stream");
  items_.touch("id % 3 = 0");
  EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
  EXPECT_TRUE(fenced(second_));
}

TEST_F(Fencing, ASecondDaemonTakesOverWhenTheLeaseOfADeadOneEnds) {
  first_.start();
  {
    Writers writers(items_, seed_, 4);
    EXPECT_EVENTUALLY(writers.committed() > 50);
    first_.process().kill();
    second_.start();
    EXPECT_EVENTUALLY(fenced(second_));
    end_leases();
    EXPECT_EVENTUALLY(owns(second_));
  }
  EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
  // The owner that comes back is now the second one itself.
  first_.start();
  EXPECT_EVENTUALLY(fenced(first_));
  items_.touch("id % 3 = 0");
  EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
}

// Stopped at any moment of a page or a commit, and overtaken meanwhile.
TEST_F(Fencing, AStoppedDaemonThatWakesUpWritesNothing) {
  Writers writers(items_, seed_, 4);
  std::minstd_rand random(seed_);
  for (int round = 0; round < 6; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    first_.start();
    end_leases();
    EXPECT_EVENTUALLY(first_.status("hashes")["run"].is_object());
    const std::uint64_t before = writers.committed();
    EXPECT_EVENTUALLY(writers.committed() > before + 1 + random() % 20);
    first_.process().stop();
    end_leases();
    second_.start();
    const std::uint64_t meanwhile = writers.committed();
    EXPECT_EVENTUALLY(writers.committed() > meanwhile + 10 && !fenced(second_));
    first_.process().resume();
    EXPECT_EVENTUALLY(fenced(first_));
    first_.process().kill();
    second_.process().kill();
  }
  writers.stop();
  end_leases();
  second_.start();
  EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
}

// The path of a connection dies with a commit on it; the daemon gives up, connects anew and goes on; then the
// bytes arrive.
TEST_F(Fencing, ACommitThatReachesRedisAfterTheReconnectWritesNothing) {
  first_.start();
  EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    gate_.strand(TcpGate::ToServer);
    items_.touch("id % 3 = 0");
    EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
    EXPECT_GT(gate_.held(TcpGate::ToServer), 0U) << "the first try of these rows is still on its way";
    items_.touch("id % 6 = 0");
    EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
    const std::size_t open = gate_.open();
    gate_.pass();
    EXPECT_EVENTUALLY(gate_.held(TcpGate::ToServer) == 0 && gate_.open() < open);
    EXPECT_EQ(wrong_in(redis_, items_.rows()), "");
  }
  items_.touch("id % 3 = 1");
  EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
}

}  // namespace
}  // namespace syncd::test
