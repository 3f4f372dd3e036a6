// A storm of reloads while the jobs run and the table is written: nothing is lost, nothing comes twice, and
// no job ever has two runs.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/items.hpp"
#include "tests/support/writers.hpp"

namespace syncd::test {
namespace {

class ReloadStorm : public ::testing::Test {
 protected:
  // `rows`: a page; another value is another configuration.
  void configure(const std::string& name, const std::string& sink, int rows) {
    JobLines lines;
    lines.sink = sink;
    lines.source = "cursor = ['updated_at', 'id']\nbatch_rows = " + std::to_string(rows);
    lines.settle = "100ms";
    syncd_.write_job(name, lines);
  }
  void hashes_job(int rows) { configure("hashes", "type = 'redis_hash'\nkey = 'item:{id}'", rows); }
  void stream_job(int rows) { configure("stream", "type = 'redis_stream'\nkey = 'items'", rows); }
  void break_it() { configure("hashes", "type = 'redis_hash'\nkye = 'item:{id}'", 1); }
  int reload() { return syncd_.ctl({"reload"}).code; }

  // The runs of a job in the order of their start; no two at the same time.
  void expect_one_run_at_a_time(const std::string& job) {
    std::istringstream lines(syncd_.ctl({"history", job, "--json", "-n", "1000"}).out);
    std::int64_t busy_until = 0;
    int runs = 0;
    for (std::string line; std::getline(lines, line);) {
      const Json run = Json::parse(line);
      if (run["started_us"].is_null()) continue;
      EXPECT_GE(run["started_us"], busy_until) << line;
      ++runs;
      if (run["ended_us"].is_number()) busy_until = run["ended_us"];
    }
    EXPECT_GT(runs, 1) << "reloads ended runs";
  }

  Items items_{PostgresServer::shared()};
  RedisServer redis_;
  Installation syncd_{Connected(items_.uri(), "pool = 4"), Connected(redis_.uri(), "pool = 4")};
};

TEST_F(ReloadStorm, LosesAndDoublesNothing) {
  constexpr int kReloads = 100;
  hashes_job(50);
  stream_job(50);
  syncd_.start();
  {
    Writers writers(items_, std::random_device{}(), 4);
    for (int round = 0; round < kReloads; ++round) {
      if (round % 2 == 0) {
        break_it();
        EXPECT_EQ(reload(), 78) << "round " << round;
        continue;
      }
      hashes_job(50 + round);
      if (round % 4 == 1) stream_job(50 + round);
      if (round % 10 == 1) {
        syncd_.process().signal(SIGHUP);  // both at once are no different
      }
      EXPECT_EQ(reload(), 0) << "round " << round;
    }
  }
  EXPECT_TRUE(syncd_.running());
  const Versions want = items_.rows();
  EXPECT_EVENTUALLY_EQ(difference(want, hashes(redis_)), "");
  EXPECT_EVENTUALLY_EQ(difference(want, newest(entries(redis_, "items"))), "");
  EXPECT_EQ(repeated(entries(redis_, "items")), "");
  expect_one_run_at_a_time("hashes");
  expect_one_run_at_a_time("stream");
  EXPECT_EQ(syncd_.process().terminate(), 0);
}

}  // namespace
}  // namespace syncd::test
