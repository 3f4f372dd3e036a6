#include "daemon/http/server.hpp"

#include <gmock/gmock.h>

#include "daemon/base/error.hpp"
#include "tests/unit/loop/loop_test.hpp"

namespace syncd::http {
namespace {

using namespace std::chrono_literals;
using coro::AsyncScope;
using coro::Task;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

coro::Task<> answer(const PageRequest& request, PageWriter& response) {
  if (request.path == "/page") {
    co_await response.page(200, "text/plain", "hello\n");
  } else if (request.path == "/events") {
    co_await response.begin("text/event-stream");
    co_await response.write("data: 1\n\n");
    co_await response.write("data: [DONE]\n\n");
  } else if (request.path == "/broken") {
    throw Error(ErrorKind::Permanent, "secret details");
  } else {
    co_await response.page(404, "text/plain", "no such page\n");
  }
}

// A server on a free port, for as long as a test's body runs.
class Running {
 public:
  Running(loop::EventLoop& loop, std::optional<config::Secret> token, ServerLimits limits = ServerLimits())
      : server_(loop, "127.0.0.1:0", std::move(token), &answer, limits), loop_(loop) {
    serving_.spawn(server_.serve());
  }
  // What comes back for these bytes, until the server closes.
  Task<std::string> ask(std::string request) {
    const std::string& address = server_.address();
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    const auto stream = co_await loop::connect_tcp(loop_, "127.0.0.1", port);
    if (!request.empty()) co_await stream->write(request);
    std::string reply;
    try {
      while (true) {
        const std::string_view bytes = co_await stream->read();
        if (bytes.empty()) break;
        reply += bytes;
      }
    } catch (const Error&) {  // closed with bytes of ours unread: a reset
    }
    co_return reply;
  }
  void allow_origin(const std::string& origin) { server_.allow_origins(std::vector<std::string>(1, origin)); }
  Task<> stop() {
    serving_.request_stop();
    co_await serving_.join();
  }

