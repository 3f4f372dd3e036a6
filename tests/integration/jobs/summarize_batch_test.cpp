// mode = "batch": what is asked together is answered later, joined by id, and paid once, whatever happens
// between two steps.  Each test with the batches of both vendors.
#include <set>

#include "tests/integration/jobs/summarize_fixture.hpp"

namespace syncd::jobs {
namespace {

using syncd::test::LlmBatchApi;
using Step = LlmBatchApi::Step;

const std::string kQuick = "batch = { poll = \"1ms..40ms\" }\nwindow = { rows = 10 }\n";

void lose(Exchange& exchange, const std::string&) { exchange.reset(); }
LlmBatchApi::Spoil say(int status, std::string body, std::string headers = "") {
  return [=](Exchange& exchange, const std::string&) {
    exchange.reply(status, "application/json", body, headers);
  };
}
std::string too_long(const std::string& reply) {
  std::string lines = reply;
  const std::size_t ours = lines.find('\n');  // the first one is somebody else's
  lines.insert(lines.find("Summary", ours), std::string(17 * 1024 * 1024, 'x'));
  return lines;
}

class SummarizeBatch : public SummarizeTest, public ::testing::WithParamInterface<std::string> {
 protected:
  SummarizeBatch() { connect(GetParam(), chat() ? server_.chat_url() : server_.messages_url()); }
  bool chat() const { return GetParam() == "openai"; }
  LlmBatchApi& vendor() { return server_.batches(); }
  void make_batch(const std::string& more = "") { make("mode = \"batch\"\n" + kQuick + more); }
  std::vector<std::string> summaries(std::size_t windows) {
    std::vector<std::string> all;
    for (const Batch& batch : pass(rows(windows * 10))) {
      for (std::size_t row = 0; row < batch.rows(); ++row) all.push_back(cell(batch, "summary", row));
    }
    return all;
  }
  // Each question was answered once.
  void expect_paid_once(std::size_t questions) {
    const auto paid = vendor().paid();
    EXPECT_EQ(paid.size(), questions);
    EXPECT_EQ(std::set<std::string>(paid.begin(), paid.end()).size(), questions);
  }
  // Stops as a pause or the end of the daemon does, once `holds`.
  template <class F>
  void pass_until(Batches upstream, F holds) {
    std::vector<Batch> out;
    const auto watched = [](loop::EventLoop& loop, Task<> task, F condition) -> Task<> {
      coro::StopScope soft(nullptr);
      coro::AsyncScope scope(&soft.token());
      const auto guarded = [](Task<> inner) -> Task<> { co_await std::move(inner); };
      scope.spawn(guarded(std::move(task)));
      co_await syncd::test::until(loop, condition);
      scope.request_stop();
      co_await scope.join();
    };
    run_task(loop_, watched(loop_, pull(transform_->apply(std::move(upstream)), out), holds));
    run_task(loop_, close());
    EXPECT_TRUE(out.empty());
  }
  bool says(const std::string& text) const {
    for (const std::string& wait : waits_) {
      if (wait.find(text) != std::string::npos) return true;
    }
    return false;
  }
};

TEST_P(SummarizeBatch, OneBatchForAllWindowsInOrderAtHalfThePrice) {
  make_batch();
  const auto out = pass(rows(50));
  ASSERT_EQ(out.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(cell(out[i], "last"), "p" + std::to_string(10 * (i + 1)));
  EXPECT_EQ(cell(out[0], "summary").substr(0, 11), "Summary of ");
  EXPECT_EQ(cell(out[0], "model"), "test-model-1");
  EXPECT_EQ(cell(out[0], "input_tokens"), "11");
  EXPECT_EQ(cell(out[0], "cost"), "0.000031");
  EXPECT_EQ(vendor().created(), 1U);
  expect_paid_once(5);
  EXPECT_TRUE(server_.asked().empty()) << "none was streamed";
  EXPECT_TRUE(journal().open_batches("digest").empty());
  EXPECT_TRUE(says("of 5 done, since 20")) << "status shows the open batch";
  EXPECT_EQ(vendor().last_body().find("\"stream\""), std::string::npos);
}

TEST_P(SummarizeBatch, EachAnswerIsOfItsOwnQuestion) {
  make_batch();
  server_.answer_with([](const std::string& user) { return std::vector<std::string>{"about ", user}; });
  const auto out = pass(rows(30));
  ASSERT_EQ(out.size(), 3U);
  EXPECT_THAT(cell(out[0], "summary"), testing::HasSubstr("name 9\""));
  EXPECT_THAT(cell(out[1], "summary"), testing::HasSubstr("name 19\""));
  EXPECT_THAT(cell(out[2], "summary"), testing::HasSubstr("name 29\""));
}

TEST_P(SummarizeBatch, ABatchHoldsSoManyAndNoMore) {
  make("mode = \"batch\"\nbatch = { poll = \"1ms..40ms\", requests = 2 }\nwindow = { rows = 10 }");
  EXPECT_EQ(summaries(5).size(), 5U);
  EXPECT_EQ(vendor().created(), 3U);
  expect_paid_once(5);
}

TEST_P(SummarizeBatch, AnOpenBatchIsLeftAtOnceAndTakenUpAgain) {
  make_batch();
  vendor().stay_open(1'000'000);
  pass_until(rows(30), [this] { return vendor().count(Step::Look) >= 2; });
  ASSERT_EQ(journal().open_batches("digest").size(), 1U);
  restart("run 2");
  vendor().stay_open(1);
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 1U);
  expect_paid_once(3);
  EXPECT_TRUE(journal().doubts("").empty());
}

TEST_P(SummarizeBatch, WhatAnOpenBatchHoldsIsNotAskedAgainThoughItsWindowCouldGrow) {
  make_batch();
  vendor().stay_open(1'000'000);
  pass_until(rows(15), [this] { return vendor().count(Step::Look) >= 2; });
  restart("run 2");
  vendor().stay_open(1);
  EXPECT_EQ(summaries(3).size(), 4U);
  EXPECT_EQ(vendor().created(), 2U);
  for (int row = 0; row < 30; ++row) EXPECT_EQ(times("name " + std::to_string(row), vendor().paid()), 1U);
  EXPECT_TRUE(journal().doubts("").empty());
}

TEST_P(SummarizeBatch, AnOpenBatchIsTakenUpThoughTheModeIsAnotherOne) {
  make_batch();
  vendor().stay_open(1'000'000);
  pass_until(rows(30), [this] { return vendor().count(Step::Look) >= 2; });
  vendor().stay_open(1);
  make("window = { rows = 10 }");
  EXPECT_EQ(summaries(4).size(), 4U);
  expect_paid_once(3);
  EXPECT_EQ(server_.asked().size(), 1U) << "what is new is streamed";
}

TEST_P(SummarizeBatch, WhatAnOpenBatchHoldsIsFetchedThoughTheQuestionsAreOthersNow) {
  make_batch();
  vendor().stay_open(1'000'000);
  pass_until(rows(30), [this] { return vendor().count(Step::Look) >= 2; });
  vendor().stay_open(0);
  make("window = { rows = 10 }\ntemperature = 0.5");
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(server_.asked().size(), 3U) << "the others are streamed";
  EXPECT_TRUE(journal().open_batches("digest").empty());
  restart("run 3");
  make("window = { rows = 10 }");
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(server_.asked().size(), 3U) << "what was paid for is known when it is asked for again";
  expect_paid_once(3);
}

TEST_P(SummarizeBatch, ALostReplyIsNoReasonToPayAgain) {
  make_batch();
  vendor().add_foreign(true, 3);
  vendor().spoil_next(Step::Create, lose);
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 1U) << "the orphan was adopted";
  expect_paid_once(3);
  EXPECT_TRUE(journal().doubts("").empty());
}

TEST_P(SummarizeBatch, ALostReplyIsNoReasonToPayAgainAfterARestart) {
  make_batch();
  vendor().spoil_next(Step::Create, lose);
  for (int i = 0; i < 4; ++i) vendor().spoil_next(Step::List, say(503, "{}"));
  EXPECT_THAT(failure(rows(30)), testing::HasSubstr("503"));
  ASSERT_EQ(journal().open_batches("digest").size(), 1U);
  restart("run 2");
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 1U);
  EXPECT_TRUE(journal().doubts("").empty());
}

