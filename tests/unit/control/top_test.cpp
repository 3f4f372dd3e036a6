// What `syncctl top` shows, and what its keys do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/ctl/table.hpp"
#include "daemon/ctl/top_board.hpp"
#include "tests/unit/control/screen.hpp"

namespace syncd::ctl {
namespace {

using status::JobState;
using status::JobStatus;
using test::kNow;
using test::look;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

JobStatus shown(const std::string& name, JobState state, std::uint64_t rows = 0) {
  JobStatus made;
  made.name = name;
  made.state = state;
  if (state == JobState::Running || state == JobState::Waiting) {
    made.run.emplace();
    made.run->started = kNow - std::chrono::minutes(1);
    made.run->rows = rows;
  }
  return made;
}

class Top : public ::testing::Test {
 protected:
  // Three refreshes, a second apart.
  Top() {
    for (unsigned second = 0; second < 3; ++second) refresh(second);
  }
  void refresh(unsigned second) {
    JobStatus stuck = shown("stuck", JobState::Waiting, 10);
    stuck.lag = std::chrono::seconds(60 + second);
    stuck.waiting_for = "Redis: OOM command not allowed\033[31m";
    JobStatus broken = shown("broken", JobState::Failed);
    broken.last_error = "no such table";
    board_.take(
        {shown("alpha", JobState::Running, 1000 + second * second * 500), shown("beta", JobState::Idle),
         broken, stuck, shown("gamma", JobState::Running, 100 * second)},
        kNow + std::chrono::seconds(second));
  }
  void type(std::string_view keys) {
    for (const Press& press : presses(keys)) EXPECT_TRUE(board_.press(press));
  }
  // The names in the table, in their order.
  std::vector<std::string> names() {
    std::vector<std::string> all;
    const auto lines = board_.lines(look(120), 24);
    for (std::size_t i = 2; i < lines.size(); ++i) {
      std::string line = lines[i];
      if (line.starts_with("\033[7m")) line.erase(0, 4);
      if (line.empty() || line.find(": ") < line.find(' ')) break;
      all.push_back(line.substr(0, line.find(' ')));
    }
    return all;
  }
  std::string screen(std::size_t width, std::size_t height) {
    std::string all;
    for (const std::string& line : board_.lines(look(width), height)) all += line + "\n";
    return all;
  }
  std::string selected() {
    for (const std::string& line : board_.lines(look(120), 24)) {
      if (line.starts_with("\033[7m")) return line.substr(4, line.find(' ') - 4);
    }
    return "";
  }

