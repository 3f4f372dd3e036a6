#include "daemon/store/llm_journal.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace syncd::store {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + 23h};

LlmRequest request(const std::string& unit, std::uint64_t tokens = 100, const std::string& run = "r1") {
  return {unit, "digest", run, "m",
          LlmUse{tokens / 2, tokens - tokens / 2, static_cast<std::int64_t>(tokens) * 10}};
}

class LlmJournalTest : public ::testing::Test {
 protected:
  std::int64_t begin(const LlmRequest& asked, const LlmBudget& budget = {}, bool hold = false,
                     WallTime now = kNow) {
    return journal_->begin(asked, budget, hold, now);
  }
  void answer(const std::string& unit, std::uint64_t tokens = 100) {
    journal_->answered(begin(request(unit)), {"text of " + unit, "m-1", {tokens, 0, 5}}, kNow);
  }
  void reopen() { journal_.emplace(file_); }

  syncd::test::TempDir folder_;
  std::filesystem::path file_ = folder_ / "llm.db";
  std::optional<LlmJournal> journal_{file_};
};

TEST_F(LlmJournalTest, AnAnswerIsFoundAgainOverARestart) {
  EXPECT_FALSE(journal_->find("a"));
  answer("a");
  reopen();
  ASSERT_TRUE(journal_->find("a"));
  EXPECT_EQ(journal_->find("a")->text, "text of a");
  EXPECT_EQ(journal_->find("a")->model, "m-1");
  EXPECT_EQ(journal_->find("a")->use.cost, 5);
  EXPECT_FALSE(journal_->find("b"));
}

TEST_F(LlmJournalTest, CountsWhatWasPaidThroughIt) {
  EXPECT_TRUE(journal_->used().empty());
  for (const char* unit : {"a", "b"}) {
    journal_->answered(begin(request(unit)), {"text", "m", {11, 4, 31}}, kNow);
  }
  EXPECT_EQ(journal_->used().at("digest").input, 22U);
  EXPECT_EQ(journal_->used().at("digest").output, 8U);
}

TEST_F(LlmJournalTest, AFailedRequestLeavesNoAnswerAndNoDoubt) {
  journal_->failed(begin(request("a")), "status 500", {}, kNow);
  EXPECT_FALSE(journal_->find("a"));
  EXPECT_TRUE(journal_->doubts("").empty());
  EXPECT_EQ(journal_->spending("", 1).at(0).use.input, 0U) << "what is known not to be paid counts nothing";
}

TEST_F(LlmJournalTest, ADoubtIsListedUntilItIsResolved) {
  const auto id = begin(request("a"));
  journal_->in_doubt(id, "the connection broke", kNow);
  ASSERT_EQ(journal_->doubts("digest").size(), 1U);
  EXPECT_EQ(journal_->doubts("").at(0).why, "the connection broke");
  EXPECT_TRUE(journal_->doubts("other").empty());
  EXPECT_FALSE(journal_->resolve(id + 1, true));
  EXPECT_TRUE(journal_->resolve(id, true));
  EXPECT_FALSE(journal_->resolve(id, true));
  EXPECT_TRUE(journal_->doubts("").empty());
  EXPECT_EQ(journal_->spending("", 1).at(0).use.input, 50U) << "it was paid";
}

TEST_F(LlmJournalTest, WhatWasNotPaidCountsNoMore) {
  const auto id = begin(request("a"));
  journal_->in_doubt(id, "cut", kNow);
  EXPECT_TRUE(journal_->resolve(id, false));
  EXPECT_EQ(journal_->spending("", 1).at(0).use.input, 0U);
}

TEST_F(LlmJournalTest, HoldRefusesAUnitInDoubtAndNoOther) {
  const auto id = begin(request("a"));
  journal_->in_doubt(id, "cut", kNow);
  EXPECT_THROW(begin(request("a"), {}, true), HeldBack);
  EXPECT_NO_THROW(begin(request("b"), {}, true));
  EXPECT_NO_THROW(begin(request("a"), {}, false));
  journal_->resolve(id, true);
  EXPECT_NO_THROW(begin(request("a"), {}, true));
}

TEST_F(LlmJournalTest, TheBudgetIsNeverExceeded) {
  LlmBudget budget;
  budget.tokens_per_run = 250;
  begin(request("a"), budget);
  begin(request("b"), budget);
  EXPECT_THROW(begin(request("c"), budget), BudgetSpent) << "two are open and count with their estimates";
  EXPECT_NO_THROW(begin(request("c", 50), budget)) << "exactly what is left";
  EXPECT_THROW(begin(request("d", 1), budget), BudgetSpent);
  EXPECT_NO_THROW(begin(request("d", 100, "r2"), budget)) << "another run";
}

