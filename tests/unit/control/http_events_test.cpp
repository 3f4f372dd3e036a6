// GET /jobs/NAME/events: what goes over the wire, and to whom.
#include "daemon/control/http_events.hpp"

#include <gmock/gmock.h>

#include "daemon/control/http_pages.hpp"
#include "tests/unit/control/fake_operations.hpp"
#include "tests/unit/loop/loop_test.hpp"

namespace syncd::control {
namespace {

using status::Piece;
using Kind = status::Piece::Kind;
using test::FakeOperations;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string text_of(const std::string& answer, Kind kind, const std::string& text) {
  return event_text(std::vector<Piece>(1, Piece(answer, kind, text)));
}

TEST(HttpEvents, EachKindOfPieceIsAnEventOfItsOwn) {
  EXPECT_EQ(text_of("a1", Kind::Text, "Two\nlines \"quoted\""),
            "data: {\"content\":\"Two\\nlines \\\"quoted\\\"\",\"answer\":\"a1\"}\n\n");
  EXPECT_EQ(text_of("a1", Kind::Done, ""), "data: {\"content\":\"\",\"answer\":\"a1\",\"done\":true}\n\n");
  EXPECT_EQ(text_of("a1", Kind::Again, "cut"),
            "event: again\ndata: {\"content\":\"\",\"answer\":\"a1\",\"why\":\"cut\"}\n\n");
  EXPECT_EQ(text_of("a1", Kind::Failed, "no"),
            "event: error\ndata: {\"content\":\"\",\"answer\":\"a1\",\"error\":{\"message\":\"no\"}}\n\n");
  EXPECT_EQ(text_of("", Kind::Lost, "12"), "data: {\"content\":\"\",\"lost\":12}\n\n");
  EXPECT_EQ(text_of("", Kind::Ended, ""), "data: [DONE]\n\n");
  EXPECT_EQ(text_of("", Kind::Ended, "gone"),
            "event: error\ndata: {\"content\":\"\",\"error\":{\"message\":\"gone\"}}\n\n");
}

TEST(HttpEvents, NothingThatAModelSaysEndsAnEventEarly) {
  const std::string hostile = "\n\ndata: [DONE]\r\r\xe2\x80\xa8\x1b[31m\xff" + std::string(1, '\0');
  const std::string event = text_of("a1", Kind::Text, hostile);
  EXPECT_EQ(event.find_first_of("\r\n\x1b"), event.size() - 2) << event;
}

TEST(HttpEvents, APathNamesTheJob) {
  EXPECT_EQ(events_of("/jobs/digest/events"), "digest");
  EXPECT_EQ(events_of("/jobs//events"), "");
  for (const char* other : {"/jobs/events", "/jobs/digest", "/jobs/digest/events/", "/events", "/metrics"}) {
    EXPECT_EQ(events_of(other), std::nullopt) << other;
  }
}

// A page server on one end of a socket; a test reads and writes the other end.
class Served {
 public:
  Served(loop::EventLoop& loop, FakeOperations& operations)
      : ends_(loop), pages_(http_pages(loop, operations)) {
    serving_.spawn(http::serve_request(loop, *ends_.stream, "", pages_, limits_));
  }
  // What has come so far.
  const std::string& heard() { return heard_ += ends_.peer.receive(); }
  coro::Task<> hear(loop::EventLoop& loop, std::string part) {
    while (heard().find(part) == std::string::npos) co_await sleep_for(loop, std::chrono::milliseconds(1));
  }
  void ask(const std::string& path, const std::string& method = "GET") {
    ends_.peer.send(method + " " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  void go() { ends_.peer.reset(); }
  coro::Task<> ended() { co_await serving_.join(); }
  coro::Task<> stop() {
    serving_.request_stop();
    co_await serving_.join();
  }

 private:
  loop::test::Pair ends_;
  http::Handler pages_;
  http::ServerLimits limits_;
  std::string heard_;
  coro::AsyncScope serving_;
};

LOOP_TEST(HttpEvents, FollowAJobToTheEndOfItsRun) {
  FakeOperations operations(loop);
  Served first(loop, operations);
  Served second(loop, operations);
  first.ask("/jobs/users/events?x=1");
  second.ask("/jobs/users/events");
  co_await first.hear(loop, ": the answers");
  co_await second.hear(loop, ": the answers");
  EXPECT_THAT(first.heard(), StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"));
  operations.relay().publish("users", Piece("a1", Kind::Text, "Hello"));
  operations.relay().publish("orders", Piece("b1", Kind::Text, "other"));
  co_await first.hear(loop, "Hello");
  operations.relay().publish("users", Piece("", Kind::Ended, ""));
  operations.relay().publish("users", Piece("a2", Kind::Text, "the next run"));
  co_await first.ended();
  co_await second.ended();
  for (Served* each : {&first, &second}) {
    EXPECT_THAT(each->heard(), HasSubstr("data: {\"content\":\"Hello\",\"answer\":\"a1\"}\n\n"));
    EXPECT_THAT(each->heard(), EndsWith("data: [DONE]\n\n"));
    EXPECT_EQ(each->heard().find("other"), std::string::npos);
  }
}

LOOP_TEST(HttpEvents, AJobThatIsNotThereIsNoPage) {
  FakeOperations operations(loop);
  for (const char* path : {"/jobs/nobody/events", "/jobs//events", "/jobs/users"}) {
    Served served(loop, operations);
    served.ask(path);
    co_await served.ended();
    EXPECT_THAT(served.heard(), StartsWith("HTTP/1.1 404 ")) << path;
  }
  Served head(loop, operations);
  head.ask("/jobs/users/events", "HEAD");
  co_await head.ended();
  EXPECT_THAT(head.heard(), EndsWith("\r\n\r\n"));
}

// Its socket is full, so its ring fills; the others hear everything, and nobody waited for it.
LOOP_TEST(HttpEvents, ASlowWatcherLosesTokensAndIsTold) {
  FakeOperations operations(loop);
  Served slow(loop, operations);
  Served quick(loop, operations);
  slow.ask("/jobs/users/events");
  quick.ask("/jobs/users/events");
  co_await slow.hear(loop, ": the answers");
  co_await quick.hear(loop, ": the answers");
  constexpr int kTokens = 100'000;
  for (int i = 0; i < kTokens; ++i) {
    operations.relay().publish("users", Piece("a1", Kind::Text, std::to_string(i)));
    if (i % 1000 != 999) continue;
    co_await quick.hear(loop, "\"" + std::to_string(i) + "\"");
  }
  operations.relay().publish("users", Piece("", Kind::Ended, ""));
  co_await quick.hear(loop, "[DONE]");
  co_await slow.hear(loop, "[DONE]");
  co_await quick.ended();
  co_await slow.ended();
  EXPECT_EQ(quick.heard().find("lost"), std::string::npos);
  EXPECT_NE(slow.heard().find("\"lost\":"), std::string::npos);
}

LOOP_TEST(HttpEvents, WhoHasGoneIsForgotten) {
  FakeOperations operations(loop);
  Served served(loop, operations);
  served.ask("/jobs/users/events");
  co_await served.hear(loop, ": the answers");
  served.go();
  operations.relay().publish("users", Piece("a1", Kind::Text, "into the void"));
  co_await served.ended();
  Served waiting(loop, operations);
  waiting.ask("/jobs/users/events");
  co_await waiting.hear(loop, ": the answers");
  co_await waiting.stop();  // the daemon's end waits for nobody
}

}  // namespace
}  // namespace syncd::control
