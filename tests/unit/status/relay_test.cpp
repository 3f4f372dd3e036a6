#include "daemon/status/relay.hpp"

#include "tests/unit/coro/co_test.hpp"

namespace syncd::status {
namespace {

using Kind = Piece::Kind;

Piece text(const std::string& words) { return Piece("a", Kind::Text, words); }

CO_TEST(Relay, EveryWatcherOfAJobHearsAllOfItsPiecesInOrder) {
  Relay relay;
  Relay::Watcher first(clock, relay, "digest");
  Relay::Watcher second(clock, relay, "digest");
  Relay::Watcher other(clock, relay, "other");
  relay.publish("digest", text("Hello "));
  relay.publish("digest", text("world"));
  relay.publish("other", Piece("b", Kind::Failed, "no"));
  for (Relay::Watcher* watcher : {&first, &second}) {
    const std::vector<Piece> heard = co_await watcher->next();
    EXPECT_EQ(heard.size(), 2U);
    EXPECT_EQ(heard.at(0).text + heard.at(1).text, "Hello world");
  }
  const std::vector<Piece> heard = co_await other.next();
  EXPECT_EQ(heard.at(0).kind, Kind::Failed);
}

CO_TEST(Relay, RecordsAreForThoseWhoWatchEverything) {
  Relay relay;
  Relay::Watcher answers(clock, relay, "digest");
  EXPECT_FALSE(relay.followed("digest"));
  Relay::Watcher all(clock, relay, "digest", Relay::Interest::Everything);
  EXPECT_TRUE(relay.followed("digest"));
  EXPECT_FALSE(relay.followed("other"));
  relay.publish("digest", Piece("", Piece::Kind::Record, "{}"));
  relay.publish("digest", text("Hello"));
  const auto heard = co_await answers.next();
  EXPECT_EQ(heard.size(), 1U);
  if (heard.size() != 1) co_return;
  EXPECT_EQ(heard[0].text, "Hello");
  EXPECT_EQ((co_await all.next()).size(), 2U);
}

CO_TEST(Relay, ASlowWatcherLosesTheOldestAndIsTold) {
  Relay relay;
  Relay::Watcher slow(clock, relay, "digest");
  for (int i = 0; i < 100'000; ++i) relay.publish("digest", text(std::to_string(i)));
  const std::vector<Piece> heard = co_await slow.next();
  EXPECT_LE(heard.size(), 5000U) << "bounded";
  EXPECT_EQ(heard.front().kind, Kind::Lost);
  EXPECT_EQ(std::stoul(heard.front().text) + heard.size() - 1, 100'000U) << "each is heard or counted";
  EXPECT_EQ(heard.back().text, "99999");
  relay.publish("digest", text("on"));
  const std::vector<Piece> later = co_await slow.next();
  EXPECT_EQ(later.size(), 1U) << "told once";
}

CO_TEST(Relay, LargePiecesAreBoundedByTheirBytes) {
  Relay relay;
  Relay::Watcher slow(clock, relay, "digest");
  for (int i = 0; i < 100; ++i) relay.publish("digest", text(std::string(100'000, 'x')));
  const std::vector<Piece> heard = co_await slow.next();
  EXPECT_LE(heard.size(), 4U);
}

CO_TEST(Relay, AWatcherThatHasGoneIsForgotten) {
  Relay relay;
  { const Relay::Watcher gone(clock, relay, "digest"); }
  relay.publish("digest", text("nobody"));
  Relay::Watcher late(clock, relay, "digest");
  relay.publish("digest", Piece("a", Kind::Done, ""));
  const std::vector<Piece> heard = co_await late.next();
  EXPECT_EQ(heard.size(), 1U) << "nothing of what was before";
}

}  // namespace
}  // namespace syncd::status
