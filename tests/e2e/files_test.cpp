// A log with the real programs: followed across rotations and a restart into a Redis stream, and shown.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/redis_server.hpp"

namespace syncd::test {
namespace {

using Lines = std::vector<std::string>;

class FilesEndToEnd : public ::testing::Test {
 protected:
  FilesEndToEnd() { std::filesystem::create_directories(syncd_.path("jobs.d/logs")); }

  // A relative glob begins at the folder of the job's file.
  void write_job(const std::string& schedule) {
    syncd_.folder().write("jobs.d/logs.toml", fmt::format("[jobs.logs]\n"
                                                          "schedule = '{}'\n"
                                                          "[jobs.logs.source]\n"
                                                          "type = 'files'\n"
                                                          "paths = ['logs/**/*.log*']\n"
                                                          "exclude = ['*.tmp']\n"
                                                          "[jobs.logs.sink]\n"
                                                          "type = 'redis_stream'\n"
                                                          "connection = 'cache'\n"
                                                          "key = 'lines'\n",
                                                          schedule));
  }
  std::string log(const std::string& name) const { return syncd_.path("jobs.d/logs/" + name); }
  void append(const std::string& name, const std::string& text) {
    std::ofstream(log(name), std::ios::app) << text;
  }
  Lines lines() {
    Lines all;
    for (const auto& entry : redis_.command({"XRANGE", "lines", "-", "+"}).elements) {
      all.push_back(entry.elements.at(1).elements.at(1).text);
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  RedisServer redis_;
  Installation syncd_{Connected("postgresql:///nobody"), Connected(redis_.uri())};
};

TEST_F(FilesEndToEnd, FollowsALogThatRotates) {
  write_job("continuous");
  append("a.log", "1\n");
  append("a.log.tmp", "no log\n");
  syncd_.start();
  EXPECT_EVENTUALLY_EQ(lines(), Lines({"1"}));
  append("a.log", "2\n");
  std::filesystem::rename(log("a.log"), log("a.log.1"));
  append("a.log.1", "3\n");
  append("a.log", "4\n");
  EXPECT_EVENTUALLY_EQ(lines(), Lines({"1", "2", "3", "4"}));
  syncd_.process().kill();
  std::filesystem::create_directory(log("deeper"));
  append("deeper/b.log", "5\n");
  std::filesystem::rename(log("a.log.1"), log("a.log.2"));
  append("a.log", "6\n");
  syncd_.start();
  EXPECT_EVENTUALLY_EQ(lines(), Lines({"1", "2", "3", "4", "5", "6"}));
  const Finished shown = syncd_.ctl({"status", "logs", "--files"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, ::testing::HasSubstr("at its end; now " + log("a.log.2")));
}

TEST_F(FilesEndToEnd, ReadsOnceAndGoesOnInTheNextRun) {
  write_job("manual");
  append("a.log", "1\n2");
  EXPECT_EQ(syncd_.run({"--once", "logs"}).code, 0);
  EXPECT_EQ(lines(), Lines({"1", "2"}));
  append("a.log", "\n3\n");
  EXPECT_EQ(syncd_.run({"--once", "logs"}).code, 0);
  EXPECT_EQ(lines(), Lines({"1", "2", "3"}));
}

TEST_F(FilesEndToEnd, GoesBackToALineOfOneFile) {
  write_job("manual");
  append("a.log", "a1\na2\r\n\na4\n");
  append("b.log", "b1\n");
  syncd_.start();
  EXPECT_EQ(syncd_.ctl({"run", "logs", "--wait"}).code, 0);
  EXPECT_EQ(lines(), Lines({"a1", "a2", "a4", "b1"}));
  std::filesystem::rename(log("a.log"), log("a.log.1"));
  const auto rewind = [this](const std::string& to) {
    return syncd_.ctl({"checkpoint", "rewind", "logs", "--to", to, "--yes"});
  };
  EXPECT_EQ(rewind(log("a.log.1") + ":4").code, 0);
  EXPECT_EQ(syncd_.ctl({"run", "logs", "--wait"}).code, 0);
  EXPECT_EQ(lines(), Lines({"a1", "a2", "a4", "a4", "b1"}));
  EXPECT_EQ(rewind(log("a.log.1") + ":1").code, 0);
  EXPECT_EQ(syncd_.ctl({"run", "logs", "--wait"}).code, 0);
  EXPECT_EQ(lines(), Lines({"a1", "a1", "a2", "a2", "a4", "a4", "a4", "b1"}));
  EXPECT_THAT(rewind(log("a.log.1") + ":9").err, testing::HasSubstr("has no line 9"));
  append("c.log", "new\n");
  EXPECT_THAT(rewind(log("c.log") + ":1").err, testing::HasSubstr("has not been read by this job"));
  EXPECT_THAT(rewind(log("gone.log") + ":1").err, testing::HasSubstr("No such file"));
  EXPECT_THAT(rewind("a.log").err, testing::HasSubstr("PATH:LINE"));
}

}  // namespace
}  // namespace syncd::test
