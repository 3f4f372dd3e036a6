// The HTTP client against a server that behaves, and one that does not.
#include "daemon/http/client.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "daemon/coro/scope.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/port.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run_task.hpp"

namespace syncd::http {
namespace {

using namespace std::chrono_literals;
using syncd::test::Exchange;
using syncd::test::HttpServer;
using syncd::test::run_task;

Request get(const std::string& url) { return Request("GET", url); }

class ClientTest : public ::testing::Test {
 protected:
  std::string fetch(Request request) { return run_task(loop_, fetched(*client_, std::move(request))); }
  Failure failure(Request request) {
    try {
      fetch(std::move(request));
    } catch (const Failure& failed) {
      return failed;
    }
    ADD_FAILURE() << "expected a failure";
    return Failure(ErrorKind::Permanent, "", false);
  }
  static coro::Task<std::string> fetched(Client& client, Request request) {
    Response response = co_await client.send(std::move(request));
    std::string text = std::to_string(response.status()) + " ";
    Chunks chunks = Response::body(std::move(response));
    while (auto chunk = co_await chunks.next()) text += *chunk;
    co_return text;
  }

  loop::EventLoop loop_;
  std::unique_ptr<Client> client_ = std::make_unique<Client>(loop_, ClientOptions());
};

TEST_F(ClientTest, SendsARequestAndReadsTheAnswer) {
  HttpServer server([](Exchange& exchange) {
    exchange.reply(418, "text/plain",
                   exchange.method + exchange.target + exchange.header("x-key") + exchange.body);
  });
  Request request("POST", server.url() + "/v1?x=1");
  request.headers.push_back("X-Key: k");
  request.body = std::string("a\0b", 3);
  EXPECT_EQ(fetch(std::move(request)), "418 POST/v1?x=1k" + std::string("a\0b", 3));
}

TEST_F(ClientTest, ALargeBodyIsSentWithoutWaitingForAContinue) {
  HttpServer server([](Exchange& exchange) {
    exchange.reply(200, "text/plain", exchange.header("expect") + std::to_string(exchange.body.size()));
  });
  Request request("POST", server.url());
  request.body.assign(3'000'000, 'x');
  EXPECT_EQ(fetch(std::move(request)), "200 3000000");
}

TEST_F(ClientTest, ARedirectIsAnAnswerNotAnOrder) {
  HttpServer server(
      [](Exchange& exchange) { exchange.reply(302, "text/plain", "", "Location: /other\r\n"); });
  EXPECT_EQ(fetch(get(server.url())), "302 ");
  EXPECT_EQ(server.requests(), 1U);
}

TEST_F(ClientTest, AServerIsMadeToWaitWhileNobodyReads) {
  std::atomic<std::size_t> taken{0};
  constexpr std::size_t kPiece = 64 * 1024;
  constexpr std::size_t kPieces = 800;
  HttpServer server([&](Exchange& exchange) {
    exchange.start("text/plain");
    const std::string piece(kPiece, 'x');
    for (std::size_t i = 0; i < kPieces && exchange.send(piece); ++i) taken += kPiece;
  });
  const auto slow = [](loop::EventLoop& loop, Client& client, Request request,
                       const std::atomic<std::size_t>& sent) -> coro::Task<std::size_t> {
    Response response = co_await client.send(std::move(request));
    Chunks chunks = Response::body(std::move(response));
    std::size_t total = 0;
    // Not reading: what the server gets rid of comes to rest.
    for (std::size_t before = 1; before != sent;) {
      before = sent;
      co_await sleep_for(loop, 100ms);
    }
    EXPECT_LT(sent, kPiece * kPieces / 2) << "the sockets' buffers and one of ours, no more";
    while (auto chunk = co_await chunks.next()) {
      EXPECT_LE(chunk->size(), 128U * 1024);
      total += chunk->size();
    }
    co_return total;
  };
  EXPECT_EQ(run_task(loop_, slow(loop_, *client_, get(server.url()), taken)), kPiece * kPieces);
}

TEST_F(ClientTest, ARefusedConnectionWasNotSent) {
  const syncd::test::ReservedPort nobody;
  const Failure failed = failure(get("http://127.0.0.1:" + std::to_string(nobody.number())));
  EXPECT_EQ(failed.kind(), ErrorKind::Transient);
  EXPECT_FALSE(failed.sent());
}

TEST_F(ClientTest, ANameThatDoesNotExistWasNotSent) {
  EXPECT_FALSE(failure(get("http://no-such-host.invalid/")).sent());
}

TEST_F(ClientTest, AServerThatSaysNothingIsGivenUp) {
  HttpServer server([](Exchange& exchange) { exchange.wait_for_peer(); });
  Request request = get(server.url());
  request.limits.idle = 50ms;
  const Failure failed = failure(std::move(request));
  EXPECT_NE(std::string(failed.what()).find("no byte for"), std::string::npos) << failed.what();
  EXPECT_TRUE(failed.sent());
}

TEST_F(ClientTest, AServerThatDripsMeetsTheTotalDeadline) {
  HttpServer server([](Exchange& exchange) {
    exchange.start("text/plain");
    while (exchange.be_silent(10ms) && exchange.send("x")) {
    }
  });
  Request request = get(server.url());
  request.limits.idle = 10s;
  request.limits.total = 200ms;
  const Failure failed = failure(std::move(request));
  EXPECT_NE(std::string(failed.what()).find("not done within"), std::string::npos) << failed.what();
}

TEST_F(ClientTest, ACutAnswerIsAFailureWhereHttpCanTell) {
  HttpServer server(
      [](Exchange& exchange) { exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"); });
  EXPECT_TRUE(failure(get(server.url())).sent());
  server.handle_with([](Exchange& exchange) {
    exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
  });
  EXPECT_TRUE(failure(get(server.url())).sent());
  server.handle_with([](Exchange& exchange) {
    exchange.start("text/plain");
    exchange.send("half");
    exchange.reset();
  });
  EXPECT_TRUE(failure(get(server.url())).sent());
}

TEST_F(ClientTest, AConnectionThatIsClosedWithoutAnAnswerIsNotTriedAgain) {
  HttpServer server([](Exchange&) {});
  EXPECT_TRUE(failure(get(server.url())).sent());
  EXPECT_TRUE(failure(get(server.url())).sent());
  EXPECT_EQ(server.requests(), 2U);
}

TEST_F(ClientTest, AnEndlessHeadIsRefused) {
  HttpServer server([](Exchange& exchange) {
    exchange.send("HTTP/1.1 200 OK\r\n");
    while (exchange.send("X-More: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  const Failure failed = failure(get(server.url()));
  EXPECT_NE(std::string(failed.what()).find("head"), std::string::npos) << failed.what();
}

TEST_F(ClientTest, OneThatIsNoHttpServerSaysSoWithoutControlCharacters) {
  HttpServer server([](Exchange& exchange) { exchange.send("\x1b[31mHELLO\r\n\r\n"); });
  const std::string text = failure(get(server.url())).what();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST_F(ClientTest, AStopEndsTheRequestAtOnce) {
  std::atomic<bool> gone{false};
  HttpServer server([&](Exchange& exchange) {
    exchange.wait_for_peer();
    gone = true;
  });
  const auto stopped = [](loop::EventLoop& loop, Client& client, std::string url,
                          HttpServer& from) -> coro::Task<> {
    coro::AsyncScope scope;
    const auto ask = [](Client& to, Request request) -> coro::Task<> {
      co_await fetched(to, std::move(request));
    };
    scope.spawn(ask(client, get(url)));
    co_await syncd::test::until(loop, [&] { return from.requests() == 1; });
    scope.request_stop();
    co_await scope.join();
  };
  run_task(loop_, stopped(loop_, *client_, server.url(), server));
  EXPECT_EVENTUALLY(gone.load());
}

TEST_F(ClientTest, AHalfReadAnswerCanBeDropped) {
  std::atomic<bool> gone{false};
  HttpServer server([&](Exchange& exchange) {
    exchange.start("text/plain");
    exchange.send("first");
    exchange.wait_for_peer();
    gone = true;
  });
  const auto first = [](Client& client, Request request) -> coro::Task<std::string> {
    Response response = co_await client.send(std::move(request));
    Chunks chunks = Response::body(std::move(response));
    auto chunk = co_await chunks.next();
    co_return std::move(*chunk);
  };
  EXPECT_EQ(run_task(loop_, first(*client_, get(server.url()))), "first");
  EXPECT_EVENTUALLY(gone.load());
}

TEST_F(ClientTest, AProxyOfTheEnvironmentIsNotAsked) {
  const syncd::test::ReservedPort nobody;
  ::setenv("http_proxy", ("http://127.0.0.1:" + std::to_string(nobody.number())).c_str(), 1);
  HttpServer server([](Exchange& exchange) { exchange.reply(200, "text/plain", "direct"); });
  EXPECT_EQ(fetch(get(server.url())), "200 direct");
  ::unsetenv("http_proxy");
  HttpServer proxy(
      [](Exchange& exchange) { exchange.reply(200, "text/plain", "by proxy " + exchange.target); });
  ClientOptions options;
  options.proxy = proxy.url();
  client_ = std::make_unique<Client>(loop_, std::move(options));
  EXPECT_EQ(fetch(get("http://example.invalid/x")), "200 by proxy http://example.invalid/x");
}

TEST_F(ClientTest, ACertificateIsVerified) {
  const syncd::test::Certificates certificates("DNS:localhost");
  const syncd::test::ReservedPort port;
  const std::string number = std::to_string(port.number());
  syncd::test::Process server({"openssl", "s_server", "-www", "-accept", "127.0.0.1:" + number, "-cert",
                               certificates.certificate(), "-key", certificates.key(), "-quiet"});
  ClientOptions options;
  options.ca_file = certificates.authority();
  client_ = std::make_unique<Client>(loop_, std::move(options));
  EXPECT_EVENTUALLY([&] {
    try {
      return fetch(get("https://localhost:" + number + "/")).substr(0, 4) == "200 ";
    } catch (const Failure&) {
      return false;  // it starts
    }
  }());
  const Failure other_name = failure(get("https://127.0.0.1:" + number + "/"));
  EXPECT_EQ(other_name.kind(), ErrorKind::Permanent) << other_name.what();
  client_ = std::make_unique<Client>(loop_, ClientOptions());
  const Failure untrusted = failure(get("https://localhost:" + number + "/"));
  EXPECT_EQ(untrusted.kind(), ErrorKind::Permanent) << untrusted.what();
  EXPECT_FALSE(untrusted.sent());
}

TEST_F(ClientTest, OnlyHttpIsSpoken) {
  EXPECT_EQ(failure(get("file:///etc/passwd")).kind(), ErrorKind::Permanent);
}

}  // namespace
}  // namespace syncd::http
