#include "daemon/coro/signal.hpp"

#include "tests/unit/coro/co_test.hpp"

namespace syncd::coro {
namespace {

using namespace std::chrono_literals;
using test::Events;

Task<> wait_for(Signal& signal, Events& events) {
  try {
    co_await signal.wait();
    events.push_back("announced");
  } catch (const Cancelled&) {
    events.push_back("cancelled");
  }
}

CO_TEST(Signal, WakesTheWaiterAtTheNextTurnAndNotInPlace) {
  Events events;
  Signal signal(clock);
  AsyncScope scope;
  scope.spawn(wait_for(signal, events));
  signal.notify();
  EXPECT_TRUE(events.empty());
  co_await scope.join();
  EXPECT_EQ(events, Events{"announced"});
}

CO_TEST(Signal, KeepsAnAnnouncementUntilSomebodyWaits) {
  Signal signal(clock);
  signal.notify();
  signal.notify();
  EXPECT_TRUE(co_await signal.wait());
  EXPECT_FALSE(co_await signal.wait_until(clock.now() + 1s)) << "two announcements are one";
}

CO_TEST(Signal, ForgetsAnAnnouncementWhenCleared) {
  Signal signal(clock);
  signal.notify();
  signal.clear();
  EXPECT_FALSE(co_await signal.wait_until(clock.now() + 1s));
}

CO_TEST(Signal, GivesUpAtTheDeadline) {
  Signal signal(clock);
  const TimePoint deadline = clock.now() + 3s;
  EXPECT_FALSE(co_await signal.wait_until(deadline));
  EXPECT_EQ(clock.now(), deadline);
}

CO_TEST(Signal, CanBeAnnouncedBeforeTheDeadline) {
  Signal signal(clock);
  AsyncScope scope;
  const TimePoint start = clock.now();
  const auto announce = [](Clock& on, Signal& what) -> Task<> {
    co_await sleep_for(on, 1s);
    what.notify();
  };
  scope.spawn(announce(clock, signal));
  EXPECT_TRUE(co_await signal.wait_until(start + 1h));
  EXPECT_EQ(clock.now(), start + 1s);
  EXPECT_EQ(clock.waiting(), 0U);
  co_await scope.join();
}

CO_TEST(Signal, IsLeftByAStopAndKeepsALaterAnnouncement) {
  Events events;
  Signal signal(clock);
  AsyncScope scope;
  scope.spawn(wait_for(signal, events));
  scope.request_stop();
  signal.notify();
  co_await scope.join();
  EXPECT_EQ(events, Events{"cancelled"});
  EXPECT_TRUE(co_await signal.wait()) << "the announcement belongs to the next one who waits";
}

}  // namespace
}  // namespace syncd::coro
