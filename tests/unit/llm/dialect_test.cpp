// How requests are written, and what replies that are no stream mean.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "jobs/llm/wire.hpp"
#include "tests/unit/llm/dialects.hpp"

namespace syncd::llm {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using test::dialect;

constexpr WallTime kNow{std::chrono::seconds(1445412480)};  // 2015-10-21T07:28:00Z

std::string findings(const Vendor& vendor, const std::string& toml) {
  const config::Findings found;
  const auto table = config::Table::parse_text(toml, "syncd.toml", found);
  Options common;
  vendor.make(*table, common);
  return found.text();
}

Ask ask() {
  Ask ask;
  ask.model = "m";
  ask.system = "Be brief.";
  ask.user = "Text \xFF";
  ask.max_tokens = 100;
  return ask;
}

bool has(const http::Request& request, const std::string& header) {
  return std::find(request.headers.begin(), request.headers.end(), header) != request.headers.end();
}

TEST(Dialect, MessagesAsTheVendorWantsThem) {
  const auto request = dialect(anthropic(), "headers = { x-team = \"a\" }")->request(ask());
  EXPECT_EQ(request.url, "https://api.anthropic.com/v1/messages");
  EXPECT_TRUE(has(request, "x-api-key: secret"));
  EXPECT_TRUE(has(request, "anthropic-version: 2023-06-01"));
  EXPECT_TRUE(has(request, "content-type: application/json"));
  EXPECT_TRUE(has(request, "x-team: a"));
  EXPECT_EQ(Json::parse(request.body),
            Json::parse(R"({"model":"m","max_tokens":100,"stream":true,"system":"Be brief.",
    "messages":[{"role":"user","content":"Text �"}]})"));
}

TEST(Dialect, AnAddressOfMessagesMayEndInItsVersion) {
  for (const char* url :
       {"http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/"}) {
    const auto made = dialect(anthropic(), std::string("base_url = \"") + url + "\"");
    EXPECT_EQ(made->request(ask()).url, "http://127.0.0.1:1/v1/messages") << url;
    EXPECT_EQ(made->batches()->look("b").url, "http://127.0.0.1:1/v1/messages/batches/b") << url;
  }
  const auto behind = dialect(anthropic(), "base_url = \"https://gateway.example/anthropic/v1\"");
  EXPECT_EQ(behind->request(ask()).url, "https://gateway.example/anthropic/v1/messages");
}

TEST(Dialect, ChatCompletionsAsTheServerWantsThem) {
  Ask wanted = ask();
  wanted.temperature = 0.5;
  wanted.stop = {"END"};
  const auto request = dialect(openai())->request(wanted);
  EXPECT_EQ(request.url, "https://api.openai.com/v1/chat/completions");
  EXPECT_TRUE(has(request, "authorization: Bearer secret"));
  EXPECT_EQ(
      Json::parse(request.body),
      Json::parse(R"({"model":"m","max_completion_tokens":100,"stream":true,"temperature":0.5,"stop":["END"],
    "stream_options":{"include_usage":true},"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Text �"}]})"));
  const auto other =
      dialect(openai(),
              "base_url = \"http://127.0.0.1:1/v1/\"\nlimit_key = \"max_tokens\"\nstream_usage = false")
          ->request(ask());
  EXPECT_EQ(other.url, "http://127.0.0.1:1/v1/chat/completions");
  EXPECT_EQ(Json::parse(other.body).count("stream_options"), 0U);
  EXPECT_EQ(Json::parse(other.body).at("max_tokens"), 100);
}

TEST(Dialect, AKeyDoesNotTravelInTheClear) {
  EXPECT_NE(findings(openai(), "base_url = \"http://models.internal/v1\"").find("https://"),
            std::string::npos);
  EXPECT_NE(findings(openai(), "base_url = \"http://localhost.evil.example/v1\"").find("https://"),
            std::string::npos);
  EXPECT_EQ(findings(openai(), "base_url = \"http://localhost:11434/v1\""), "")
      << "a server of one's own needs no key";
  EXPECT_NE(findings(anthropic(), "").find("api_key"), std::string::npos);
}

