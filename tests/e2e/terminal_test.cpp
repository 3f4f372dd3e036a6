// What a person sees on a terminal, in tmux: top, follow, and the progress of a run.
#include <gmock/gmock.h>

#include "tests/e2e/daemon.hpp"
#include "tests/support/tmux.hpp"

namespace syncd::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string folder_of(const std::string& program) { return program.substr(0, program.rfind('/')); }

class OnATerminal : public ::testing::Test {
 protected:
  explicit OnATerminal() : daemon_(100) {
    daemon_.write_job("nightly", "manual");
    daemon_.start();
  }
  // A terminal whose shell knows how to reach the daemon.
  std::unique_ptr<Tmux> terminal(int width, int height) {
    auto made = std::make_unique<Tmux>(width, height, folder_of(SYNCCTL_BINARY));
    made->type("export SYNCD_SOCKET=" + daemon_.path("control.sock") + "; clear\n");
    return made;
  }
  // Starts top between two looks at how the terminal is set.
  void start_top(const Tmux& tmux) {
    tmux.type(
        "a=$(stty -g); syncctl top; echo \"ended with $?\"; [ \"$a\" = \"$(stty -g)\" ] && echo as before\n");
    ASSERT_EVENTUALLY(tmux.shows("2 jobs") && tmux.shows("F10 quit"));
  }
  void expect_left(const Tmux& tmux) {
    EXPECT_EVENTUALLY(tmux.shows("ended with 0\nas before"));
    EXPECT_TRUE(tmux.cursor_shown());
    EXPECT_FALSE(tmux.shows("F10 quit"));
  }

  Daemon daemon_;
};

TEST_F(OnATerminal, TopFillsItAndFollowsItsSize) {
  const auto tmux = terminal(80, 24);
  start_top(*tmux);
  EXPECT_FALSE(tmux->cursor_shown());
  auto lines = tmux->lines();
  ASSERT_EQ(lines.size(), 24U);
  EXPECT_THAT(lines[0], HasSubstr("1 running, 1 idle"));
  EXPECT_THAT(lines[1], StartsWith("JOB"));
  EXPECT_THAT(lines[2], StartsWith("users"));
  EXPECT_THAT(lines[3], StartsWith("nightly"));
  EXPECT_THAT(lines[23], StartsWith("F1 help"));

  tmux->resize(200, 50);
  EXPECT_EVENTUALLY(tmux->lines().back().starts_with("F1 help"));
  EXPECT_EQ(tmux->lines().size(), 50U);
  EXPECT_THAT(tmux->lines()[1], HasSubstr("ROWS/S"));
  EXPECT_THAT(tmux->lines()[1], EndsWith(" ROWS"));

  tmux->resize(40, 8);
  EXPECT_EVENTUALLY(tmux->lines().size() == 8 && tmux->lines().back().starts_with("F1 help"));
  tmux->press("q");
  expect_left(*tmux);
}

TEST_F(OnATerminal, TopIsSteeredByKeys) {
  const auto tmux = terminal(100, 24);
  start_top(*tmux);
  tmux->press("N");
  EXPECT_EVENTUALLY(tmux->lines()[2].starts_with("nightly"));
  tmux->press("Down");
  tmux->press("Enter");
  EXPECT_EVENTUALLY(tmux->shows("pipeline"));
  tmux->press("Escape");
  EXPECT_EVENTUALLY(tmux->shows("nightly"));
  tmux->type("/use");
  EXPECT_EVENTUALLY(tmux->shows("only *use_*") && !tmux->shows("nightly"));
  tmux->press("Escape");
  EXPECT_EVENTUALLY(tmux->shows("nightly"));
  tmux->press("F1");
  EXPECT_EVENTUALLY(tmux->shows("everything about it"));
  tmux->press("F10");
  expect_left(*tmux);
}

TEST_F(OnATerminal, TopShowsWhatHappensMeanwhile) {
  const auto tmux = terminal(100, 24);
  start_top(*tmux);
  daemon_.ctl({"pause", "users", "--reason", "migration"});
  EXPECT_EVENTUALLY(tmux->shows("paused: migration"));
  daemon_.process().terminate();
  EXPECT_EVENTUALLY(tmux->shows("no syncd answers"));
  EXPECT_TRUE(tmux->shows("paused: migration")) << "what was known stays";
  daemon_.start();
  EXPECT_EVENTUALLY(!tmux->shows("no syncd answers"));
  tmux->press("C-c");
  expect_left(*tmux);
}

TEST_F(OnATerminal, TopIsPutAsideAndTakenUpAgain) {
  const auto tmux = terminal(80, 24);
  start_top(*tmux);
  tmux->press("C-z");
  EXPECT_EVENTUALLY(tmux->shows("Stopped"));
  EXPECT_TRUE(tmux->cursor_shown());
  tmux->type("fg\n");
  EXPECT_EVENTUALLY(tmux->shows("2 jobs") && tmux->shows("F10 quit"));
  tmux->press("q");
  EXPECT_EVENTUALLY(!tmux->shows("F10 quit") && tmux->cursor_shown());
}

TEST_F(OnATerminal, ARunThatIsWaitedForShowsItsProgressInOneLine) {
  daemon_.sql("BEGIN; INSERT INTO users SELECT n, 'more' FROM generate_series(1000, 60000) n; COMMIT");
  const auto tmux = terminal(80, 24);
  tmux->type("syncctl run nightly --wait\n");
  EXPECT_EVENTUALLY(tmux->shows("nightly: succeeded"));
  const std::string text = tmux->text();
  EXPECT_EQ(text.find("nightly: running"), std::string::npos) << "the progress line is gone:\n" << text;
}

TEST_F(OnATerminal, CtrlCEndsTheWaitingNotTheRun) {
  const auto tmux = terminal(80, 24);
  daemon_.write_job("held", "manual", "", "type = \"redis_hash\"\nkey = \"held:{id}\"\n",
                    "[[jobs.held.transforms]]\ntype = \"throttle\"\nrows_per_second = 20\n");
  EXPECT_EQ(daemon_.ctl({"reload"}).code, 0);
  tmux->type("syncctl run held --wait; echo \"ended with $?\"\n");
  EXPECT_EVENTUALLY(tmux->shows("held: running"));
  tmux->press("C-c");
  EXPECT_EVENTUALLY(tmux->shows("$ ") && daemon_.state("held") == "running");
}

TEST_F(OnATerminal, FollowShowsWhatPassesUntilCtrlC) {
  for (const auto& [width, height] : {std::pair(80, 24), std::pair(200, 50)}) {
    const auto tmux = terminal(width, height);
    tmux->type("syncctl follow users; echo \"ended with $?\"\n");
    EXPECT_EVENTUALLY([&] {
      daemon_.sql(
          "UPDATE users SET name = E'\\x1b[2Jgone \\u202e', updated_at = clock_timestamp() WHERE id = 7");
      return tmux->shows("\"id\":7") && tmux->shows("-- caught up");
    }());
    EXPECT_TRUE(tmux->shows("syncctl follow users")) << "nothing cleared the screen:\n" << tmux->text();
    tmux->resize(100, 30);
    tmux->press("C-c");
    EXPECT_EVENTUALLY(tmux->shows("$ "));
    EXPECT_TRUE(tmux->cursor_shown());
  }
}

TEST_F(OnATerminal, TopWithoutATerminalSaysWhatToUse) {
  const Finished finished = daemon_.ctl({"top"});
  EXPECT_EQ(finished.code, 64);
  EXPECT_THAT(finished.err, HasSubstr("syncctl status"));
}

}  // namespace
}  // namespace syncd::test
