#include "jobs/breakers.hpp"

#include <gtest/gtest.h>

#include "config/load.hpp"
#include "daemon/coro/manual_clock.hpp"
#include "jobs/connections.hpp"
#include "jobs/plan.hpp"
#include "tests/unit/config/config_test.hpp"

namespace syncd::jobs {
namespace {

using namespace std::chrono_literals;

class BreakersTest : public ::testing::Test {
 protected:
  BreakersTest() {
    const std::string file = folder_.write("syncd.toml",
                                           "[connections.app]\ntype = 'postgres'\nuri = 'postgresql:///x'\n"
                                           "[connections.cache]\ntype = 'redis'\nuri = 'redis://h'\n"
                                           "[connections.model]\ntype = 'openai'\n"
                                           "base_url = 'http://127.0.0.1:1/v1'\n");
    config_ = config::load_or_throw(file);
    connections_.emplace(loop_, config_.connections);
    plan_.source_connection = "app";
    plan_.sink_connection = "cache";
    plan_.breaker = {2, 10s, 60s};
  }
  // Breakers of another job of the same connections.
  Breakers make() const { return Breakers(plan_, *connections_); }

  config::Folder folder_;
  config::Config config_;
  loop::EventLoop loop_;
  ManualClock clock_;
  JobPlan plan_{config::Job(), schedule::Schedule::parse("manual")};
  std::optional<Connections> connections_;
};

TEST_F(BreakersTest, JobsOfAConnectionShareItsBreaker) {
  Breakers first = make();
  Breakers second = make();
  for (Breakers* one : {&first, &second}) {
    one->begin();
    one->failed(clock_.now(), "", /*in_sink=*/true, /*may_pass=*/true);
  }
  const auto closed = first.gate(clock_);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->why,
            "connection 'cache': breaker open until 2026-03-01T00:00:10.000Z after 2 failures in a row");
  EXPECT_TRUE(second.gate(clock_));

  clock_.advance(10s);
  ASSERT_FALSE(first.gate(clock_));
  first.begin();
  ASSERT_TRUE(second.gate(clock_)) << "one probe";
  EXPECT_EQ(second.gate(clock_)->why, "connection 'cache': breaker half open, another job probes it");
  first.sink_answered();
  EXPECT_FALSE(second.gate(clock_));
}

TEST_F(BreakersTest, TheOtherEndIsNotBlamed) {
  plan_.sink_connection.clear();
  Breakers reader = make();
  plan_.sink_connection = "cache";
  plan_.source_connection.clear();
  Breakers writer = make();
  for (int i = 0; i < 2; ++i) reader.failed(clock_.now(), "", false, true);
  EXPECT_TRUE(reader.gate(clock_));
  EXPECT_FALSE(writer.gate(clock_));
}

TEST_F(BreakersTest, AModelThatFailsIsBlamedAlone) {
  plan_.transform_connections = {"model"};
  Breakers digest = make();
  plan_.transform_connections.clear();
  Breakers mirror = make();
  for (int i = 0; i < 2; ++i) digest.failed(clock_.now(), "model", false, true);
  ASSERT_TRUE(digest.gate(clock_));
  EXPECT_NE(digest.gate(clock_)->why.find("connection 'model': breaker open"), std::string::npos);
  EXPECT_FALSE(mirror.gate(clock_));
  clock_.advance(1h);
  digest.answered();
  for (int i = 0; i < 9; ++i) digest.failed(clock_.now(), kNoServer, false, true);
  EXPECT_FALSE(digest.gate(clock_)) << "a budget is no server";
}

TEST_F(BreakersTest, OneThatRefusesUsHasAnswered) {
  Breakers job = make();
  for (int i = 0; i < 9; ++i) job.failed(clock_.now(), "", true, /*may_pass=*/false);
  EXPECT_FALSE(job.gate(clock_));
}

}  // namespace
}  // namespace syncd::jobs
