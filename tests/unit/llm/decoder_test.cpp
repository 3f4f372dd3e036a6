// Both vendors' streams, as they come and in every variation that does no harm: the same text.
#include <gtest/gtest.h>

#include "daemon/http/sse.hpp"
#include "tests/support/llm_server.hpp"
#include "tests/unit/llm/dialects.hpp"

namespace syncd::llm {
namespace {

using syncd::test::chat_events;
using syncd::test::joined;
using syncd::test::message_events;
using syncd::test::StreamEvents;
using test::dialect;

const std::vector<std::string> kWords = {"H\xC3\xA9llo ", "w\xC3\xB6rld ", "\xF0\x9F\x98\x80", "."};
const std::string kText = "H\xC3\xA9llo w\xC3\xB6rld \xF0\x9F\x98\x80.";

struct Read {
  std::string text;
  bool done = false;
  End end;
};

Read read(const Vendor& vendor, std::string_view stream, std::size_t piece = 1 << 20) {
  const auto decoder = dialect(vendor)->decoder();
  http::SseParser parser(1 << 20);
  Read all;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    parser.feed(stream.substr(at, piece));
    while (const auto event = parser.next()) decoder->take(*event, all.text);
  }
  all.done = decoder->done();
  all.end = decoder->end();
  return all;
}

void expect_answer(const Vendor& vendor, const std::string& stream, std::optional<std::uint64_t> output = 4) {
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{64}, stream.size()}) {
    const Read all = read(vendor, stream, piece);
    ASSERT_EQ(all.text, kText) << stream;
    ASSERT_TRUE(all.done);
    ASSERT_EQ(all.end.stop, Stop::Complete);
    ASSERT_EQ(all.end.usage ? std::optional(all.end.usage->output) : std::nullopt, output);
  }
}

std::string with_ends(std::string stream, const std::string& end) {
  std::string out;
  for (const char c : stream) out += c == '\n' ? end : std::string(1, c);
  return out;
}

// `event` comes before each event of the stream.
std::string between(const StreamEvents& events, const std::string& event) {
  std::string out = event;
  for (const std::string& each : events) out += each + event;
  return out;
}

struct Both {
  const Vendor& vendor;
  StreamEvents events;
};
std::vector<Both> both() { return {{anthropic(), message_events(kWords)}, {openai(), chat_events(kWords)}}; }

TEST(Decoder, AStreamInPiecesOfAnySize) {
  for (const Both& each : both()) {
    const std::string stream = joined(each.events);
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
      const Read all = read(each.vendor, stream, piece);
      ASSERT_EQ(all.text, kText) << "in pieces of " << piece;
      ASSERT_TRUE(all.done);
    }
    EXPECT_EQ(read(each.vendor, stream).end.usage->input, 11U);
    EXPECT_EQ(read(each.vendor, stream).end.model, "test-model-1");
  }
}

TEST(Decoder, EveryKindOfLineEnd) {
  for (const Both& each : both()) {
    expect_answer(each.vendor, with_ends(joined(each.events), "\r"));
    expect_answer(each.vendor, with_ends(joined(each.events), "\r\n"));
  }
}

TEST(Decoder, CommentsPingsAndUnknownEventsSayNothing) {
  for (const Both& each : both()) {
    expect_answer(each.vendor, between(each.events, ": keep-alive\n\n"));
    expect_answer(each.vendor, "\xEF\xBB\xBF" + joined(each.events));
  }
  const StreamEvents messages = message_events(kWords);
  expect_answer(anthropic(), between(messages, "event: ping\ndata: {\"type\": \"ping\"}\n\n"));
  expect_answer(anthropic(), between(messages, "event: to_come\ndata: not json\n\n"));
  expect_answer(anthropic(), between(messages, "data: {\"type\":\"to_come\",\"delta\":7}\n\n"));
  for (const char* delta :
       {R"({"type":"input_json_delta","partial_json":"{"})", R"({"type":"thinking_delta","thinking":"hm"})",
        R"({"type":"signature_delta","signature":"x"})", R"({"type":"citations_delta","citation":{}})"}) {
    expect_answer(
        anthropic(),
        between(messages,
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":" +
                    std::string(delta) + "}\n\n"));
  }
}

TEST(Decoder, UsageIsASumThatIsReplaced) {
  StreamEvents events = message_events(kWords);
  const std::string sum =
      "event: message_delta\ndata: "
      "{\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":2}}\n\n";
  events.insert(events.end() - 2, sum);
  expect_answer(anthropic(), joined(events));
}

TEST(Decoder, UsageMayBeMissing) {
  StreamEvents events = chat_events(kWords);
  events.erase(events.end() - 2);
  expect_answer(openai(), joined(events), std::nullopt);
}

TEST(Decoder, ChoicesMayBeNullEmptyOrWithoutContent) {
  const StreamEvents events = chat_events(kWords);
  for (const char* chunk :
       {R"({"choices":null})", R"({"choices":[]})", R"({"choices":[{"delta":{"content":null}}]})",
        R"({"choices":[{"delta":{}}]})", R"({"choices":[{"index":0}]})",
        R"({"choices":[{"delta":null,"finish_reason":null}]})",
        R"({"choices":[{"delta":{"reasoning_content":"hm"}}],"timings":{},"obfuscation":"xyz"})"}) {
    std::string stream = "data: " + std::string(chunk) + "\n\n" + joined(events);
    expect_answer(openai(), stream);
  }
}

TEST(Decoder, ContentMayBeAListOfParts) {
  StreamEvents events = chat_events({});
  const std::string list =
      R"(data: {"choices":[{"delta":{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":")" +
      kText + "\"}]}}]}\n\n";
  events.insert(events.begin() + 1, list);
  expect_answer(openai(), joined(events), 0);
}

