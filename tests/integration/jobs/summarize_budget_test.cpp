// Budgets: what is asked is what they have room for, whatever is asked at the same time.
#include "jobs/llm/provider.hpp"
#include "tests/integration/jobs/summarize_fixture.hpp"

namespace syncd::jobs {
namespace {

// About 111 + 100 tokens are reserved for a window, 15 are used.
class SummarizeBudget : public SummarizeTest {
 protected:
  // Ends what waits for room behind one that is silent, as a pause or the end of the daemon does.
  void stop_while_one_waits(bool hard) {
    std::atomic<bool> open{false};
    server_.spoil_all([&](Exchange& exchange, const StreamEvents& events) {
      while (!open && exchange.be_silent(1ms)) {
      }
      exchange.start("text/event-stream");
      exchange.send(syncd::test::joined(events));
    });
    const auto stopped = [](loop::EventLoop& loop, Task<> pulling, LlmServer& server,
                            std::atomic<bool>& opened, Task<> closing, bool at_once) -> Task<> {
      coro::AsyncScope scope;
      scope.spawn(std::move(pulling));
      co_await syncd::test::until(loop, [&] { return server.asked().size() == 1; });
      scope.request_stop();
      if (at_once) scope.spawn(std::move(closing));
      co_await scope.join();
      opened = true;
      if (!at_once) co_await std::move(closing);
    };
    std::vector<Batch> out;
    run_task(loop_, stopped(loop_, pull(transform_->apply(rows(40)), out), server_, open, close(), hard));
    EXPECT_TRUE(out.empty());
  }
};

TEST_F(SummarizeBudget, ABudgetStopsBeforeItIsExceeded) {
  make("window = { rows = 10 }\nin_flight = 1\nbudget = { tokens_per_run = 500 }");
  const std::string why = failure<store::BudgetSpent>(rows(1000));
  EXPECT_NE(why.find("500 tokens"), std::string::npos) << why;
  const std::size_t asked = server_.asked().size();
  EXPECT_GT(asked, 5U);
  EXPECT_LE(journal().spending("", 1).at(0).use.input + journal().spending("", 1).at(0).use.output, 500U);
  restart();
  failure<store::BudgetSpent>(rows(1000));
  EXPECT_EQ(server_.asked().size(), asked) << "another attempt of the same run has no other budget";
  restart("run 2");
  failure<store::BudgetSpent>(rows(1000));
  EXPECT_GT(server_.asked().size(), asked);
}

TEST_F(SummarizeBudget, MoneyIsABudgetWhereThePriceIsKnown) {
  make("window = { rows = 10 }\nin_flight = 1\nbudget = { money_per_day = 0.002 }");
  failure<store::BudgetSpent>(rows(1000));
  EXPECT_LE(journal().spending("", 1).at(0).use.cost, 2000);
  const config::Findings findings;
  const auto table = config::Table::parse_text(
      "connection = \"model\"\nmodel = \"unknown\"\nuser = \"{{data}}\"\nbudget = { money_per_day = 1 }",
      "job.toml", findings);
  PlanContext planning(config_, job_);
  summarize().plan(*table, planning);
  EXPECT_NE(findings.text().find("price"), std::string::npos) << findings.text();
}

TEST_F(SummarizeBudget, IsNotSpentWhileOpenQuestionsHoldTheRoom) {
  for (const char* budget :
       {"tokens_per_run = 400", "tokens_per_day = 600", "money_per_run = 0.002", "money_per_day = 0.005"}) {
    make(std::string("window = { rows = 10 }\nin_flight = 4\nsystem = \"") + budget + "\"\nbudget = { " +
         budget + " }");
    restart(budget);
    EXPECT_EQ(pass(rows(100)).size(), 10U) << budget;
  }
}

TEST_F(SummarizeBudget, IsSpentAfterAsManyQuestionsHoweverManyAreAskedAtOnce) {
  make("window = { rows = 10 }\nin_flight = 4\nbudget = { tokens_per_run = 500 }");
  const std::string why = failure<store::BudgetSpent>(rows(1000));
  const store::LlmUse used = journal().spending("", 1).at(0).use;
  EXPECT_THAT(why, testing::HasSubstr(fmt::format("{} used", used.input + used.output)));
  EXPECT_LE(used.input + used.output, 500U);
  EXPECT_GT(server_.asked().size(), 15U);
}

TEST_F(SummarizeBudget, WhoWaitsForRoomKeepsNobodyElseFromTheModel) {
  make("window = { rows = 10 }\nin_flight = 4\nbudget = { tokens_per_run = 300 }");
  std::atomic<bool> open{false};
  server_.spoil_all([&](Exchange& exchange, const StreamEvents& events) {
    while (!open && exchange.be_silent(1ms)) {
    }
    exchange.start("text/event-stream");
    exchange.send(syncd::test::joined(events));
  });
  const auto another = [](llm::Provider& provider, LlmServer& server, loop::EventLoop& loop, Task<> pulling,
                          std::atomic<bool>& opened) -> Task<> {
    coro::AsyncScope scope;
    scope.spawn(std::move(pulling));
    co_await syncd::test::until(loop, [&] { return server.asked().size() == 1; });
    std::vector<llm::Provider::Permit> rest;
    for (int i = 0; i < 3; ++i) {
      auto permit = co_await provider.admit(1);
      rest.push_back(std::move(permit));
    }
    rest.clear();
    opened = true;
    co_await scope.join();
  };
  std::vector<Batch> out;
  run_task(loop_, another(connections_->model("model"), server_, loop_,
                          pull(transform_->apply(rows(30)), out), open));
  run_task(loop_, close());
  EXPECT_EQ(out.size(), 3U);
}

TEST_F(SummarizeBudget, AStopEndsTheWaitForRoom) {
  make("window = { rows = 10 }\nin_flight = 4\nbudget = { tokens_per_run = 250 }");
  stop_while_one_waits(/*hard=*/true);
  EXPECT_EQ(server_.asked().size(), 1U);
  EXPECT_EQ(journal().doubts("").size(), 1U);
}

TEST_F(SummarizeBudget, NobodyIsAskedAnyMoreOnceTheRunEnds) {
  make("window = { rows = 10 }\nin_flight = 4\nbudget = { tokens_per_run = 250 }");
  stop_while_one_waits(/*hard=*/false);
  EXPECT_EQ(server_.asked().size(), 1U) << "what is paid for is waited for, nothing else begun";
  EXPECT_TRUE(journal().doubts("").empty());
}

}  // namespace
}  // namespace syncd::jobs
