// kill -9 of the real daemon while four programs log and rotate: every line once in Redis.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/log_writers.hpp"
#include "tests/support/redis_server.hpp"

namespace syncd::test {
namespace {

class FilesKill : public ::testing::Test {
 protected:
  FilesKill() {
    std::filesystem::create_directory(syncd_.path("logs"));
    syncd_.folder().write("jobs.d/logs.toml",
                          fmt::format("[jobs.logs]\n"
                                      "schedule = 'continuous'\n"
                                      "retry = {{ attempts = 0, backoff = '10ms..200ms' }}\n"
                                      "[jobs.logs.source]\n"
                                      "type = 'files'\n"
                                      "paths = ['{}/*.log*']\n"
                                      "batch_rows = 100\n"
                                      "columns = ['line', 'file', 'offset']\n"
                                      "[jobs.logs.sink]\n"
                                      "type = 'redis_stream'\n"
                                      "connection = 'cache'\n"
                                      "key = 'lines'\n",
                                      syncd_.path("logs")));
  }

  std::vector<LoggedLine> lines() {
    std::vector<LoggedLine> all;
    for (const auto& entry : redis_.command({"XRANGE", "lines", "-", "+"}).elements) {
      const auto& fields = entry.elements.at(1).elements;
      all.push_back({fields.at(1).text, fields.at(3).text, fields.at(5).text});
    }
    return all;
  }

  RedisServer redis_;
  Installation syncd_{Connected("postgresql:///nobody"), Connected(redis_.uri())};
};

TEST_F(FilesKill, AtRandomMomentsWhileFourProgramsLogAndRotate) {
  constexpr int kRounds = 100;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::minstd_rand random(seed);
  LogWriters writers(syncd_.path("logs"), seed);
  for (int round = 0; round < kRounds; ++round) {
    syncd_.start();
    syncd_.process().wait(std::chrono::milliseconds(random() % 600));
    syncd_.process().kill();
  }
  writers.stop();
  syncd_.start();
  EXPECT_EVENTUALLY_EQ(difference(writers.written(), lines()), "");
}

}  // namespace
}  // namespace syncd::test