TEST(Decoder, WhatComesBesideTheTextInACompactForm) {
  // No space after "data:", as some servers write.
  StreamEvents events = chat_events(kWords);
  for (std::string& event : events) event.replace(0, 6, "data:");
  expect_answer(openai(), joined(events));
}

TEST(Decoder, OnlyACompleteStopIsAnAnswer) {
  const auto stop = [](const Vendor& vendor, const StreamEvents& events) {
    return read(vendor, joined(events)).end.stop;
  };
  EXPECT_EQ(stop(anthropic(), message_events(kWords, "stop_sequence")), Stop::Complete);
  EXPECT_EQ(stop(anthropic(), message_events(kWords, "max_tokens")), Stop::Truncated);
  EXPECT_EQ(stop(anthropic(), message_events(kWords, "model_context_window_exceeded")), Stop::Truncated);
  EXPECT_EQ(stop(anthropic(), message_events(kWords, "refusal")), Stop::Refused);
  for (const char* other : {"tool_use", "pause_turn", "to_come"}) {
    EXPECT_EQ(stop(anthropic(), message_events(kWords, other)), Stop::Other) << other;
  }
  EXPECT_EQ(stop(openai(), chat_events(kWords, "length")), Stop::Truncated);
  EXPECT_EQ(stop(openai(), chat_events(kWords, "model_length")), Stop::Truncated);
  EXPECT_EQ(stop(openai(), chat_events(kWords, "content_filter")), Stop::Refused);
  for (const char* other : {"tool_calls", "function_call", "error"}) {
    EXPECT_EQ(stop(openai(), chat_events(kWords, other)), Stop::Other) << other;
  }
  StreamEvents refusal = chat_events({});
  refusal.insert(refusal.begin() + 1, "data: {\"choices\":[{\"delta\":{\"refusal\":\"No.\"}}]}\n\n");
  EXPECT_EQ(stop(openai(), refusal), Stop::Refused);
  EXPECT_EQ(read(openai(), "data: [DONE]\n\n").end.stop, Stop::Other) << "no reason at all";
}

TEST(Decoder, ARefusalIsToldInItsWords) {
  StreamEvents events = chat_events({});
  for (const char* words : {"I am ", "sorry."}) {
    events.insert(events.end() - 3,
                  std::string("data: {\"choices\":[{\"delta\":{\"refusal\":\"") + words + "\"}}]}\n\n");
  }
  const End streamed = read(openai(), joined(events)).end;
  EXPECT_EQ(streamed.stop, Stop::Refused);
  EXPECT_EQ(streamed.refusal, "I am sorry.");
  const auto batched = dialect(openai())->batches()->result(
      R"({"custom_id":"a","response":{"status_code":200,"body":{"choices":[{"finish_reason":"stop",)"
      R"("message":{"content":null,"refusal":"I am sorry."}}]}}})");
  EXPECT_EQ(batched.end.stop, Stop::Refused);
  EXPECT_EQ(batched.end.refusal, "I am sorry.");
}

TEST(Decoder, AnEventThatIsNoJsonIsBroken) {
  for (const Vendor* vendor : vendors()) {
    try {
      read(*vendor, "data: {\"type\":\n\n");
      ADD_FAILURE();
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.reason(), FailureKind::Broken);
      EXPECT_TRUE(failure.ambiguous());
    }
  }
}

FailureKind reason(const Vendor& vendor, const std::string& event) {
  try {
    read(vendor, event);
  } catch (const Failure& failure) {
    EXPECT_FALSE(failure.ambiguous()) << "the vendor has told what became of it";
    EXPECT_EQ(std::string(failure.what()).find('\x1b'), std::string::npos) << failure.what();
    return failure.reason();
  }
  ADD_FAILURE() << event;
  return FailureKind::Broken;
}

TEST(Decoder, AnErrorWithinAStreamIsClassifiedByItsType) {
  const auto messages = [](const std::string& type) {
    return reason(anthropic(), R"(event: error
data: {"type":"error","error":{"type":")" +
                                   type + R"(","message":"\u001b[31mno"},"request_id":"req_1"})" + "\n\n");
  };
  EXPECT_EQ(messages("overloaded_error"), FailureKind::Retry);
  EXPECT_EQ(messages("api_error"), FailureKind::Retry);
  EXPECT_EQ(messages("to_come_error"), FailureKind::Retry);
  EXPECT_EQ(messages("rate_limit_error"), FailureKind::RateLimited);
  EXPECT_EQ(messages("invalid_request_error"), FailureKind::Invalid);
  EXPECT_EQ(messages("authentication_error"), FailureKind::Auth);
  EXPECT_EQ(messages("billing_error"), FailureKind::Auth);
  const auto chat = [](const std::string& error) {
    return reason(openai(), "data: {\"error\":" + error + "}\n\n");
  };
  EXPECT_EQ(chat(R"({"message":"\u001b[31mno","type":"server_error","code":null})"), FailureKind::Retry);
  EXPECT_EQ(chat(R"("out of memory")"), FailureKind::Retry);
  EXPECT_EQ(chat(R"({"message":"no","code":"rate_limit_exceeded"})"), FailureKind::RateLimited);
  EXPECT_EQ(chat(R"({"message":"no","type":"BadRequestError","code":400})"), FailureKind::Invalid);
  EXPECT_EQ(chat(R"({"message":"no","code":"insufficient_quota"})"), FailureKind::Auth);
  EXPECT_EQ(chat(R"({"message":"no","code":"content_filter"})"), FailureKind::Refused);
}

}  // namespace
}  // namespace syncd::llm
