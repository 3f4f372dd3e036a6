#include "daemon/base/log.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>

namespace syncd::log {
namespace {

// What `write` puts on standard error.
template <class Write>
std::string logged(Level level, Format format, Write write) {
  testing::internal::CaptureStderr();
  setup(level, format);
  write();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesTextWithTimeLevelAndJob) {
  const std::string line = logged(Level::Info, Format::Text, [] { info("users", "{} rows", 3); });
  const std::regex expected(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info  \[users\] 3 rows\n)");
  EXPECT_TRUE(std::regex_match(line, expected)) << line;
}

TEST(Log, WritesOneJsonObjectPerLine) {
  const std::string line =
      logged(Level::Info, Format::Json, [] { warn("users", "a \"quoted\"\nerror \x1b[31m \xFF"); });
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const auto record = nlohmann::json::parse(line);
  EXPECT_EQ(record["level"], "warn");
  EXPECT_EQ(record["job"], "users");
  EXPECT_EQ(record["message"], "a \"quoted\"\nerror \x1b[31m \uFFFD");
}

TEST(Log, SpellsOutInJsonWhatATerminalWouldActOn) {
  const std::string line = logged(Level::Info, Format::Json, [] { info("", "\u009b2J \u202e \x1b[2J é"); });
  EXPECT_TRUE(
      std::all_of(line.begin(), line.end(), [](char c) { return c == '\n' || (c >= ' ' && c < 0x7F); }));
  EXPECT_EQ(nlohmann::json::parse(line)["message"], "\u009b2J \u202e \x1b[2J é");
}

TEST(Log, WritesLogfmt) {
  const std::string line = logged(Level::Info, Format::Logfmt, [] { info({"users", 12}, "{} \"rows\"", 3); });
  const std::regex expected(R"(time=\S+Z level=info job=users run=12 msg="3 \\"rows\\""\n)");
  EXPECT_TRUE(std::regex_match(line, expected)) << line;
}

TEST(Log, EscapesWhatComesFromOutside) {
  const std::string line =
      logged(Level::Info, Format::Text, [] { error("", "reading: {}", "bad\nfake line\x1b[2J"); });
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_NE(line.find("error reading: bad\\nfake line\\x1b[2J"), std::string::npos) << line;
}

TEST(Log, IsSilentBelowItsLevel) {
  const std::string text = logged(Level::Warn, Format::Text, [] {
    debug("", "detail");
    info("", "news");
    warn("", "odd");
  });
  EXPECT_EQ(text.find("news"), std::string::npos);
  EXPECT_NE(text.find("warn  odd"), std::string::npos);
  EXPECT_TRUE(enabled(Level::Error));
  EXPECT_FALSE(enabled(Level::Info));
}

TEST(Log, IsTextWhereStandardErrorIsNotTheJournal) {
  ::setenv("JOURNAL_STREAM", "1:1", 1);
  const std::string line = logged(Level::Info, Format::Auto, [] { info("", "hello"); });
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_NE(line.find("info  hello"), std::string::npos);
}

TEST(Log, GoesToTheJournalWhereStandardErrorIsConnectedToIt) {
  testing::internal::CaptureStderr();
  struct stat err {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &err), 0);
  const std::string here = std::to_string(err.st_dev) + ":" + std::to_string(err.st_ino);
  ::setenv("JOURNAL_STREAM", here.c_str(), 1);
  setup(Level::Info, Format::Auto);
  ::unsetenv("JOURNAL_STREAM");
  info("users", "written by a unit test");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace syncd::log
