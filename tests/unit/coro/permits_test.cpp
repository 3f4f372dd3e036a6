#include "daemon/coro/permits.hpp"

#include "tests/unit/coro/co_test.hpp"

namespace syncd::coro {
namespace {

using namespace std::chrono_literals;
using test::Events;

// Holds a permit for a second.
Task<> hold(Clock& clock, Permits& permits, std::string name, Events& events) {
  try {
    const auto permit = co_await permits.take_until(clock.now() + 10s);
    events.push_back(name + (permit ? " in" : " gave up"));
    if (permit) co_await sleep_for(clock, 1s);
  } catch (const Cancelled&) {
    events.push_back(name + " cancelled");
  }
}

CO_TEST(Permits, LetInSoManyAtATimeInTheirOrder) {
  Events events;
  Permits permits(clock, 2);
  AsyncScope scope;
  const TimePoint start = clock.now();
  for (const std::string name : {"a", "b", "c", "d", "e"}) scope.spawn(hold(clock, permits, name, events));
  EXPECT_EQ(events, (Events{"a in", "b in"}));
  co_await scope.join();
  EXPECT_EQ(events, (Events{"a in", "b in", "c in", "d in", "e in"}));
  EXPECT_EQ(clock.now(), start + 3s);
}

CO_TEST(Permits, NobodyOvertakesTheQueue) {
  Events events;
  Permits permits(clock, 1);
  AsyncScope scope;
  scope.spawn(hold(clock, permits, "a", events));
  scope.spawn(hold(clock, permits, "b", events));
  const auto late = [](Clock& on, Permits& from, Events& into) -> Task<> {
    co_await sleep_for(on, 1s);  // at the very instant when a leaves and b is called
    co_await hold(on, from, "c", into);
  };
  scope.spawn(late(clock, permits, events));
  co_await scope.join();
  EXPECT_EQ(events, (Events{"a in", "b in", "c in"}));
}

CO_TEST(Permits, GiveUpAtTheDeadline) {
  Permits permits(clock, 1);
  const auto held = co_await permits.take_until(clock.now());
  EXPECT_TRUE(held.has_value());
  const TimePoint deadline = clock.now() + 3s;
  const auto none = co_await permits.take_until(deadline);
  EXPECT_FALSE(none.has_value());
  EXPECT_EQ(clock.now(), deadline);
}

CO_TEST(Permits, AWaiterThatIsStoppedDoesNotHoldUpTheNext) {
  for (const bool called : {false, true}) {  // before or after its turn has come
    Events events;
    Permits permits(clock, 1);
    AsyncScope first;
    AsyncScope second;
    AsyncScope third;
    first.spawn(hold(clock, permits, "a", events));
    second.spawn(hold(clock, permits, "b", events));
    third.spawn(hold(clock, permits, "c", events));
    if (called) co_await first.join();
    second.request_stop();
    co_await second.join();
    co_await third.join();
    co_await first.join();
    EXPECT_EQ(events.back(), "c in");
    EXPECT_EQ(events[events.size() - 2], "b cancelled");
  }
}

}  // namespace
}  // namespace syncd::coro
