// Bytes into replies: the same whatever way they are cut.
#include "daemon/redis/decoder.hpp"

#include <gtest/gtest.h>

namespace syncd::redis {
namespace {

// A reply as text: +status -error :integer "string" nil [elements].
std::string show(const Reply& reply) {
  switch (reply.type()) {
    case ReplyType::Status:
      return "+" + std::string(reply.text());
    case ReplyType::Error:
      return "-" + std::string(reply.text());
    case ReplyType::Integer:
      return ":" + std::to_string(reply.integer());
    case ReplyType::Nil:
      return "nil";
    case ReplyType::String:
      return '"' + std::string(reply.text()) + '"';
    case ReplyType::Array:
      break;
  }
  std::string out = "[";
  Reply element = reply.first();
  for (std::size_t i = 0; i < reply.size(); ++i, element = element.next()) {
    if (i > 0) out += ' ';
    out += show(element);
  }
  return out + "]";
}

std::string show(const Replies& replies) {
  std::string out;
  for (std::size_t i = 0; i < replies.count(); ++i) out += show(replies[i]) + '\n';
  return out;
}

void decode(Decoder& decoder, std::string_view bytes, Replies& into) {
  decoder.feed(bytes);
  while (decoder.next(into)) {
  }
}

// Decodes `bytes` whole, then cut in two at every place, in three at every pair of places, and byte by byte.
void expect_replies(const std::string& bytes, const std::string& want) {
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      Decoder decoder;
      Replies replies;
      decode(decoder, std::string_view(bytes).substr(0, first), replies);
      decode(decoder, std::string_view(bytes).substr(first, second - first), replies);
      decode(decoder, std::string_view(bytes).substr(second), replies);
      ASSERT_EQ(show(replies), want) << "cut at " << first << " and " << second;
      ASSERT_TRUE(decoder.drained());
    }
  }
  Decoder decoder;
  Replies replies;
  for (const char byte : bytes) decode(decoder, std::string_view(&byte, 1), replies);
  EXPECT_EQ(show(replies), want);
}

TEST(Decoder, ReadsEachKindOfReplyHoweverItIsCut) {
  expect_replies("+OK\r\n", "+OK\n");
  expect_replies("-ERR no\r\n", "-ERR no\n");
  expect_replies(":-42\r\n", ":-42\n");
  expect_replies(":9223372036854775807\r\n", ":9223372036854775807\n");
  expect_replies("$5\r\nh\r\nlo\r\n", "\"h\r\nlo\"\n");
  expect_replies("$0\r\n\r\n", "\"\"\n");
  expect_replies("$-1\r\n", "nil\n");
  expect_replies("*-1\r\n", "nil\n");
  expect_replies("*0\r\n", "[]\n");
}

TEST(Decoder, ReadsArraysWithinArrays) {
  expect_replies("*2\r\n*1\r\n:1\r\n*0\r\n+x\r\n", "[[:1] []]\n+x\n");
  expect_replies("*3\r\n*2\r\n$1\r\na\r\n$-1\r\n*1\r\n*1\r\n-E\r\n:7\r\n", "[[\"a\" nil] [[-E]] :7]\n");
  expect_replies("*1\r\n*1\r\n*1\r\n*0\r\n:1\r\n", "[[[[]]]]\n:1\n");
}

TEST(Decoder, ReadsACommitsReplies) {
  expect_replies("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n-WRONGTYPE x\r\n+OK\r\n*2\r\n$1\r\ne\r\n$-1\r\n",
                 "+OK\n+QUEUED\n+QUEUED\n[:1 -WRONGTYPE x]\n+OK\n[\"e\" nil]\n");
}

TEST(Decoder, CountsAnArrayWhenItIsWhole) {
  Decoder decoder;
  Replies replies;
  decode(decoder, "*2\r\n:1\r\n", replies);
  EXPECT_EQ(replies.count(), 0U);
  EXPECT_FALSE(decoder.drained());
  decode(decoder, ":2\r\n", replies);
  ASSERT_EQ(replies.count(), 1U);
  EXPECT_EQ(show(replies[0]), "[:1 :2]");
  EXPECT_EQ(replies[0].at(1).integer(), 2);
}

TEST(Decoder, ReadsLargeRepliesInSmallPieces) {
  const std::string large(300'000, 'x');
  const std::string bytes = "$300000\r\n" + large + "\r\n:1\r\n";
  Decoder decoder;
  Replies replies;
  for (std::size_t at = 0; at < bytes.size(); at += 777) {
    decode(decoder, std::string_view(bytes).substr(at, 777), replies);
  }
  ASSERT_EQ(replies.count(), 2U);
  EXPECT_EQ(replies[0].text(), large);
}

TEST(Decoder, KeepsRepliesThatWereAskedForLater) {
  Decoder decoder;
  Replies first;
  Replies second;
  decoder.feed("+one\r\n+two\r\n");
  EXPECT_TRUE(decoder.next(first));
  EXPECT_FALSE(decoder.drained());
  EXPECT_TRUE(decoder.next(second));
  EXPECT_TRUE(decoder.drained());
  EXPECT_EQ(show(first), "+one\n");
  EXPECT_EQ(show(second), "+two\n");
}

TEST(Decoder, RefusesWhatIsNoRedis) {
  for (const std::string garbage :
       {"HTTP/1.1 400 Bad Request\r\n", "\r\n", "*x\r\n", "$x\r\n", ":1x\r\n", "%1\r\n", "~1\r\n", ",1.5\r\n",
        "#t\r\n", "=7\r\ntxt:abc\r\n", "(12345678901234567890\r\n", "*1\r\n,1.5\r\n", "$-2\r\n", "*-2\r\n",
        "*9999999999\r\n", "+OK\r\n?"}) {
    Decoder decoder;
    Replies replies;
    try {
      decode(decoder, garbage, replies);
      ADD_FAILURE() << garbage;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Permanent);
      EXPECT_TRUE(std::string_view(error.what()).starts_with("this is no Redis")) << error.what();
      EXPECT_EQ(std::string_view(error.what()).find_first_of("\r\n"), std::string_view::npos);
    }
  }
}

TEST(Decoder, SkipsEqualRepliesHoweverTheyAreCut) {
  constexpr std::string_view kQueued = "+QUEUED\r\n";
  const std::string bytes = "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUE\r\n+QUEUED\r\n";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Decoder decoder;
    Replies replies;
    std::size_t skipped = 0;
    for (const auto part : {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) {
      decoder.feed(part);
      while (true) {
        if (replies.count() > 0) skipped += decoder.skip(kQueued, 5 - skipped);
        if (replies.count() > 0 && decoder.may_continue(kQueued)) break;
        if (!decoder.next(replies)) break;
      }
    }
    EXPECT_EQ(show(replies), "+OK\n+QUEUE\n") << "cut at " << cut;
    EXPECT_EQ(skipped, 3U) << "cut at " << cut;
    EXPECT_TRUE(decoder.drained());
  }
}

TEST(Decoder, SkipsNoMoreThanItWasTold) {
  Decoder decoder;
  decoder.feed("+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
  EXPECT_EQ(decoder.skip("+QUEUED\r\n", 2), 2U);
  EXPECT_FALSE(decoder.may_continue("+QUEUED\r\n"));
  EXPECT_FALSE(decoder.drained());
  EXPECT_EQ(decoder.skip("+QUEUED\r\n", 2), 1U);
  EXPECT_TRUE(decoder.drained());
}

}  // namespace
}  // namespace syncd::redis
