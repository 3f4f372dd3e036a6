// A provider against a model that misbehaves: each way is a classified error, never an answer.
#include "jobs/llm/provider.hpp"

#include <gtest/gtest.h>

#include "tests/support/llm_server.hpp"
#include "tests/support/port.hpp"
#include "tests/support/run_task.hpp"

namespace syncd::llm {
namespace {

using namespace std::chrono_literals;
using syncd::test::Exchange;
using syncd::test::LlmServer;
using syncd::test::run_task;
using syncd::test::StreamEvents;
namespace spoil = syncd::test::spoil;

struct Heard {
  std::string text;
  std::optional<End> end;
};

coro::Task<Heard> heard(Provider& provider, Ask ask) {
  Heard all;
  const auto permit = co_await provider.admit(100);
  Pieces pieces = provider.stream(std::move(ask));
  while (auto piece = co_await pieces.next()) {
    EXPECT_FALSE(all.end) << "a piece after the end";
    all.text += piece->text;
    if (piece->end) all.end = piece->end;
  }
  co_return all;
}

class ProviderTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { connect(""); }
  void connect(const std::string& more) {
    const bool messages = GetParam() == "anthropic";
    const config::Findings findings;
    table_ = *config::Table::parse_text("api_key = \"secret\"\nbase_url = \"" +
                                            (messages ? server_.messages_url() : server_.chat_url()) +
                                            "\"\n" + more,
                                        "syncd.toml", findings);
    provider_ = std::make_unique<Provider>(loop_, "model", GetParam(), table_);
    EXPECT_TRUE(findings.empty()) << findings.text();
  }
  Heard ask() { return run_task(loop_, heard(*provider_, question())); }
  static Ask question() {
    Ask ask;
    ask.model = "m";
    ask.user = "12345678";
    return ask;
  }
  Failure failure() {
    try {
      const Heard all = ask();
      ADD_FAILURE() << "an answer: " << all.text;
    } catch (const Failure& failed) {
      EXPECT_EQ(std::string(failed.what()).find('\x1b'), std::string::npos) << failed.what();
      EXPECT_EQ(std::string(failed.what()).find("secret"), std::string::npos) << failed.what();
      EXPECT_LT(std::string(failed.what()).size(), 3000U);
      return failed;
    }
    return Failure(FailureKind::Broken, "");
  }
  StreamEvents good() const {
    const std::vector<std::string> words = {"Summary ", "of ", "8", " bytes."};
    return GetParam() == "anthropic" ? syncd::test::message_events(words) : syncd::test::chat_events(words);
  }

