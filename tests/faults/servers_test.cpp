// What happens to servers: restarted, stopped, full, read-only.  The daemon recovers by itself, says
// meanwhile what it waits for, and nothing is lost or doubled.
#include <fmt/format.h>

#include <random>

#include "tests/faults/mirrored.hpp"
#include "tests/support/writers.hpp"

namespace syncd::test {
namespace {

using namespace std::chrono_literals;

class Servers : public ::testing::Test {
 protected:
  void start() {
    syncd_.write_job("hashes", into_hashes("100ms"));
    syncd_.write_job("stream", into_a_stream("100ms"));
    items_.insert(120);
    syncd_.start();
    EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
  }
  void expect_recovered() { test::expect_recovered(syncd_, items_, redis_); }

  static RedisOptions durable() {
    RedisOptions options;
    options.config = {"appendonly yes", "appendfsync always"};
    return options;
  }

  Items items_{PostgresServer::shared()};
  RedisServer redis_{durable()};
  // Deadlines and pauses as short as they can be.
  Installation syncd_{Connected(items_.uri(), "pool = 4\ntimeout = '1s'\nconnect_timeout = '2s'"),
                      Connected(redis_.uri(), "pool = 4\ntimeout = '500ms'\nconnect_timeout = '1s'"),
                      "breaker_pause = '100ms..300ms'"};
  unsigned seed_ = std::random_device{}();
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
};

// --- PostgreSQL --------------------------------------------------------------------------------------

TEST_F(Servers, PostgresIsRestartedUnderWriteLoad) {
  start();
  Writers writers(items_, seed_, 4);
  PostgresServer& server = items_.server();
  for (const auto how : {PostgresServer::Stop::Fast, PostgresServer::Stop::Immediate}) {
    const std::uint64_t before = writers.committed();
    EXPECT_EVENTUALLY(writers.committed() > before + 20);
    server.stop(how);
    EXPECT_BOTH_WAIT_FOR(syncd_, "PostgreSQL");
    server.start();
  }
  writers.stop();
  expect_recovered();
}

TEST_F(Servers, BackendsAreTerminatedAgainAndAgain) {
  start();
  Writers writers(items_, seed_, 4);
  for (int round = 0; round < 20; ++round) {
    EXPECT_EVENTUALLY(items_.server().terminate_backends() > 0);
    const std::uint64_t before = writers.committed();
    EXPECT_EVENTUALLY(writers.committed() > before + 2);
  }
  writers.stop();
  expect_recovered();
}

// As long as the daemon's deadlines fire often; all the while it answers.
TEST_F(Servers, PostgresStandsStillFor20Seconds) {
  start();
  {
    const Frozen frozen = items_.server().freeze();
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < until) {
      EXPECT_EVENTUALLY_EQ(syncd_.ctl({"version"}).code, 0);
      EXPECT_BOTH_WAIT_FOR(syncd_, "no answer within");
    }
  }
  items_.touch("id % 3 = 0");
  expect_recovered();
}

// --- Redis -------------------------------------------------------------------------------------------

TEST_F(Servers, RedisIsKilledAndComesBackWithItsLog) {
  start();
  Writers writers(items_, seed_, 4);
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t before = writers.committed();
    EXPECT_EVENTUALLY(writers.committed() > before + 10);
    redis_.kill();
    EXPECT_BOTH_WAIT_FOR(syncd_, fmt::format("127.0.0.1:{}", redis_.port()));
    redis_.start();
  }
  writers.stop();
  expect_recovered();
}

TEST_F(Servers, RedisComesBackEmptyAndIsFilledAgain) {
  start();
  redis_.kill();
  items_.touch("id % 3 = 0");
  EXPECT_BOTH_WAIT_FOR(syncd_, fmt::format("127.0.0.1:{}", redis_.port()));
  redis_.start();
  redis_.restart(RedisServer::Data::Lose);
  expect_recovered();
  EXPECT_TRUE(holds(syncd_.log(), "full sync")) << "an empty Redis is no small thing";
}