TEST_F(LlmJournalTest, RealFiguresReplaceEstimates) {
  LlmBudget budget;
  budget.tokens_per_run = 150;
  answer("a", 20);
  EXPECT_NO_THROW(begin(request("b"), budget));
}

TEST_F(LlmJournalTest, MoneyIsABudgetToo) {
  LlmBudget budget;
  budget.cost_per_day = 1500;
  begin(request("a"), budget);
  try {
    begin(request("b"), budget);
    ADD_FAILURE();
  } catch (const BudgetSpent& spent) {
    EXPECT_TRUE(spent.daily());
    EXPECT_STREQ(spent.what(),
                 "the budget of 0.0015 for 2026-03-01 is spent: 0.0010 used, about 0.0010 wanted");
  }
}

TEST_F(LlmJournalTest, ADayIsOverOnceAndNeitherRestartNorClockBringItBack) {
  LlmBudget budget;
  budget.tokens_per_day = 100;
  begin(request("a"), budget);
  reopen();
  EXPECT_THROW(begin(request("b"), budget), BudgetSpent);
  EXPECT_NO_THROW(begin(request("b"), budget, false, kNow + 2h)) << "the next day";
  EXPECT_THROW(begin(request("c"), budget, false, kNow + 2h), BudgetSpent);
  EXPECT_THROW(begin(request("c"), budget, false, kNow), BudgetSpent) << "the clock went back";
  EXPECT_THROW(begin(request("c"), budget, false, kNow - 48h), BudgetSpent);
}

TEST_F(LlmJournalTest, SpendingIsToldByDayAndJob) {
  answer("a");
  LlmRequest other = request("b");
  other.job = "other";
  begin(other, {}, false, kNow + 2h);
  const auto all = journal_->spending("", 10);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all.at(0).day, "2026-03-02");
  EXPECT_EQ(all.at(1).job, "digest");
  EXPECT_EQ(all.at(1).use.input, 100U);
  EXPECT_EQ(journal_->spending("", 1).size(), 1U);
  EXPECT_EQ(journal_->spending("digest", 10).size(), 1U);
}

TEST_F(LlmJournalTest, OldAnswersCanBeForgotten) {
  answer("a");
  journal_->forget_answers(kNow - 1h);
  EXPECT_TRUE(journal_->find("a"));
  journal_->forget_answers(kNow + 1h);
  EXPECT_FALSE(journal_->find("a"));
}

TEST_F(LlmJournalTest, WhereWindowsEndedIsKnownOverARestart) {
  journal_->remember_cuts("shape", {{"file", "p0", "p3", 3}, {"file", "p3", "p5", 2}}, kNow);
  journal_->remember_cuts("shape", {{"file", "p3", "p6", 3}}, kNow);
  reopen();
  const auto cut = journal_->cut_at("shape", "file", "p3");
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->reached, "p6") << "the last time counts";
  EXPECT_EQ(cut->rows, 3U);
  EXPECT_FALSE(journal_->cut_at("shape", "file", "p6"));
  EXPECT_FALSE(journal_->cut_at("shape", "other", "p3"));
  EXPECT_FALSE(journal_->cut_at("another", "file", "p3"));
  journal_->forget_answers(kNow + 1s);
  EXPECT_FALSE(journal_->cut_at("shape", "file", "p3"));
}

TEST_F(LlmJournalTest, ARequestThatDiedWithItsProcessIsADoubt) {
  begin(request("own"));
  journal_.reset();
  {
    const sqlite::Handle handle = sqlite::open(file_);
    sqlite::execute(handle.get(), "UPDATE requests SET process = 'an earlier one'");
  }
  reopen();
  ASSERT_EQ(journal_->doubts("").size(), 1U);
  EXPECT_EQ(journal_->doubts("").at(0).unit, "own");
}

TEST_F(LlmJournalTest, AnotherJobsOpenRequestIsNoDoubt) {
  begin(request("a"));
  LlmJournal second(file_);
  EXPECT_TRUE(second.doubts("").empty()) << "the same process is still at it";
}

TEST_F(LlmJournalTest, ADamagedFileIsRefusedNotReplaced) {
  answer("a");
  journal_.reset();
  std::ofstream(file_, std::ios::trunc) << std::string(8192, 'x');
  EXPECT_THROW(LlmJournal{file_}, Error);
}

}  // namespace
}  // namespace syncd::store
