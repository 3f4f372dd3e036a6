// kill -9 of the real daemon while a model answers: every window is delivered once, and asked for twice only
// as often as `syncctl llm ambiguous` lists; with on_ambiguous = "hold" never.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/llm_server.hpp"
#include "tests/support/redis_server.hpp"

namespace syncd::test {
namespace {

constexpr int kUnits = 200;
constexpr int kRowsInAWindow = 10;

class LlmKill : public ::testing::Test {
 protected:
  explicit LlmKill(const std::string& vendor = "openai")
      : syncd_(Connected("postgresql:///nobody"), Connected(redis_.uri()),
               fmt::format("[connections.model]\ntype = '{}'\nbase_url = '{}'\n", vendor,
                           vendor == "openai" ? model_.chat_url() : model_.messages_url())) {
    std::string lines;
    for (int i = 0; i < kUnits * kRowsInAWindow; ++i) lines += fmt::format("line {}\n", i);
    syncd_.folder().write("errors.log", lines);
    // Answers take their time, so that most kills find some under way.
    model_.spoil_all([this](Exchange& exchange, const StreamEvents& events) {
      const auto pause = std::chrono::milliseconds(random_pause());
      exchange.start("text/event-stream");
      exchange.send(events.front());
      if (exchange.be_silent(pause)) exchange.send(joined(StreamEvents(events.begin() + 1, events.end())));
    });
  }
  void write_job(const std::string& on_ambiguous, const std::string& more = "",
                 int rows_in_a_window = kRowsInAWindow) {
    syncd_.folder().write(
        "jobs.d/digest.toml",
        fmt::format(
            "[jobs.digest]\nschedule = 'continuous'\nretry = {{ attempts = 0, backoff = '10ms..200ms' }}\n"
            "[jobs.digest.source]\ntype = 'files'\npaths = ['{}']\nbatch_rows = 100\n"
            "[[jobs.digest.transforms]]\ntype = 'summarize'\nconnection = 'model'\nmodel = 'm'\n"
            "user = '{{{{data}}}}'\nfields = ['line']\nwindow = {{ rows = {} }}\non_ambiguous = '{}'\n{}"
            "[jobs.digest.sink]\ntype = 'redis_stream'\nconnection = 'cache'\nkey = 'digests'\n",
            syncd_.path("errors.log"), rows_in_a_window, on_ambiguous, more));
  }
  int random_pause() {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(random_() % 150);
  }
  void kill_at_random_moments(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      syncd_.start();
      syncd_.process().wait(std::chrono::milliseconds(random_pause() * 2));
      syncd_.process().kill();
    }
  }
  // A column of each summary that was delivered.
  std::vector<std::string> column(const std::string& name) {
    std::vector<std::string> all;
    for (const auto& entry : redis_.command({"XRANGE", "digests", "-", "+"}).elements) {
      const auto& fields = entry.elements.at(1).elements;
      for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        if (fields[i].text == name) all.push_back(fields[i + 1].text);
      }
    }
    return all;
  }
  // The digest of each.
  std::vector<std::string> units() { return column("unit"); }
  std::size_t rows_delivered() {
    std::size_t sum = 0;
    for (const std::string& rows : column("rows")) sum += std::stoul(rows);
    return sum;
  }
  std::size_t delivered() { return units().size(); }
  // How often something was asked that had been asked before.
  std::size_t asked_again() const { return repeated(model_.asked()); }
  static std::size_t repeated(const std::vector<std::string>& asked) {
    return asked.size() - std::set<std::string>(asked.begin(), asked.end()).size();
  }
  std::size_t ambiguous() {
    const std::string listed = syncd_.ctl({"llm", "ambiguous", "--json"}).out;
    return static_cast<std::size_t>(std::count(listed.begin(), listed.end(), '\n'));
  }
  void expect_each_once(std::size_t units_expected = kUnits) {
    EXPECT_EVENTUALLY_EQ(delivered(), units_expected);
    const auto all = units();
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size()) << "one came twice";
  }

  std::mutex mutex_;
  unsigned seed_ = std::random_device{}();
  std::minstd_rand random_{seed_};
  LlmServer model_;
  RedisServer redis_;
  Installation syncd_;
};

TEST_F(LlmKill, WhatIsAskedTwiceIsListed) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  write_job("retry");
  kill_at_random_moments(100);
  syncd_.start();
  expect_each_once();
  EXPECT_LE(asked_again(), ambiguous());
}

