// kill -9 of the real daemon under write load, at random moments and at each named crash point: afterwards
// Redis equals the table, and no entry of a stream came twice.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/items.hpp"
#include "tests/support/writers.hpp"

namespace syncd::test {
namespace {

const JobLines kIntoHashes = {.source = "cursor = ['updated_at', 'id']\nbatch_rows = 50", .settle = "100ms"};
const JobLines kIntoAStream = {.sink = "type = 'redis_stream'\nkey = 'items'",
                               .source = "cursor = ['updated_at', 'id']\nbatch_rows = 50",
                               .settle = "100ms"};

class Kill : public ::testing::Test {
 protected:
  Kill() : items_(PostgresServer::shared()) {
    syncd_.write_job("hashes", kIntoHashes);
    syncd_.write_job("stream", kIntoAStream);
  }

  // At rest both sides are equal, whatever happened before.
  void expect_nothing_lost_or_doubled() {
    if (!syncd_.running()) syncd_.start();
    const Versions want = items_.rows();
    EXPECT_EVENTUALLY_EQ(difference(want, hashes(redis_)), "");
    EXPECT_EVENTUALLY_EQ(difference(want, newest(entries(redis_, "items"))), "");
    EXPECT_EQ(repeated(entries(redis_, "items")), "");
  }

  Items items_;
  RedisServer redis_;
  Installation syncd_{Connected(items_.uri(), "pool = 4"), Connected(redis_.uri(), "pool = 4")};
};

TEST_F(Kill, AtRandomMomentsUnderWriteLoad) {
  constexpr int kRounds = 100;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::minstd_rand random(seed);
  {
    Writers writers(items_, seed, 4);
    for (int round = 0; round < kRounds; ++round) {
      syncd_.start();
      const auto life = std::chrono::milliseconds(random() % 400);
      syncd_.process().wait(life);
      syncd_.process().kill();
    }
  }
  expect_nothing_lost_or_doubled();
}

class KillAt : public Kill, public ::testing::WithParamInterface<const char*> {};

TEST_P(KillAt, ANamedPoint) {
  for (int hit = 1; hit <= 6; ++hit) {
    items_.insert(30);
    items_.touch("id % 7 = 0");
    syncd_.start({{"SYNCD_CRASH_AT", std::string(GetParam()) + ":" + std::to_string(hit)}});
    // Rows come until it is there: how many commits the first ones make depends on the moment.
    EXPECT_EVENTUALLY((items_.insert(), !syncd_.running()));
    const auto code = syncd_.process().wait();
    EXPECT_EQ(code, 128 + SIGKILL) << "hit " << hit;
  }
  expect_nothing_lost_or_doubled();
}

INSTANTIATE_TEST_SUITE_P(Points, KillAt,
                         ::testing::Values("after_fetch", "before_commit", "after_commit_before_reply",
                                           "before_position_save"),
                         [](const auto& entry) { return std::string(entry.param); });

}  // namespace
}  // namespace syncd::test