 private:
  Server server_;
  loop::EventLoop& loop_;
  AsyncScope serving_;
};

LOOP_TEST(HttpServer, AnswersPagesAndStreams) {
  Running server(loop, std::nullopt);
  const std::string page = co_await server.ask("GET /page?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(page, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(page, EndsWith("\r\n\r\nhello\n"));
  const std::string head = co_await server.ask("HEAD /page HTTP/1.1\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  const std::string events = co_await server.ask("GET /events HTTP/1.0\n\n");
  EXPECT_THAT(events, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(events, EndsWith("\r\n\r\ndata: 1\n\ndata: [DONE]\n\n"));
  const std::string none = co_await server.ask("GET /etc/passwd HTTP/1.1\r\n\r\n");
  EXPECT_THAT(none, StartsWith("HTTP/1.1 404 "));
  co_await server.stop();
}

LOOP_TEST(HttpServer, RefusesWhatIsNoGet) {
  Running server(loop, std::nullopt);
  const std::string post = co_await server.ask("POST /page HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 "));
  const std::string garbage = co_await server.ask("\x16\x03\x01 hello\r\n\r\n");
  EXPECT_THAT(garbage, StartsWith("HTTP/1.1 400 "));
  std::string lines = "GET /page HTTP/1.1\r\n";
  while (lines.size() < 100'000) lines += "X-Filler: 0123456789012345678901234567890123456789\r\n";
  const std::string too_long = co_await server.ask(lines);
  EXPECT_THAT(too_long, Not(HasSubstr("hello")));
  co_await server.stop();
}

LOOP_TEST(HttpServer, AnErrorOfThePageTellsNothingOfItself) {
  Running server(loop, std::nullopt);
  const std::string reply = co_await server.ask("GET /broken HTTP/1.1\r\n\r\n");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(reply, Not(HasSubstr("secret")));
  co_await server.stop();
}

LOOP_TEST(HttpServer, WithATokenNobodyElseIsAnswered) {
  Running server(loop, config::Secret("sesame"));
  const std::string none = co_await server.ask("GET /page HTTP/1.1\r\n\r\n");
  EXPECT_THAT(none, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(none, HasSubstr("WWW-Authenticate: Bearer\r\n"));
  const std::string wrong = co_await server.ask("GET /page HTTP/1.1\r\nAuthorization: Bearer sesam\r\n\r\n");
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 401 "));
  const std::string right =
      co_await server.ask("GET /page HTTP/1.1\r\nauthorization:  Bearer sesame\r\n\r\n");
  EXPECT_THAT(right, StartsWith("HTTP/1.1 200 "));
  co_await server.stop();
}

// EventSource can send no header.
LOOP_TEST(HttpServer, ATokenMayStandInTheAddress) {
  Running server(loop, config::Secret("open sesame&"));
  const std::string right =
      co_await server.ask("GET /page?x=1&access_token=open%20sesame%26 HTTP/1.1\r\n\r\n");
  EXPECT_THAT(right, StartsWith("HTTP/1.1 200 "));
  for (const char* wrong : {"?access_token=", "?access_token", "?access_token=open",
                            "?xaccess_token=open%20sesame%26", "?access_token=open%2", "?access_token=%zz"}) {
    const std::string reply = co_await server.ask("GET /page" + std::string(wrong) + " HTTP/1.1\r\n\r\n");
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 401 ")) << wrong;
  }
  co_await server.stop();
}

LOOP_TEST(HttpServer, ScriptsOfOtherOriginsReadOnlyWhereTheyAreNamed) {
  Running server(loop, std::nullopt);
  server.allow_origin("https://dashboard.example");
  const std::string known =
      co_await server.ask("GET /events HTTP/1.1\r\nOrigin: https://dashboard.example\r\n\r\n");
  EXPECT_THAT(known, HasSubstr("Access-Control-Allow-Origin: https://dashboard.example\r\n"));
  for (const char* other : {"https://evil.example", "null", ""}) {
    const std::string reply =
        co_await server.ask("GET /events HTTP/1.1\r\nOrigin: " + std::string(other) + "\r\n\r\n");
    EXPECT_THAT(reply, Not(HasSubstr("Access-Control"))) << other;
  }
  co_await server.stop();
}

LOOP_TEST(HttpServer, WhoSaysNothingIsNotWaitedFor) {
  ServerLimits limits;
  limits.request = 20ms;
  Running server(loop, std::nullopt, limits);
  const std::string nothing = co_await server.ask("");
  const std::string half = co_await server.ask("GET /page HT");
  EXPECT_THAT(nothing, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(half, Not(HasSubstr("hello")));
  const std::string whole = co_await server.ask("GET /page HTTP/1.1\r\n\r\n");
  EXPECT_THAT(whole, StartsWith("HTTP/1.1 200 ")) << "others are served";
  co_await server.stop();
}

TEST(HttpAddress, IsANumberAndAPort) {
  EXPECT_TRUE(is_loopback("127.0.0.1:9464"));
  EXPECT_TRUE(is_loopback("127.8.8.8:1"));
  EXPECT_TRUE(is_loopback("[::1]:9464"));
  EXPECT_FALSE(is_loopback("0.0.0.0:9464"));
  EXPECT_FALSE(is_loopback("[::]:9464"));
  EXPECT_FALSE(is_loopback("192.168.1.1:80"));
  for (const char* odd :
       {"", "9464", ":9464", "localhost:9464", "127.0.0.1:", "127.0.0.1:70000", "::1:80", "127.0.0.1:8x"}) {
    EXPECT_THROW(is_loopback(odd), Error) << odd;
  }
}

TEST(HttpAddress, InUseIsSaid) {
  loop::EventLoop loop;
  Server first(loop, "127.0.0.1:0", std::nullopt, &answer);
  try {
    Server second(loop, first.address(), std::nullopt, &answer);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "listening on " + first.address() + ": Address already in use");
  }
}

}  // namespace
}  // namespace syncd::http