TEST_F(Servers, RedisStandsStill) {
  start();
  {
    const Frozen frozen = redis_.freeze();
    items_.touch("id % 3 = 0");
    EXPECT_BOTH_WAIT_FOR(syncd_, "no answer within");
  }
  expect_recovered();
}

TEST_F(Servers, RedisIsOutOfMemory) {
  start();
  redis_.call("CONFIG SET maxmemory 1");
  items_.touch("id % 3 = 0");
  EXPECT_BOTH_WAIT_FOR(syncd_, "raise maxmemory");
  redis_.call("CONFIG SET maxmemory 0");
  expect_recovered();
}

TEST_F(Servers, RedisIsAReplicaForAWhile) {
  start();
  redis_.call("REPLICAOF 127.0.0.1 1");
  items_.touch("id % 3 = 0");
  EXPECT_BOTH_WAIT_FOR(syncd_, "connect to the primary");
  redis_.call("REPLICAOF NO ONE");
  expect_recovered();
}

TEST_F(Servers, RedisHasTooFewReplicas) {
  start();
  redis_.call("CONFIG SET min-replicas-to-write 1");
  items_.touch("id % 3 = 0");
  EXPECT_BOTH_WAIT_FOR(syncd_, "too few replicas");
  redis_.call("CONFIG SET min-replicas-to-write 0");
  expect_recovered();
}

TEST_F(Servers, ScriptsAreFlushedUnderWriteLoad) {
  start();
  Writers writers(items_, seed_, 4);
  for (int round = 0; round < 50; ++round) {
    const std::uint64_t before = writers.committed();
    redis_.call("SCRIPT FLUSH");
    EXPECT_EVENTUALLY(writers.committed() > before);
  }
  writers.stop();
  expect_recovered();
  EXPECT_FALSE(holds(syncd_.log(), "NOSCRIPT")) << "what Redis forgets is sent in full";
}

// --- one key in the way ------------------------------------------------------------------------------

class KeyInTheWay : public Servers, public ::testing::WithParamInterface<const char*> {
 protected:
  void start_with(const std::string& on_bad_record) {
    JobLines job = into_hashes();
    job.job = "on_bad_record = '" + on_bad_record + "'";
    job.sink = fmt::format("type = '{}'\nkey = 'item:{{id}}'", GetParam());
    syncd_.write_job("items", job);
    redis_.call("SET item:7 in_the_way");
    items_.insert(120);
    syncd_.start();
  }
  std::string missing() {
    std::string ids;
    for (int id = 1; id <= 120; ++id) {
      const std::string key = fmt::format("item:{}", id);
      const std::string type = redis_.command({"TYPE", key}).text;
      if (type != std::string(GetParam()).substr(sizeof("redis_") - 1)) ids += fmt::format("{} ", id);
    }
    return ids;
  }
};

TEST_P(KeyInTheWay, GoesToTheDeadLetters) {
  start_with("dead_letter");
  EXPECT_EVENTUALLY(syncd_.caught_up("items"));
  EXPECT_EQ(missing(), "7 ");
  EXPECT_EQ(syncd_.status("items").value("dead_letters", 0), 1);
  const std::string letters = syncd_.ctl({"dead-letters", "list", "items"}).out;
  EXPECT_TRUE(holds(letters, R"("id":7)")) << letters;
}

TEST_P(KeyInTheWay, HaltsTheJobUntilItIsGone) {
  start_with("halt");
  EXPECT_EVENTUALLY_EQ(syncd_.state("items"), "failed");
  const std::string error = syncd_.last_error("items");
  EXPECT_TRUE(holds(error, "bad record") && holds(error, R"("id":7)")) << error;
  redis_.call("DEL item:7");
  EXPECT_EQ(syncd_.ctl({"run", "items"}).code, 0);
  EXPECT_EVENTUALLY(syncd_.caught_up("items"));
  EXPECT_EQ(missing(), "");
}

INSTANTIATE_TEST_SUITE_P(Sinks, KeyInTheWay, ::testing::Values("redis_hash", "redis_stream"),
                         [](const auto& entry) { return std::string(entry.param); });

}  // namespace
}  // namespace syncd::test
