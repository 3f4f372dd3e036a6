// summarize against a model that misbehaves: order, money, and what happens when something goes wrong.
#include "tests/integration/jobs/summarize_fixture.hpp"

namespace syncd::jobs {
namespace {

TEST_F(SummarizeTest, OneRowAWindowWithWhatItCost) {
  make("window = { rows = 10 }");
  const auto out = pass(rows(20));
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(cell(out[0], "summary").substr(0, 11), "Summary of ");
  EXPECT_EQ(cell(out[0], "model"), "test-model-1");
  EXPECT_EQ(cell(out[0], "input_tokens"), "11");
  EXPECT_EQ(cell(out[0], "output_tokens"), "4");
  EXPECT_EQ(cell(out[0], "cost"), "0.000062");
  EXPECT_EQ(cell(out[0], "rows"), "10");
  EXPECT_EQ(cell(out[0], "last"), "p10");
  EXPECT_EQ(cell(out[1], "first"), "p10");
  EXPECT_EQ(out[1].position().text(), "p20");
  EXPECT_EQ(cell(out[0], "unit").size(), 64U);
  // Both are on their way at once: which arrives first is the system's affair.
  EXPECT_THAT(server_.asked(), testing::Contains(testing::HasSubstr(R"({"id":"0","name":"name 0"})")));
}

TEST_F(SummarizeTest, SeveralAreAskedAtOnceAndDeliveredInOrder) {
  make("window = { rows = 10 }\nin_flight = 4");
  std::atomic<int> waiting{0};
  // The first waits until three others were asked: the last answers come first.
  server_.spoil_all([&](Exchange& exchange, const StreamEvents& events) {
    if (++waiting == 1) {
      while (waiting < 4 && exchange.be_silent(1ms)) {
      }
    }
    exchange.start("text/event-stream");
    exchange.send(syncd::test::joined(events));
  });
  const auto out = pass(rows(60));
  ASSERT_EQ(out.size(), 6U);
  for (std::size_t i = 0; i < out.size(); ++i)
    EXPECT_EQ(cell(out[i], "last"), "p" + std::to_string(10 * (i + 1)));
}

TEST_F(SummarizeTest, AnAnswerThatWasReceivedIsNeverAskedForTwice) {
  make("window = { rows = 10 }");
  const auto first = pass(rows(30));
  EXPECT_EQ(server_.asked().size(), 3U);
  restart("run 2");
  const auto again = pass(rows(30));
  EXPECT_EQ(server_.asked().size(), 3U) << "unchanged windows cost nothing";
  ASSERT_EQ(again.size(), first.size());
  EXPECT_EQ(cell(again[2], "summary"), cell(first[2], "summary"));
  restart("run 3");
  pass(rows(40));
  EXPECT_EQ(server_.asked().size(), 4U) << "only what is new";
}

TEST_F(SummarizeTest, AWindowThatCouldHaveGrownIsCutAsItWasAskedAbout) {
  make("window = { rows = 10 }");
  const auto first = pass(rows(15));
  ASSERT_EQ(first.size(), 2U);
  restart("run 2");  // nothing of it was delivered, and more rows have come
  const auto again = pass(rows(30));
  ASSERT_EQ(again.size(), 4U);
  EXPECT_EQ(cell(again[1], "unit"), cell(first[1], "unit"));
  EXPECT_EQ(again[1].position().text(), "p15");
  EXPECT_EQ(cell(again[2], "rows"), "10");
  for (int row = 0; row < 30; ++row) EXPECT_EQ(times("name " + std::to_string(row), server_.asked()), 1U);
}

TEST_F(SummarizeTest, AnotherWindowIsAnotherQuestionWhereTheJobSaysSo) {
  make("window = { rows = 10 }");
  pass(rows(15));
  make("window = { rows = 20 }");
  EXPECT_EQ(cell(pass(rows(20)).at(0), "rows"), "20");
}

TEST_F(SummarizeTest, TheSameQuestionIsAskedOnce) {
  make("window = { rows = 10 }\nfields = [\"name\"]");
  auto same = std::make_shared<std::vector<Batch>>();
  for (int i = 0; i < 4; ++i) {
    Batch batch(test::schema(), Position("", "p" + std::to_string(i + 1)));
    for (int row = 0; row < 10; ++row) {
      batch.push_copy(std::to_string(i));
      batch.push_copy("always the same");
    }
    same->push_back(std::move(batch));
  }
  EXPECT_EQ(pass(test::from_list(same)).size(), 4U);
  EXPECT_EQ(server_.asked().size(), 1U);
}

TEST_F(SummarizeTest, KeysBecomeColumnsOfTheirOwn) {
  make("key = [\"name\"]");
  Batch batch(test::schema(), Position("", "p4"));
  for (const char* name : {"a", "b", "a", "b"}) {
    batch.push_copy("1");
    batch.push_copy(name);
  }
  auto one = std::make_shared<std::vector<Batch>>();
  one->push_back(std::move(batch));
  const auto out = pass(test::from_list(one));
  ASSERT_EQ(out.size(), 1U);
  ASSERT_EQ(out[0].rows(), 2U);
  EXPECT_EQ(cell(out[0], "name", 0) + cell(out[0], "name", 1), "ab");
}

TEST_F(SummarizeTest, WhatPassesIsTriedAgainAsTheVendorWishes) {
  make("window = { rows = 10 }");
  server_.spoil_next(spoil::status(429, "{}", "retry-after-ms: 50\r\n"));
  server_.spoil_next(spoil::cut(100));
  EXPECT_EQ(pass(rows(10)).size(), 1U);
  EXPECT_EQ(server_.asked().size(), 3U);
  ASSERT_EQ(waits_.size(), 2U);
  EXPECT_NE(waits_[0].find("429"), std::string::npos);
  ASSERT_EQ(journal().doubts("digest").size(), 1U) << "the cut one may have to be paid";
}

TEST_F(SummarizeTest, MorePatienceThanAllowedIsTheRunnersAffair) {
  make("window = { rows = 10 }\nlongest_wait = \"1s\"");
  server_.spoil_all(spoil::status(429, "{}", "retry-after: 3600\r\n"));
  try {
    pass(rows(10));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    EXPECT_EQ(error.retry_after(), 3600s);
  }
  EXPECT_EQ(server_.asked().size(), 1U);
}

TEST_F(SummarizeTest, AnAnswerThatIsNoneGoesToTheBadRecords) {
  make("window = { rows = 10 }");
  const StreamEvents refusal = syncd::test::chat_events({"I ", "cannot."}, "content_filter");
  const StreamEvents cut_short = syncd::test::chat_events({"Half"}, "length");
  for (const StreamEvents& events : {refusal, cut_short}) {
    server_.spoil_next([events](Exchange& exchange, const StreamEvents&) {
      exchange.start("text/event-stream");
      exchange.send(syncd::test::joined(events));
    });
  }
  server_.spoil_next(spoil::status(400, R"({"error":{"message":"too long"}})"));
  const auto out = pass(rows(40));
  ASSERT_EQ(out.size(), 4U) << "no position is lost";
  EXPECT_EQ(out[0].rows() + out[1].rows() + out[2].rows() + out[3].rows(), 1U);
  ASSERT_EQ(bad_.size(), 3U);
  EXPECT_NE(bad_[0].record.find("\"unit\":"), std::string::npos) << bad_[0].record;
  EXPECT_TRUE(journal().doubts("").empty());
  EXPECT_GT(journal().spending("", 1).at(0).use.output, 4U) << "what was said was paid";
}

TEST_F(SummarizeTest, ATruncatedAnswerMayBeAskedForWithMoreRoomOrTakenAsItIs) {
  const auto truncated = [](Exchange& exchange, const StreamEvents&) {
    exchange.start("text/event-stream");
    exchange.send(syncd::test::joined(syncd::test::chat_events({"Half"}, "length")));
  };
  make("window = { rows = 10 }\non_truncated = \"raise\"");
  server_.spoil_next(truncated);
  EXPECT_EQ(cell(pass(rows(10)).at(0), "summary").substr(0, 7), "Summary");
  EXPECT_NE(server_.bodies().at(1).find(":400"), std::string::npos) << server_.bodies().at(1);
  make("window = { rows = 10 }\non_truncated = \"accept\"\nsystem = \"other\"");
  server_.spoil_next(truncated);
  EXPECT_EQ(cell(pass(rows(10)).at(0), "summary"), "Half");
}

TEST_F(SummarizeTest, WithASchemaOnlyWhatMeetsItIsAnAnswer) {
  make(R"(window = { rows = 10 }
schema = '{"type":"object","required":["cause"],"properties":{"cause":{"type":"string"}}}')");
  server_.answer_with([](const std::string& user) {
    std::string answer = R"({"cause":"disk"})";
    if (user.find("name 15\"") != std::string::npos) answer = R"({"cause":7})";
    if (user.find("name 25\"") != std::string::npos) answer = "The cause is the disk.";
    if (user.find("name 35\"") != std::string::npos) answer = "```json\n{\"cause\":\"disk\"}\n```\n";
    return std::vector<std::string>{answer};
  });
  const auto out = pass(rows(40));
  ASSERT_EQ(out.size(), 4U);
  EXPECT_EQ(cell(out[0], "summary"), R"({"cause":"disk"})");
  EXPECT_EQ(cell(out[3], "summary"), R"({"cause":"disk"})") << "without the marks around it";
  ASSERT_EQ(bad_.size(), 2U);
  EXPECT_THAT(bad_[0].error, testing::HasSubstr("at /cause: 7 is not of type \"string\""));
  EXPECT_THAT(bad_[1].error, testing::HasSubstr("no JSON"));
  EXPECT_EQ(server_.asked().size(), 4U);
  EXPECT_EQ(journal().spending("", 1).at(0).use.input, 44U) << "what is no answer is paid all the same";
}

TEST_F(SummarizeTest, ASchemaThatIsNoneIsRefused) {
  const config::Findings findings;
  const auto table = config::Table::parse_text(
      "connection = \"model\"\nmodel = \"m\"\nuser = \"{{data}}\"\nschema = '{\"typ\": 1}'", "job.toml",
      findings);
  PlanContext planning(config_, job_);
  summarize().plan(*table, planning);
  EXPECT_NE(findings.text().find("/typ is a keyword that is not known"), std::string::npos)
      << findings.text();
}

TEST_F(SummarizeTest, AKeyThatIsRefusedEndsTheJob) {
  make("window = { rows = 10 }");
  server_.spoil_all(spoil::status(401, R"({"error":{"message":"no such key"}})"));
  try {
    pass(rows(10));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  }
  EXPECT_TRUE(bad_.empty());
}

TEST_F(SummarizeTest, AnAddressOrAModelThatIsNotThereEndsTheRun) {
  make("window = { rows = 10 }");
  server_.spoil_all(spoil::status(404, R"({"error":{"message":"no such model","code":"model_not_found"}})"));
  EXPECT_THAT(failure(rows(30)), testing::HasSubstr("no such model"));
  connect("openai", server_.chat_url() + "/v1");
  make("window = { rows = 10 }");
  EXPECT_THAT(failure(rows(30)), testing::HasSubstr("404"));
  EXPECT_TRUE(bad_.empty()) << "no window is at fault";
}

TEST_F(SummarizeTest, ARefusalIsABadRecordThatSaysSo) {
  make("window = { rows = 10 }");
  StreamEvents events = syncd::test::chat_events({});
  events.insert(events.begin() + 1, "data: {\"choices\":[{\"delta\":{\"refusal\":\"I am sorry.\"}}]}\n\n");
  server_.spoil_next([events](Exchange& exchange, const StreamEvents&) {
    exchange.start("text/event-stream");
    exchange.send(syncd::test::joined(events));
  });
  pass(rows(10));
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_EQ(bad_[0].error, "the model refused: I am sorry.");
}

TEST_F(SummarizeTest, HoldWaitsForSomebodyToLook) {
  make("window = { rows = 10 }\non_ambiguous = \"hold\"");
  server_.spoil_next(spoil::cut(100));
  EXPECT_NE(failure(rows(10)).find("syncctl llm resolve"), std::string::npos);
  restart();
  failure<store::HeldBack>(rows(10));
  EXPECT_EQ(server_.asked().size(), 1U) << "never paid twice";
  ASSERT_EQ(journal().doubts("").size(), 1U);
  journal().resolve(journal().doubts("").at(0).id, false);
  restart();
  EXPECT_EQ(pass(rows(10)).size(), 1U);
}

TEST_F(SummarizeTest, AStopFinishesWhatIsPaidFor) {
  make("window = { rows = 10 }");
  std::atomic<bool> open{false};
  server_.spoil_all([&](Exchange& exchange, const StreamEvents& events) {
    while (!open && exchange.be_silent(1ms)) {
    }
    exchange.start("text/event-stream");
    exchange.send(syncd::test::joined(events));
  });
  const auto stopped = [](loop::EventLoop& loop, Task<> pulling, LlmServer& server, std::atomic<bool>& opened,
                          Task<> closing) -> Task<> {
    coro::AsyncScope scope;
    scope.spawn(std::move(pulling));
    co_await syncd::test::until(loop, [&] { return server.asked().size() == 1; });
    scope.request_stop();
    co_await scope.join();
    opened = true;
    co_await std::move(closing);
  };
  std::vector<Batch> out;
  run_task(loop_, stopped(loop_, pull(transform_->apply(rows(10)), out), server_, open, close()));
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(journal().doubts("").empty());
  restart();
  EXPECT_EQ(pass(rows(10)).size(), 1U);
  EXPECT_EQ(server_.asked().size(), 1U);
}

TEST_F(SummarizeTest, AHardStopLeavesADoubt) {
  make("window = { rows = 10 }");
  server_.spoil_all(spoil::silence(0));
  const auto stopped = [](loop::EventLoop& loop, Task<> pulling, LlmServer& server,
                          Task<> closing) -> Task<> {
    coro::AsyncScope scope;
    scope.spawn(std::move(pulling));
    co_await syncd::test::until(loop, [&] { return server.asked().size() == 1; });
    scope.request_stop();
    scope.spawn(std::move(closing));
    co_await scope.join();
  };
  std::vector<Batch> out;
  run_task(loop_, stopped(loop_, pull(transform_->apply(rows(10)), out), server_, close()));
  EXPECT_EQ(journal().doubts("").size(), 1U);
}

TEST_F(SummarizeTest, RowsWaitForOthersSoLong) {
  make("window = { rows = 1000, time = \"1s\" }");
  const auto endless = [](loop::EventLoop& loop) -> Batches {
    for (std::size_t i = 0;; ++i) {
      Batch batch = test::numbered(i, 1);
      batch.set_caught_up(true);
      co_yield std::move(batch);
      co_await sleep_for(loop, 100ms);
    }
  };
  const auto one = [](Batches from, std::string& count) -> Task<> {
    auto batch = co_await from.next();
    count = cell(*batch, "rows");
  };
  std::string count;
  run_task(loop_, one(transform_->apply(endless(loop_)), count));
  run_task(loop_, close());
  EXPECT_GT(std::stoi(count), 1) << "gathered over a second, not sent one by one";
}

}  // namespace
}  // namespace syncd::jobs
