// A vendor that repeats what the connection keeps secret: nobody else sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/http/sse.hpp"
#include "tests/unit/llm/dialects.hpp"

namespace syncd::llm {
namespace {

using test::dialect;
using ::testing::HasSubstr;
using ::testing::Not;

// The key is "secret".
constexpr const char* kHeaders = R"(headers = { authorization = "Bearer t0p-s3cr3t/+", x-short = "tip" })";

MATCHER(TellsNothing, "") {
  const std::string words = arg.what();
  *result_listener << words;
  for (const char* hidden : {"secret", "t0p-s3cr3t/+"}) {
    if (words.find(hidden) != std::string::npos) return false;
  }
  return words.find("***") != std::string::npos;
}

std::string told(std::string_view words) { return R"({"error":{"message":")" + std::string(words) + "\"}}"; }

Failure replied(const Vendor& vendor, int status, const std::string& body) {
  return dialect(vendor, kHeaders)->failure(status, http::Headers(), body, WallTime());
}

TEST(Secrets, AreTakenOutOfEveryReplyThatIsNoAnswer) {
  for (const Vendor* vendor : vendors()) {
    for (const int status : {400, 401, 404, 429, 500, 529}) {
      for (const std::string& body :
           {told("no such key: secret"), told("secret, secret; Bearer t0p-s3cr3t\\/+"),
            told("token t0p-s3cr3t/+ has expired"), std::string("<html>secret</html>"),
            std::string(R"({"error":"unknown key secret"})"),
            std::string(R"({"error":{"code":"secret"}})")}) {
        EXPECT_THAT(replied(*vendor, status, body), TellsNothing()) << status;
      }
    }
  }
}

TEST(Secrets, ArePartsOfNoWordsThatAreCut) {
  for (const Vendor* vendor : vendors()) {
    for (std::size_t before = 150; before < 520; ++before) {
      const std::string words = std::string(before, '.') + "secret";
      for (const std::string& body : {words, told(words)}) {
        EXPECT_THAT(replied(*vendor, 500, body).what(), Not(HasSubstr(".s"))) << before;
      }
    }
  }
}

TEST(Secrets, AreTakenOutOfErrorsWithinAStream) {
  for (const Vendor* vendor : vendors()) {
    http::SseParser parser(1 << 20);
    parser.feed("event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"bad key secret\"}}\n\n");
    std::string text;
    try {
      dialect(*vendor, kHeaders)->decoder()->take(*parser.next(), text);
      ADD_FAILURE();
    } catch (const Failure& failure) {
      EXPECT_THAT(failure, TellsNothing());
    }
  }
}

TEST(Secrets, AreTakenOutOfWhatABatchSays) {
  const auto messages = dialect(anthropic(), kHeaders);
  const auto one = messages->batches()->result(
      R"({"custom_id":"a","result":{"type":"errored","error":{"error":{"message":"bad key secret"}}}})");
  EXPECT_THAT(*one.failure, TellsNothing());
  const auto chat = dialect(openai(), kHeaders);
  const auto other = chat->batches()->result(
      R"({"custom_id":"a","response":{"status_code":400,"body":{"error":{"message":"bad key secret"}}}})");
  EXPECT_THAT(*other.failure, TellsNothing());
  const std::string refused =
      R"({"id":"b","status":"failed","errors":{"data":[{"message":"bad key secret","line":3}]}})";
  EXPECT_THAT(*chat->batches()->view(refused).refusal, TellsNothing());
  const BatchPage page = chat->batches()->page(R"({"data":[)" + refused + "]}");
  EXPECT_THAT(*page.batches.at(0).refusal, TellsNothing());
}

TEST(Secrets, AreNotSoShortThatWordsLoseTheirSense) {
  EXPECT_STREQ(replied(openai(), 400, told("multiple tips")).what(), "status 400: multiple tips");
}

}  // namespace
}  // namespace syncd::llm