TEST_P(SummarizeBatch, AReplyOfTheWrongTypeIsALostOne) {
  make_batch();
  vendor().spoil_next(Step::Create, [](Exchange& exchange, const std::string&) {
    exchange.reply(200, "text/html", "<html>please log in</html>");
  });
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 1U);
}

TEST_P(SummarizeBatch, ABatchThatNobodyListsIsInDoubt) {
  make_batch();
  vendor().spoil_next(Step::Create, lose, /*done=*/false);
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 1U);
  EXPECT_EQ(journal().doubts("digest").size(), 3U) << "each request is listed";
}

TEST_P(SummarizeBatch, WithHoldWhatIsInDoubtIsNotAskedAgain) {
  make_batch("on_ambiguous = \"hold\"");
  vendor().spoil_next(Step::Create, lose, /*done=*/false);
  EXPECT_THAT(failure<store::HeldBack>(rows(30)), testing::HasSubstr("syncctl llm resolve"));
  EXPECT_EQ(vendor().created(), 0U);
  for (const auto& doubt : journal().doubts("")) journal().resolve(doubt.id, false);
  restart("run 2");
  EXPECT_EQ(summaries(3).size(), 3U);
  expect_paid_once(3);
}

TEST_P(SummarizeBatch, TooFastIsWaitedForAndCostsNothing) {
  make_batch();
  vendor().spoil_next(
      Step::Create,
      say(429, R"({"error":{"type":"rate_limit_error","message":"slow down"}})", "retry-after-ms: 20\r\n"),
      /*done=*/false);
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 1U);
  EXPECT_EQ(journal().spending("digest", 1).at(0).use.input, 33U);
  EXPECT_TRUE(journal().doubts("").empty());
  EXPECT_TRUE(says("slow down"));
}