Failure failure(const Vendor& vendor, int status, const std::string& body,
                std::vector<std::string> lines = {}) {
  http::Headers headers;
  for (const std::string& line : lines) headers.add_line(line);
  return dialect(vendor)->failure(status, headers, body, kNow);
}

TEST(Dialect, StatusesSayWhatWentWrong) {
  for (const Vendor* vendor : vendors()) {
    const auto kind = [&](int status) { return failure(*vendor, status, "<html>").reason(); };
    EXPECT_EQ(kind(404), FailureKind::NotFound);
    for (const int status : {400, 413, 422, 301, 302, 204})
      EXPECT_EQ(kind(status), FailureKind::Invalid) << status;
    for (const int status : {401, 402, 403}) EXPECT_EQ(kind(status), FailureKind::Auth) << status;
    for (const int status : {408, 409, 500, 502, 503, 504, 529})
      EXPECT_EQ(kind(status), FailureKind::Retry) << status;
    EXPECT_EQ(kind(429), FailureKind::RateLimited);
  }
}

TEST(Dialect, ABodySaysMoreThanAStatus) {
  EXPECT_EQ(failure(openai(), 429, R"({"error":{"code":"insufficient_quota","message":"pay"}})").reason(),
            FailureKind::Auth);
  EXPECT_EQ(
      failure(openai(), 503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})")
          .reason(),
      FailureKind::Retry);
  EXPECT_EQ(failure(openai(), 400, R"({"object":"error","message":"too long","code":400})").reason(),
            FailureKind::Invalid);
  EXPECT_EQ(
      failure(anthropic(), 529, R"({"type":"error","error":{"type":"overloaded_error","message":"busy"}})")
          .reason(),
      FailureKind::Retry);
  const Failure told =
      failure(anthropic(), 400,
              R"({"type":"error","error":{"type":"invalid_request_error","message":"bad \u001b[31mthing"}})");
  EXPECT_EQ(told.reason(), FailureKind::Invalid);
  EXPECT_EQ(told.kind(), ErrorKind::Data);
  EXPECT_STREQ(told.what(), "status 400: invalid_request_error: bad \\x1b[31mthing");
}

TEST(Dialect, AnAddressOrAModelThatIsNotThereIsAMistakeOfTheConfiguration) {
  for (const Failure& failed :
       {failure(anthropic(), 404, R"({"error":{"type":"not_found_error","message":"model: m"}})"),
        failure(openai(), 404, R"({"error":{"type":"invalid_request_error","code":"unknown_url"}})"),
        failure(openai(), 404, R"({"error":{"type":"invalid_request_error","code":"model_not_found"}})"),
        failure(openai(), 400, R"({"error":{"type":"invalid_request_error","code":"model_not_found"}})"),
        failure(openai(), 404, R"({"object":"error","message":"no m","type":"NotFoundError","code":404})")}) {
    EXPECT_EQ(failed.reason(), FailureKind::NotFound) << failed.what();
    EXPECT_EQ(failed.kind(), ErrorKind::Permanent) << failed.what();
  }
}

TEST(Dialect, AnAccountWithoutMoneyIsNoFaultOfTheQuestion) {
  const std::string empty =
      R"("error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the )"
      R"(Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."})";
  EXPECT_EQ(failure(anthropic(), 400, "{" + empty + "}").reason(), FailureKind::Auth);
  EXPECT_EQ(failure(anthropic(), 402, R"({"error":{"type":"billing_error","message":"pay"}})").reason(),
            FailureKind::Auth);
  const auto batched =
      dialect(anthropic())
          ->batches()
          ->result(R"({"custom_id":"a","result":{"type":"errored","error":{)" + empty + "}}}");
  EXPECT_EQ(batched.failure->reason(), FailureKind::Auth);
}

