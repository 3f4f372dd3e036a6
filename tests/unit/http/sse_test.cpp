#include "daemon/http/sse.hpp"

#include <gtest/gtest.h>

#include "daemon/base/error.hpp"

namespace syncd::http {
namespace {

// "type|data" of each event, when the text arrives in pieces of this size.
std::vector<std::string> events(std::string_view text, std::size_t piece, std::size_t max_event = 1000) {
  SseParser parser(max_event);
  std::vector<std::string> found;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    parser.feed(text.substr(at, piece));
    while (const auto event = parser.next()) {
      found.push_back(std::string(event->type) + "|" + std::string(event->data));
    }
  }
  return found;
}

// Whatever the pieces are.
void expect_events(std::string_view text, const std::vector<std::string>& wanted) {
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    ASSERT_EQ(events(text, piece), wanted) << "in pieces of " << piece;
  }
}

TEST(SseParser, LinesEndInLfCrOrCrLf) {
  for (const std::string end : {"\n", "\r", "\r\n"}) {
    std::string text;
    for (const char* line : {"event: a", "data: 1", "", "data: 2", "data: 3", "", "data: 4", ""}) {
      text += line + end;
    }
    SCOPED_TRACE(end == "\n" ? "LF" : end == "\r" ? "CR" : "CRLF");
    expect_events(text, {"a|1", "|2\n3", "|4"});
  }
}

TEST(SseParser, EndsMayBeMixed) {
  expect_events("data: 1\r\n\ndata: 2\r\rdata: 3\n\r\ndata: 4\n\n", {"|1", "|2", "|3", "|4"});
}

TEST(SseParser, AByteOrderMarkIsSkippedOnceAtTheStart) {
  expect_events(
      "\xEF\xBB\xBF"
      "data: 1\n\n\xEF\xBB\xBF"
      "data: 2\n\n",
      {"|1"});
}

TEST(SseParser, CommentsAndUnknownFieldsAreIgnored) {
  expect_events(": ping\n\nid: 7\nretry: 10\nfoo\n:\ndata: 1\n\n: ping\n\n", {"|1"});
}

TEST(SseParser, OneSpaceAfterTheColonIsNotData) {
  expect_events("data:1\n\ndata:  2\n\ndata\n\ndata:\n\n", {"|1", "| 2", "|", "|"});
}

TEST(SseParser, ATypeWithoutDataIsNoEventAndDoesNotStay) {
  expect_events("event: a\n\ndata: 1\n\n", {"|1"});
  expect_events("event: a\nevent: b\ndata: 1\n\ndata: 2\n\n", {"b|1", "|2"});
}

TEST(SseParser, CharactersThatAreSplitArriveWhole) {
  expect_events("data: h\xC3\xA9 \xF0\x9F\x98\x80\n\n", {"|h\xC3\xA9 \xF0\x9F\x98\x80"});
}

TEST(SseParser, WhatIsCutIsNoEvent) {
  expect_events("data: 1\n\ndata: 2\n", {"|1"});
  expect_events("data: 1\n\ndata: 2", {"|1"});
}

TEST(SseParser, AnEventThatIsTooLargeIsAnError) {
  EXPECT_THROW(events("data: " + std::string(1001, 'x') + "\n\n", 7), Error);
  EXPECT_THROW(events(": " + std::string(2000, 'x'), 100), Error) << "a comment that does not end";
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += "data: " + std::string(50, 'x') + "\n";
  EXPECT_THROW(events(lines, 64), Error) << "many lines of one event";
  EXPECT_THROW(events("event: " + std::string(1001, 'x') + "\n", 5000), Error);
  EXPECT_EQ(events("data: " + std::string(900, 'x') + "\n\n", 64).size(), 1U);
}

TEST(SseParser, ManyEventsInOnePieceAreNotOneLargeEvent) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "data: " + std::to_string(i) + "\n\n";
  EXPECT_EQ(events(text, text.size()).size(), 1000U);
}

}  // namespace
}  // namespace syncd::http
