#include "daemon/base/log_memory.hpp"

#include <gtest/gtest.h>

namespace syncd::log {
namespace {

std::vector<std::string> texts(const std::vector<Line>& lines) {
  std::vector<std::string> all;
  for (const Line& line : lines) all.push_back(line.job + ": " + line.text);
  return all;
}

TEST(LogMemory, KeepsTheNewestLinesInOrder) {
  Memory memory;
  memory.add(WallTime(), Level::Info, "users", "one");
  memory.add(WallTime(), Level::Warn, "", "two");
  memory.add(WallTime(), Level::Info, "orders", "three");
  EXPECT_EQ(texts(memory.find({})), (std::vector<std::string>{"users: one", ": two", "orders: three"}));
  EXPECT_EQ(texts(memory.find({.job = "users"})), std::vector<std::string>{"users: one"});
  EXPECT_EQ(texts(memory.find({.job = ""})), std::vector<std::string>{": two"});
  EXPECT_EQ(texts(memory.find({.job = "nobody"})), std::vector<std::string>());
  EXPECT_EQ(texts(memory.find({.level = Level::Warn})), std::vector<std::string>{": two"});
  EXPECT_EQ(texts(memory.find({.limit = 1})), std::vector<std::string>{"orders: three"});
  EXPECT_EQ(texts(memory.find({.after = 2})), std::vector<std::string>{"orders: three"});
  EXPECT_EQ(memory.newest(), 3U);
}

TEST(LogMemory, WhoSaysMuchHidesNobody) {
  Memory memory({.lines = 5});
  memory.add(WallTime(), Level::Info, "quiet", "here");
  for (int i = 0; i < 1000; ++i) memory.add(WallTime(), Level::Info, "loud", std::to_string(i));
  EXPECT_EQ(texts(memory.find({})), (std::vector<std::string>{"quiet: here", "loud: 995", "loud: 996",
                                                              "loud: 997", "loud: 998", "loud: 999"}));
  EXPECT_EQ(memory.newest(), 1001U);
}

TEST(LogMemory, HoldsSoManyBytesAndNoMore) {
  Memory memory({.lines = 200, .bytes = 1000, .text = 300});
  for (int job = 0; job < 50; ++job) {
    memory.add(WallTime(), Level::Info, "job" + std::to_string(job), std::string(10'000, 'x'));
  }
  const auto kept = memory.find({});
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(kept[0].job, "job47");
  EXPECT_EQ(kept[2].text.size(), 300U) << "a longer line is cut";
}

TEST(LogMemory, RemembersWhatIsWritten) {
  const std::uint64_t before = memory().newest();
  warn({"digest", 12}, "slow: {}", "\033[31m");
  const auto found = memory().find({.job = "digest", .after = before});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "slow: \033[31m");
  EXPECT_EQ(found[0].run, 12);
  EXPECT_EQ(found[0].level, Level::Warn);
}

TEST(LogMemory, LevelsHaveWords) {
  EXPECT_EQ(parse_level("warn"), Level::Warn);
  EXPECT_EQ(to_string(Level::Error), "error");
  EXPECT_EQ(parse_level("loud"), std::nullopt);
}

}  // namespace
}  // namespace syncd::log