TEST(Dialect, HeadersThatNoServerTakesAreRefused) {
  for (const char* wrong : {R"("bad header" = "a")", R"("" = "a")", R"("x:" = "a")", R"("x\u00e9" = "a")"}) {
    const std::string found = findings(openai(), std::string("headers = { ") + wrong + " }");
    EXPECT_NE(found.find("syncd.toml:1"), std::string::npos) << found;
    EXPECT_NE(found.find("a name consists of"), std::string::npos) << wrong << found;
  }
  for (const char* wrong : {"secret\\nx-evil: 1", "secret\\r", "secret\\u0000", "secret\\u007f"}) {
    const std::string found = findings(openai(), std::string("headers = { x-team = \"") + wrong + "\" }");
    EXPECT_NE(found.find("'x-team'"), std::string::npos) << wrong << found;
    EXPECT_EQ(found.find("secret"), std::string::npos) << "a value may be a secret: " << found;
  }
  EXPECT_EQ(findings(openai(), "headers = { x-Team_1 = \"a\\tb; \u00e9\", x = \"\" }"), "");
}

TEST(Dialect, TheVendorsWishAboutRetriesWins) {
  EXPECT_EQ(failure(anthropic(), 400, "", {"x-should-retry: true"}).reason(), FailureKind::Retry);
  EXPECT_EQ(failure(anthropic(), 500, "", {"x-should-retry: false"}).reason(), FailureKind::Invalid);
  EXPECT_EQ(failure(openai(), 429, "", {"retry-after: 7"}).retry_after(), 7s);
}

TEST(Dialect, EmptyCountersAskForAPause) {
  const auto pause = [](const Vendor& vendor, std::vector<std::string> lines) {
    http::Headers headers;
    for (const std::string& line : lines) headers.add_line(line);
    return dialect(vendor)->pause(headers, kNow);
  };
  EXPECT_EQ(pause(anthropic(), {"anthropic-ratelimit-requests-remaining: 0",
                                "anthropic-ratelimit-requests-reset: 2015-10-21T07:28:30Z"}),
            30s);
  EXPECT_EQ(pause(anthropic(), {"anthropic-ratelimit-requests-remaining: 5",
                                "anthropic-ratelimit-requests-reset: 2015-10-21T07:28:30Z"}),
            std::nullopt);
  EXPECT_EQ(pause(anthropic(),
                  {"anthropic-ratelimit-tokens-remaining: 0", "anthropic-ratelimit-tokens-reset: yesterday"}),
            std::nullopt);
  EXPECT_EQ(pause(openai(), {"x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 6m0s",
                             "x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 12ms"}),
            6min);
  EXPECT_EQ(pause(openai(), {"x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: soon"}),
            std::nullopt);
}

TEST(Wire, InstantsWithFractionsAndOffsets) {
  EXPECT_EQ(wire::rfc3339("2015-10-21T07:28:00Z"), kNow);
  EXPECT_EQ(wire::rfc3339("2015-10-21T07:27:59.5Z"), kNow);
  EXPECT_EQ(wire::rfc3339("2015-10-21T09:28:00+02:00"), kNow);
  for (const char* wrong : {"", "2015", "2015-13-21T07:28:00Z", "2015-10-21 07:28:00Z", "2015-10-21T07:28:00",
                            "2015-10-21T07:28:00+2", "x015-10-21T07:28:00Z"}) {
    EXPECT_EQ(wire::rfc3339(wrong), std::nullopt) << wrong;
  }
}

TEST(Prices, AreReadAndChecked) {
  const config::Findings found;
  const auto table = config::Table::parse_text(
      "[m]\ninput = 3\noutput = 15.5\n[n]\ninput = -1\noutput = 1\n[o]\ninput = 1", "syncd.toml", found);
  const auto prices = read_prices(*table);
  ASSERT_EQ(prices.size(), 1U);
  EXPECT_EQ(prices.at("m").output, 15.5);
  EXPECT_EQ(found.size(), 2U) << found.text();
}

}  // namespace
}  // namespace syncd::llm
