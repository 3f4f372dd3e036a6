// Batches in the journal: what was asked together is found again over a restart, and counted once.
#include <gtest/gtest.h>

#include "daemon/store/llm_journal.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::store {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kBatchNow{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + 12h};

LlmRequest batch_request(const std::string& unit, std::uint64_t tokens = 100) {
  return {unit, "digest", "r1", "m", LlmUse{tokens / 2, tokens - tokens / 2, 10}};
}

class LlmBatchesTest : public ::testing::Test {
 protected:
  LlmPlan plan(const std::vector<LlmRequest>& requests, const LlmBudget& budget = {}, bool hold = false) {
    return journal_->plan_batch("model", "marker" + std::to_string(++markers_), requests, budget, hold,
                                kBatchNow);
  }
  LlmBatch open(const std::vector<LlmRequest>& requests) {
    LlmBatch batch = *plan(requests).batch;
    journal_->creating(batch, kBatchNow);
    journal_->opened(batch, "vendor" + std::to_string(batch.id));
    return batch;
  }
  std::uint64_t spent() { return journal_->spending("digest", 1).at(0).use.input; }
  void reopen() { journal_.emplace(file_); }

  syncd::test::TempDir folder_;
  std::filesystem::path file_ = folder_ / "llm.db";
  std::optional<LlmJournal> journal_{file_};
  int markers_ = 0;
};

TEST_F(LlmBatchesTest, AnOpenBatchIsFoundAgainOverARestart) {
  const LlmBatch batch = open({batch_request("a"), batch_request("b")});
  reopen();
  const auto open = journal_->open_batches("digest");
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].state, LlmBatch::State::Open);
  EXPECT_EQ(open[0].vendor_id, batch.vendor_id);
  EXPECT_EQ(open[0].marker, batch.marker);
  EXPECT_EQ(open[0].requests, 2U);
  EXPECT_TRUE(journal_->open_batches("other").empty());
  EXPECT_TRUE(journal_->knows_batch("model", batch.vendor_id));
  EXPECT_FALSE(journal_->knows_batch("other", batch.vendor_id));
  EXPECT_TRUE(journal_->in_batch("a"));
  EXPECT_FALSE(journal_->in_batch("c"));
  EXPECT_TRUE(journal_->doubts("").empty()) << "its fate is known: it is open";
}

TEST_F(LlmBatchesTest, EachStepIsRemembered) {
  LlmBatch batch = *plan({batch_request("a")}).batch;
  EXPECT_EQ(journal_->open_batches("digest").at(0).state, LlmBatch::State::Planned);
  journal_->creating(batch, kBatchNow + 1s);
  reopen();
  EXPECT_EQ(journal_->open_batches("digest").at(0).state, LlmBatch::State::Creating);
  EXPECT_EQ(journal_->open_batches("digest").at(0).since, kBatchNow + 1s);
}

TEST_F(LlmBatchesTest, ResultsAreJoinedByUnitAndTakenOnce) {
  const LlmBatch batch = open({batch_request("aaa1"), batch_request("aab2")});
  EXPECT_FALSE(journal_->batched(batch, "zzz"));
  const auto found = journal_->batched(batch, "aab");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->unit, "aab2");
  EXPECT_EQ(found->estimate.input, 50U);
  journal_->settle({{found->id, LlmAnswer{"text", "m-1", {7, 3, 2}}, "", {}}}, kBatchNow);
  EXPECT_FALSE(journal_->batched(batch, "aab")) << "settled already";
  EXPECT_EQ(journal_->find("aab2")->text, "text");
  EXPECT_EQ(journal_->unsettled(batch), 1U);
  EXPECT_EQ(spent(), 57U);
}

TEST_F(LlmBatchesTest, WhatTheVendorDidNotDoCostsNothing) {
  const LlmBatch batch = open({batch_request("a"), batch_request("b")});
  journal_->settle({{journal_->batched(batch, "a")->id, std::nullopt, "refused", {7, 3, 2}}}, kBatchNow);
  journal_->end_batch(batch, false, "expired", kBatchNow);
  EXPECT_EQ(spent(), 7U);
  EXPECT_TRUE(journal_->open_batches("digest").empty());
  EXPECT_TRUE(journal_->doubts("").empty());
  EXPECT_FALSE(journal_->in_batch("b"));
  EXPECT_TRUE(journal_->knows_batch("model", batch.vendor_id)) << "it is not taken for an orphan";
}

TEST_F(LlmBatchesTest, ABatchOfUnknownFateIsListedRequestByRequest) {
  const LlmBatch batch = *plan({batch_request("a"), batch_request("b")}).batch;
  journal_->end_batch(batch, true, "the reply was lost", kBatchNow);
  ASSERT_EQ(journal_->doubts("digest").size(), 2U);
  EXPECT_EQ(spent(), 100U) << "it may have to be paid";
  const LlmPlan again = plan({batch_request("a"), batch_request("c")}, {}, true);
  ASSERT_TRUE(again.batch);
  EXPECT_EQ(again.batch->requests, 1U);
  EXPECT_THROW(std::rethrow_exception(again.refused[0]), HeldBack);
  EXPECT_FALSE(again.refused[1]);
}

TEST_F(LlmBatchesTest, TheBudgetCountsWhatIsInTheSameBatch) {
  LlmBudget budget;
  budget.tokens_per_day = 250;
  const LlmPlan first =
      plan({batch_request("a"), batch_request("b"), batch_request("c"), batch_request("d", 40)}, budget);
  EXPECT_EQ(first.batch->requests, 3U) << "a smaller one still fits";
  EXPECT_THROW(std::rethrow_exception(first.refused[2]), BudgetSpent);
  const LlmPlan second = plan({batch_request("e")}, budget);
  EXPECT_FALSE(second.batch);
  EXPECT_THROW(std::rethrow_exception(second.refused[0]), BudgetSpent);
  EXPECT_EQ(journal_->open_batches("digest").size(), 1U) << "an empty batch is none";
}

TEST_F(LlmBatchesTest, AJournalOfTheVersionBeforeIsBroughtUp) {
  journal_.reset();
  {
    const auto handle = sqlite::open(file_);
    sqlite::execute(handle.get(),
                    "DROP TABLE cuts; DROP TABLE batches; DROP INDEX batched; DROP INDEX batched_units;"
                    "ALTER TABLE requests DROP COLUMN batch; PRAGMA user_version = 1");
  }
  reopen();
  EXPECT_EQ(plan({batch_request("a")}).batch->requests, 1U);
}

}  // namespace
}  // namespace syncd::store
