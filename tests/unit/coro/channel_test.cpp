#include "daemon/coro/channel.hpp"

#include <memory>
#include <stdexcept>

#include "tests/unit/coro/co_test.hpp"

namespace syncd::coro {
namespace {

using namespace std::chrono_literals;
using test::Events;

Task<> send(Channel<int>& channel, int first, int last, Events& events) {
  for (int i = first; i <= last; ++i) {
    const bool wanted = co_await channel.room();
    if (!wanted) {
      events.push_back("abandoned");
      co_return;
    }
    channel.put(i);
    events.push_back("sent " + std::to_string(i));
  }
  channel.close();
}

Task<> cancellable_send(Channel<int>& channel, Events& events) {
  try {
    co_await send(channel, 1, 9, events);
  } catch (const Cancelled&) {
    events.push_back("sender cancelled");
  }
}

Task<> receive_one(Channel<int>& channel, Events& events) {
  try {
    const auto element = co_await channel.receive();
    events.push_back(element ? "received " + std::to_string(*element) : "end");
  } catch (const Cancelled&) {
    events.push_back("receiver cancelled");
  }
}

CO_TEST(Channel, KeepsTheOrderAndEndsWhenClosed) {
  Channel<int> channel(clock, 4);
  Events events;
  AsyncScope scope;
  scope.spawn(send(channel, 1, 100, events));
  for (int i = 1; i <= 100; ++i) EXPECT_EQ(co_await channel.receive(), i);
  EXPECT_EQ(co_await channel.receive(), std::nullopt);
  EXPECT_EQ(co_await channel.receive(), std::nullopt);
  co_await scope.join();
}

CO_TEST(Channel, HoldsItsSenderBackWhileItIsFull) {
  Channel<int> channel(clock, 2);
  Events events;
  AsyncScope scope;
  scope.spawn(send(channel, 1, 3, events));
  EXPECT_EQ(events, (Events{"sent 1", "sent 2"}));
  EXPECT_TRUE(channel.full());
  EXPECT_EQ(co_await channel.receive(), 1);
  co_await scope.join();
  EXPECT_EQ(events.back(), "sent 3");
}

CO_TEST(Channel, HoldsItsReceiverBackWhileItIsEmpty) {
  Channel<int> channel(clock, 2);
  Events events;
  AsyncScope scope;
  scope.spawn(receive_one(channel, events));
  EXPECT_TRUE(events.empty());
  channel.put(5);
  EXPECT_TRUE(events.empty()) << "the receiver ran below put()";
  co_await scope.join();
  EXPECT_EQ(events, Events{"received 5"});
}

CO_TEST(Channel, DeliversWhatWasSentBeforeTheError) {
  Channel<int> channel(clock, 2);
  channel.put(1);
  channel.close(std::make_exception_ptr(std::runtime_error("broken")));
  EXPECT_EQ(co_await channel.receive(), 1);
  EXPECT_THROW((void)co_await channel.receive(), std::runtime_error);
  EXPECT_EQ(co_await channel.receive(), std::nullopt);
}

CO_TEST(Channel, RemembersTheFirstClose) {
  Channel<int> channel(clock, 2);
  channel.close();
  channel.close(std::make_exception_ptr(std::runtime_error("too late")));
  EXPECT_EQ(co_await channel.receive(), std::nullopt);
  EXPECT_FALSE(co_await channel.room());
}

CO_TEST(Channel, WakesAReceiverWhenItIsClosed) {
  Channel<int> channel(clock, 2);
  Events events;
  AsyncScope scope;
  scope.spawn(receive_one(channel, events));
  channel.close();
  co_await scope.join();
  EXPECT_EQ(events, Events{"end"});
}

CO_TEST(Channel, TellsItsSenderWhenTheReceiverIsGone) {
  Channel<int> channel(clock, 1);
  Events events;
  AsyncScope scope;
  scope.spawn(send(channel, 1, 3, events));
  channel.abandon();
  EXPECT_EQ(channel.size(), 0U) << "what waited is dropped at once";
  co_await scope.join();
  EXPECT_EQ(events, (Events{"sent 1", "abandoned"}));
}

CO_TEST(Channel, LetsAStopReachBothEnds) {
  Channel<int> full(clock, 1);
  Channel<int> empty(clock, 1);
  Events sender;
  Events receiver;
  AsyncScope scope;
  scope.spawn(cancellable_send(full, sender));
  scope.spawn(receive_one(empty, receiver));
  scope.request_stop();
  co_await scope.join();
  EXPECT_EQ(sender, (Events{"sent 1", "sender cancelled"}));
  EXPECT_EQ(receiver, Events{"receiver cancelled"});
}

CO_TEST(Channel, CancelsEvenWhereItNeedNotWait) {
  Channel<int> channel(clock, 1);
  channel.put(1);
  Events events;
  AsyncScope scope;
  scope.request_stop();
  scope.spawn(receive_one(channel, events));
  co_await scope.join();
  EXPECT_EQ(events, Events{"receiver cancelled"});
  EXPECT_EQ(channel.size(), 1U);
}

CO_TEST(Channel, LosesNothingWhenAReceiverIsStopped) {
  Channel<int> channel(clock, 1);
  Events events;
  AsyncScope scope;
  scope.spawn(receive_one(channel, events));
  scope.request_stop();
  channel.put(1);
  co_await scope.join();
  EXPECT_EQ(events, Events{"receiver cancelled"});
  EXPECT_EQ(co_await channel.receive(), 1);
}

CO_TEST(Channel, CarriesWhatOnlyMoves) {
  Channel<std::unique_ptr<int>> channel(clock, 1);
  channel.put(std::make_unique<int>(3));
  const auto box = co_await channel.receive();
  EXPECT_EQ(**box, 3);
}

}  // namespace
}  // namespace syncd::coro