TEST_P(SummarizeBatch, ARefusedBatchEndsTheRunAndNoRecordIsLost) {
  make_batch();
  vendor().spoil_next(Step::Create, say(400, R"({"error":{"type":"invalid_request_error","message":"bad"}})"),
                      /*done=*/false);
  EXPECT_THAT(failure(rows(30)), testing::HasSubstr("bad"));
  EXPECT_TRUE(bad_.empty());
  EXPECT_TRUE(journal().open_batches("digest").empty());
}

TEST_P(SummarizeBatch, WhatExpiredIsAskedAgainAndOnlyThat) {
  make_batch();
  vendor().outcome([](const std::string& user, std::size_t batch) {
    return batch == 1 && user.find("name 15") != std::string::npos ? "expired" : "succeeded";
  });
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 2U);
  EXPECT_EQ(vendor().asked().size(), 4U) << "three, and the one that expired";
  expect_paid_once(3);
  EXPECT_TRUE(journal().doubts("").empty());
}

TEST_P(SummarizeBatch, AnInvalidRequestConcernsItsOwnRecordAlone) {
  make_batch();
  vendor().outcome([](const std::string& user, std::size_t) {
    if (user.find("name 15") != std::string::npos) return "errored";
    return user.find("name 25") != std::string::npos ? "refused" : "succeeded";
  });
  EXPECT_EQ(summaries(4).size(), 2U);
  EXPECT_EQ(bad_.size(), 2U);
  EXPECT_EQ(vendor().created(), 1U);
  EXPECT_EQ(journal().spending("digest", 1).at(0).use.input, 33U) << "a refusal is paid, an error is not";
}

TEST_P(SummarizeBatch, ASchemaIsForBatchesToo) {
  make_batch("schema = '{\"type\":\"object\"}'");
  server_.answer_with([](const std::string& user) {
    const bool text = user.find("name 15\"") != std::string::npos;
    return std::vector<std::string>{text ? "in words" : "{}"};
  });
  EXPECT_EQ(summaries(3).size(), 2U);
  EXPECT_EQ(bad_.size(), 1U);
  EXPECT_EQ(vendor().created(), 1U);
}

TEST_P(SummarizeBatch, ATruncatedAnswerGetsMoreRoom) {
  make_batch("on_truncated = \"raise\"");
  vendor().outcome([](const std::string& user, std::size_t batch) {
    return batch == 1 && user.find("name 15") != std::string::npos ? "truncated" : "succeeded";
  });
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 2U);
  EXPECT_THAT(vendor().last_body(), testing::HasSubstr("400")) << "four times the limit";
}