  TopBoard board_;
};

TEST_F(Top, ShowsFirstWhatNeedsAPerson) {
  EXPECT_THAT(names(), ElementsAre("broken", "stuck", "alpha", "gamma", "beta"));
  EXPECT_THAT(screen(120, 24), HasSubstr("5 jobs, 1 failed, 1 waiting, 2 running, 1 idle; 1,600 rows/s"));
}

TEST_F(Top, FillsEveryTerminalExactly) {
  for (const auto& [width, height] :
       {std::pair<std::size_t, std::size_t>{80, 24}, {200, 50}, {40, 6}, {20, 2}, {1, 1}}) {
    const auto lines = board_.lines(look(width), height);
    EXPECT_EQ(lines.size(), height);
    for (std::string line : lines) {
      if (line.starts_with("\033[7m")) line = line.substr(4, line.size() - 8);
      EXPECT_LE(columns_of(line), std::max<std::size_t>(width, 20)) << line;
      EXPECT_EQ(line.find('\033'), std::string::npos) << line;
    }
  }
}

TEST_F(Top, ShowsThroughputAndLagOverTime) {
  EXPECT_THAT(screen(200, 50), HasSubstr("1,500  ▃█"));
  EXPECT_THAT(screen(200, 50), HasSubstr("1 min"));
  EXPECT_THAT(screen(200, 50), HasSubstr("Redis: OOM command not allowed\\x1b[31m"));
}

TEST_F(Top, SaysBelowTheTableWhyTheSelectedJobDoesNotMove) {
  EXPECT_EQ(selected(), "broken");
  EXPECT_THAT(screen(80, 24), HasSubstr("\nbroken: no such table\n"));
  type("\033[B");
  EXPECT_EQ(selected(), "stuck");
  EXPECT_THAT(screen(80, 24), HasSubstr("\nstuck: Redis: OOM"));
}

TEST_F(Top, SortsAsItIsTold) {
  type("N");
  EXPECT_THAT(names(), ElementsAre("alpha", "beta", "broken", "gamma", "stuck"));
  type("I");
  EXPECT_THAT(names(), ElementsAre("stuck", "gamma", "broken", "beta", "alpha"));
  type("P");
  EXPECT_THAT(names(), ElementsAre("alpha", "gamma", "beta", "broken", "stuck"));
  type("L");
  EXPECT_EQ(names().front(), "stuck");
  type("\033[17~");
  EXPECT_THAT(screen(120, 24), HasSubstr("sorted by rows"));
}

TEST_F(Top, KeepsTheSelectedJobSelectedWhereverItIsSorted) {
  type("\033[F");
  EXPECT_EQ(selected(), "beta");
  type("N");
  EXPECT_EQ(selected(), "beta");
  refresh(3);
  EXPECT_EQ(selected(), "beta");
}

TEST_F(Top, ShowsOnlyWhatIsLookedFor) {
  type("/ta\r");
  EXPECT_THAT(names(), ElementsAre("beta"));
  EXPECT_THAT(screen(120, 24), HasSubstr("only *ta*"));
  type("\033");
  EXPECT_EQ(names().size(), 5U);
}

TEST_F(Top, ShowsEverythingAboutOneJob) {
  type("\033[B\r");
  EXPECT_THAT(screen(80, 24),
              AllOf(HasSubstr("stuck: waiting"), HasSubstr("waiting for"), Not(HasSubstr("gamma"))));
  type("q");
  EXPECT_EQ(names().size(), 5U);
}

TEST_F(Top, ScrollsToWhatIsSelected) {
  std::vector<JobStatus> many;
  for (int i = 100; i < 300; ++i) many.push_back(shown("job-" + std::to_string(i), JobState::Idle));
  board_.take(many, kNow);
  type("\033[F");
  EXPECT_THAT(screen(80, 24), AllOf(HasSubstr("job-299"), Not(HasSubstr("job-100"))));
  type("\033[H");
  EXPECT_THAT(screen(80, 24), AllOf(HasSubstr("job-100"), Not(HasSubstr("job-299"))));
  type("\033[6~");
  EXPECT_EQ(selected(), "job-121");
}

TEST_F(Top, SaysThatTheDaemonIsAwayAndKeepsWhatItKnew) {
  board_.trouble("no syncd answers");
  EXPECT_THAT(screen(80, 24), AllOf(HasSubstr("no syncd answers"), HasSubstr("alpha")));
  refresh(3);
  EXPECT_THAT(screen(80, 24), Not(HasSubstr("no syncd answers")));
}

TEST_F(Top, LeavesOnQAndF10) {
  EXPECT_FALSE(board_.press({Key::Text, 'q'}));
  EXPECT_FALSE(board_.press({Key::F10}));
}

TEST(Sparkline, DrawsEachValueByItsPartOfTheLargest) {
  EXPECT_EQ(sparkline({0, 1, 2, 4, 8}, 10), " ▁▂▄█");
  EXPECT_EQ(sparkline({1, 2, 3}, 2), "▆█");
  EXPECT_EQ(sparkline({0, 0}, 4), "  ");
  EXPECT_EQ(sparkline({}, 4), "");
}

TEST(Keys, AreKnownByTheirSequences) {
  const auto all = presses("q\033[A\033[15;2~\033OP\x7f\r\033[[Ax\033");
  std::vector<Key> keys;
  for (const Press& press : all) keys.push_back(press.key);
  EXPECT_THAT(keys, ElementsAre(Key::Text, Key::Up, Key::F1, Key::Backspace, Key::Enter, Key::F1, Key::Text,
                                Key::Escape));
}

}  // namespace
}  // namespace syncd::ctl