TEST_F(LlmKill, WithHoldNothingIsAskedTwice) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  write_job("hold");
  kill_at_random_moments(20);
  EXPECT_EQ(asked_again(), 0U);
  syncd_.start();
  EXPECT_GT(ambiguous(), 0U);
  const std::size_t asked = model_.asked().size();
  EXPECT_LT(asked, static_cast<std::size_t>(kUnits)) << "it waits for the operator";
  EXPECT_EQ(syncd_.ctl({"llm", "resolve", "--yes"}).code, 0);
  EXPECT_EQ(ambiguous(), 0U);
  EXPECT_EQ(syncd_.ctl({"run", "digest"}).code % 75, 0) << "now, unless it has begun by itself";
  expect_each_once();
}

// A window that ends because nothing more is there holds the same rows after a kill, though more have come.
TEST_F(LlmKill, ARowIsInOneQuestionThoughRowsComeMeanwhile) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  syncd_.folder().write("errors.log", "");
  write_job("retry");
  std::size_t lines = 0;
  for (int round = 0; round < 30; ++round) {
    std::ofstream file(syncd_.path("errors.log"), std::ios::app);
    for (int i = random_pause() % 13; i >= 0; --i) file << "line " << lines++ << "\n";
    file.close();
    kill_at_random_moments(1);
  }
  syncd_.start();
  EXPECT_EVENTUALLY_EQ(rows_delivered(), lines);
  std::map<std::string, int> questions;  // that hold a line
  const auto asked = model_.asked();
  for (const std::string& question : std::set<std::string>(asked.begin(), asked.end())) {
    std::istringstream text(question);
    for (std::string line; std::getline(text, line);) {
      if (line.find("\"line\"") != std::string::npos) ++questions[line];
    }
  }
  EXPECT_EQ(questions.size(), lines);
  for (const auto& [line, count] : questions) EXPECT_EQ(count, 1) << line;
  EXPECT_LE(asked_again(), ambiguous());
}

// Above the context each window is several questions, and one about their answers.
TEST_F(LlmKill, QuestionsOfATreeThatAreAskedTwiceAreListed) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  constexpr int kRows = 50;
  constexpr std::size_t kTrees = kUnits * kRowsInAWindow / kRows;
  model_.answer_with([](const std::string& user) {
    return std::vector<std::string>{fmt::format("answer {:x}", std::hash<std::string>()(user))};
  });
  write_job("retry", "context = 256\nmax_tokens = 20\n", kRows);
  kill_at_random_moments(60);
  syncd_.start();
  expect_each_once(kTrees);
  EXPECT_EQ(rows_delivered(), static_cast<std::size_t>(kUnits * kRowsInAWindow));
  const auto asked = model_.asked();
  EXPECT_GE(std::set<std::string>(asked.begin(), asked.end()).size(), 3 * kTrees)
      << "two parts or more, and the root";
  EXPECT_LE(asked_again(), ambiguous());
}

// What is asked together, of each vendor: batches that are still open, whose reply is lost with the process,
// and whose results are being read.
class LlmBatchKill : public LlmKill, public ::testing::WithParamInterface<std::string> {
 protected:
  LlmBatchKill() : LlmKill(GetParam()) { model_.batches().stay_open(3); }
  void write_batch_job(const std::string& on_ambiguous) {
    write_job(on_ambiguous, "mode = 'batch'\nbatch = { poll = '5ms..50ms', requests = 20 }\n");
  }
};

TEST_P(LlmBatchKill, WhatIsPaidTwiceIsListed) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  write_batch_job("retry");
  kill_at_random_moments(40);
  syncd_.start();
  expect_each_once();
  EXPECT_LE(repeated(model_.batches().paid()), ambiguous());
  EXPECT_TRUE(model_.asked().empty()) << "none was streamed";
}

TEST_P(LlmBatchKill, WithHoldNothingIsPaidTwice) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  write_batch_job("hold");
  kill_at_random_moments(40);
  EXPECT_EQ(repeated(model_.batches().paid()), 0U);
  syncd_.start();
  EXPECT_EVENTUALLY([&] {
    syncd_.ctl({"llm", "resolve", "--yes"});
    return delivered() == static_cast<std::size_t>(kUnits);
  }());
  expect_each_once();
}

INSTANTIATE_TEST_SUITE_P(Vendors, LlmBatchKill, ::testing::Values("anthropic", "openai"),
                         [](const auto& vendor) { return vendor.param; });

}  // namespace
}  // namespace syncd::test