  loop::EventLoop loop_;
  LlmServer server_;
  config::Table table_;
  std::unique_ptr<Provider> provider_;
};

TEST_P(ProviderTest, TokensThenUsageAndTheReasonOfTheStop) {
  const Heard all = ask();
  EXPECT_EQ(all.text, "Summary of 8 bytes.");
  EXPECT_EQ(all.end->stop, Stop::Complete);
  EXPECT_EQ(all.end->usage->input, 11U);
  EXPECT_EQ(all.end->usage->output, 4U);
  EXPECT_EQ(all.end->model, "test-model-1");
}

TEST_P(ProviderTest, AStreamThatComesByteByByteIsTheSameAnswer) {
  server_.spoil_all([](Exchange& exchange, const StreamEvents& events) {
    exchange.start("text/event-stream; charset=utf-8");
    for (const char c : syncd::test::joined(events)) exchange.send(std::string(1, c));
  });
  EXPECT_EQ(ask().text, "Summary of 8 bytes.");
}

TEST_P(ProviderTest, AStreamThatIsCutAnywhereIsNoAnswer) {
  const StreamEvents events = good();
  const std::size_t whole = syncd::test::joined(events).size();
  std::vector<std::size_t> cuts;
  std::size_t end = 0;
  for (const std::string& event : events) {
    cuts.push_back(end);
    end += event.size();
  }
  for (std::size_t at = 0; at < whole - 1; at += 13) cuts.push_back(at);
  cuts.push_back(whole - 1);
  for (const std::size_t at : cuts) {
    for (const bool reset : {false, true}) {
      server_.spoil_next(spoil::cut(at, reset));
      const Failure failed = failure();
      ASSERT_EQ(failed.kind(), ErrorKind::Transient) << at << " " << failed.what();
      ASSERT_TRUE(failed.ambiguous()) << "it may have to be paid, " << at;
    }
  }
}

TEST_P(ProviderTest, AnErrorInAStreamThatBeganWellIsTheVendorsAnswer) {
  server_.spoil_next(spoil::end_with(2,
                                     "event: error\ndata: "
                                     "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
                                     "\"message\":\"\\u001b]0;x\\u0007\"}}\n\n"));
  const Failure failed = failure();
  EXPECT_EQ(failed.reason(), FailureKind::Invalid);
  EXPECT_FALSE(failed.ambiguous());
}

TEST_P(ProviderTest, AnIncompleteStopIsToldAsWhatItIs) {
  const bool messages = GetParam() == "anthropic";
  const std::vector<std::string> words = {"Half"};
  const StreamEvents events =
      messages ? syncd::test::message_events(words, "max_tokens") : syncd::test::chat_events(words, "length");
  server_.spoil_next([events](Exchange& exchange, const StreamEvents&) {
    exchange.start("text/event-stream");
    exchange.send(syncd::test::joined(events));
  });
  EXPECT_EQ(ask().end->stop, Stop::Truncated);
}

TEST_P(ProviderTest, StatusesAreClassifiedAndKnownNotToBePaid) {
  const std::vector<std::pair<int, FailureKind>> all = {{400, FailureKind::Invalid},
                                                        {401, FailureKind::Auth},
                                                        {500, FailureKind::Retry},
                                                        {503, FailureKind::Retry},
                                                        {302, FailureKind::Invalid}};
  for (const auto& [status, kind] : all) {
    server_.spoil_next(spoil::status(status, "{\"error\":{\"message\":\"\\u001b[31mno\"}}"));
    const Failure failed = failure();
    EXPECT_EQ(failed.reason(), kind) << status;
    EXPECT_FALSE(failed.ambiguous()) << status;
  }
}

TEST_P(ProviderTest, AnswersThatAreNoStreamAreRefused) {
  server_.spoil_next(
      [](Exchange& exchange, const StreamEvents&) { exchange.reply(200, "text/html", "<html>\x1b[31m"); });
  EXPECT_EQ(failure().reason(), FailureKind::Invalid);
  server_.spoil_next(
      [](Exchange& exchange, const StreamEvents&) { exchange.reply(200, "text/event-stream", "<html>"); });
  EXPECT_EQ(failure().reason(), FailureKind::Broken);
  server_.spoil_next(
      [](Exchange& exchange, const StreamEvents&) { exchange.send("\x1b[31mnonsense\r\n\r\n"); });
  EXPECT_EQ(failure().reason(), FailureKind::Retry);
}

TEST_P(ProviderTest, AnEventWithoutEndIsCutOffEarly) {
  std::atomic<std::size_t> sent{0};
  server_.spoil_next([&](Exchange& exchange, const StreamEvents&) {
    exchange.start("text/event-stream");
    exchange.send("data: ");
    const std::string piece(64 * 1024, 'x');
    while (sent < 100'000'000 && exchange.send(piece)) sent += piece.size();
  });
  EXPECT_EQ(failure().reason(), FailureKind::Broken);
  EXPECT_LT(sent, 20'000'000U);
}

TEST_P(ProviderTest, AnAnswerWithoutEndIsCutOffEarly) {
  const std::string word(60'000, 'x');
  const StreamEvents endless =
      GetParam() == "anthropic" ? syncd::test::message_events({word}) : syncd::test::chat_events({word});
  server_.spoil_next(spoil::forever(0, endless[GetParam() == "anthropic" ? 3 : 1], 0ms));
  EXPECT_EQ(failure().reason(), FailureKind::Broken);
}

TEST_P(ProviderTest, SilencePingsAndDripsMeetADeadline) {
  connect("idle_timeout = \"100ms\"\ntimeout = \"10s\"");
  server_.spoil_next(spoil::silence(2));
  Failure failed = failure();
  EXPECT_EQ(failed.reason(), FailureKind::Retry);
  EXPECT_TRUE(failed.ambiguous());
  connect("idle_timeout = \"10s\"\ntimeout = \"300ms\"");
  for (const char* bytes : {"event: ping\ndata: {\"type\":\"ping\"}\n\n", ": ping\n\n", "x"}) {
    server_.spoil_next(spoil::forever(2, bytes));
    failed = failure();
    EXPECT_EQ(failed.kind(), ErrorKind::Transient) << bytes;
    EXPECT_TRUE(failed.ambiguous());
  }
}

TEST_P(ProviderTest, OneThatCannotBeReachedWasNotAsked) {
  const syncd::test::ReservedPort nobody;
  const config::Findings findings;
  const auto table = config::Table::parse_text(
      "api_key = \"secret\"\nbase_url = \"http://127.0.0.1:" + std::to_string(nobody.number()) + "\"",
      "syncd.toml", findings);
  provider_ = std::make_unique<Provider>(loop_, "model", GetParam(), *table);
  const Failure failed = failure();
  EXPECT_EQ(failed.reason(), FailureKind::Retry);
  EXPECT_FALSE(failed.ambiguous());
}

TEST_P(ProviderTest, AWishToWaitIsObeyedByWhoeverComesNext) {
  for (const char* header : {"retry-after-ms: 300\r\n", "retry-after: 0.3\r\n"}) {
    server_.spoil_next(spoil::status(429, "{}", header));
    EXPECT_EQ(failure().reason(), FailureKind::RateLimited);
    const TimePoint asked = loop_.now();
    EXPECT_EQ(ask().end->stop, Stop::Complete);
    EXPECT_GE(loop_.now() - asked, 290ms) << header;
  }
}

TEST_P(ProviderTest, NoMoreRequestsAtOnceThanAllowed) {
  connect("max_in_flight = 2");
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  std::atomic<bool> open{false};
  server_.spoil_all([&](Exchange& exchange, const StreamEvents& events) {
    most = std::max(most.load(), ++now);
    while (!open && exchange.be_silent(1ms)) {
    }
    --now;
    exchange.start("text/event-stream");
    exchange.send(syncd::test::joined(events));
  });
  const auto many = [](loop::EventLoop& loop, Provider& provider, std::atomic<int>& at_once,
                       std::atomic<bool>& opened) -> coro::Task<> {
    coro::AsyncScope scope;
    const auto one = [](Provider& from) -> coro::Task<> {
      const Heard all = co_await heard(from, question());
      EXPECT_EQ(all.text, "Summary of 8 bytes.");
    };
    for (int i = 0; i < 5; ++i) scope.spawn(one(provider));
    co_await syncd::test::until(loop, [&] { return at_once == 2; });
    opened = true;
    co_await scope.join();
  };
  run_task(loop_, many(loop_, *provider_, now, open));
  EXPECT_EQ(most, 2);
}

INSTANTIATE_TEST_SUITE_P(Vendors, ProviderTest, ::testing::Values("anthropic", "openai"),
                         [](const auto& entry) { return entry.param; });

}  // namespace
}  // namespace syncd::llm