TEST_P(SummarizeBatch, ACutFileOfResultsIsReadAgain) {
  make_batch();
  vendor().spoil_next(Step::Results, [](Exchange& exchange, const std::string& reply) {
    exchange.start("application/x-jsonl");
    exchange.send(reply.substr(0, reply.size() / 2));
  });
  vendor().spoil_next(Step::Results, [](Exchange& exchange, const std::string& reply) {
    exchange.start("application/x-jsonl");
    exchange.send(reply.substr(0, reply.find('\n') + 1));  // between two lines
  });
  EXPECT_EQ(summaries(6).size(), 6U);
  expect_paid_once(6);
}

TEST_P(SummarizeBatch, ResultsThatAreAPageForPeopleAreNone) {
  make_batch();
  vendor().spoil_next(Step::Results, [](Exchange& exchange, const std::string&) {
    exchange.reply(200, "text/html", "<html>please log in</html>");
  });
  EXPECT_THAT(failure(rows(30)), testing::HasSubstr("text/html"));
  restart("run 2");
  EXPECT_EQ(summaries(3).size(), 3U);
  expect_paid_once(3);
}

TEST_P(SummarizeBatch, AHugeAnswerIsNoneAndListed) {
  make_batch();
  vendor().spoil_next(Step::Results, [](Exchange& exchange, const std::string& reply) {
    exchange.reply(200, "application/x-jsonl", too_long(reply));
  });
  EXPECT_THAT(failure(rows(30)), testing::HasSubstr("too long"));
  EXPECT_EQ(journal().doubts("").size(), 1U) << "it was paid, and nobody has it";
}

TEST_P(SummarizeBatch, ABatchThatIsGoneIsInDoubt) {
  make_batch();
  vendor().spoil_next(Step::Look, say(404, R"({"error":{"type":"not_found_error","message":"gone"}})"));
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 2U);
  EXPECT_EQ(journal().doubts("digest").size(), 3U);
}

TEST_P(SummarizeBatch, ATroubledVendorIsLookedAtAgain) {
  make_batch();
  vendor().spoil_next(Step::Look, say(529, R"({"error":{"type":"overloaded_error","message":"busy"}})"));
  vendor().spoil_next(Step::Look, lose);
  vendor().spoil_next(Step::Results, say(500, ""));
  EXPECT_EQ(summaries(3).size(), 3U);
  expect_paid_once(3);
}

TEST_P(SummarizeBatch, TheBudgetHoldsForABatchToo) {
  make_batch("budget = { tokens_per_run = 250 }");
  EXPECT_THAT(failure<store::BudgetSpent>(rows(50)), testing::HasSubstr("budget"));
  EXPECT_LT(vendor().asked().size(), 5U);
  EXPECT_GT(vendor().asked().size(), 0U) << "what it allows is asked";
}

TEST_P(SummarizeBatch, WhatTheBudgetHasRoomForOnceABatchIsAnsweredIsInTheNextOne) {
  make_batch("budget = { tokens_per_run = 900 }");
  EXPECT_EQ(summaries(5).size(), 5U);
  EXPECT_EQ(vendor().created(), 2U);
  expect_paid_once(5);
}

TEST_P(SummarizeBatch, AutoStreamsAFewAndBatchesMany) {
  job_.schedule = "@daily";
  make("mode = \"auto\"\nbatch = { poll = \"1ms..40ms\", auto_from = 4 }\nwindow = { rows = 10 }");
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(server_.asked().size(), 3U);
  EXPECT_EQ(vendor().created(), 0U);
  restart("run 2");
  EXPECT_EQ(summaries(8).size(), 8U);
  EXPECT_EQ(vendor().created(), 1U);
  EXPECT_EQ(vendor().asked().size(), 5U) << "three were known";
}

TEST_P(SummarizeBatch, AutoStreamsWhereTheScheduleCannotWait) {
  job_.schedule = "every 5m";
  make("mode = \"auto\"\nbatch = { poll = \"1ms..40ms\", auto_from = 1 }\nwindow = { rows = 10 }");
  EXPECT_EQ(summaries(3).size(), 3U);
  EXPECT_EQ(vendor().created(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Vendors, SummarizeBatch, ::testing::Values("anthropic", "openai"),
                         [](const auto& vendor) { return vendor.param; });

}  // namespace
}  // namespace syncd::jobs
