#include "daemon/coro/buffer.hpp"

#include <stdexcept>

#include "tests/unit/coro/co_test.hpp"

namespace syncd::coro {
namespace {

using namespace std::chrono_literals;
using test::Events;
using test::Traced;

AsyncGenerator<int> produce(Clock& clock, Events& events, int last, bool fails = false) {
  const Traced local(events, "producer");
  for (int i = 1; i <= last; ++i) {
    co_await sleep_for(clock, 1s);
    events.push_back("made " + std::to_string(i));
    co_yield std::move(i);
  }
  if (fails) throw std::runtime_error("broken");
}

CO_TEST(Buffer, KeepsOrderAndEnd) {
  Events events;
  AsyncScope scope;
  auto elements = buffer(clock, scope, produce(clock, events, 20), 3);
  for (int i = 1; i <= 20; ++i) EXPECT_EQ(co_await elements.next(), i);
  EXPECT_EQ(co_await elements.next(), std::nullopt);
  co_await scope.join();
}

CO_TEST(Buffer, RunsAheadOfItsConsumerButNoFurtherThanItsDepth) {
  Events events;
  AsyncScope scope;
  auto elements = buffer(clock, scope, produce(clock, events, 20), 2);
  EXPECT_EQ(co_await elements.next(), 1);
  co_await sleep_for(clock, 1h);
  EXPECT_EQ(events, (Events{"made 1", "made 2", "made 3"}));
  const TimePoint before = clock.now();
  EXPECT_EQ(co_await elements.next(), 2);
  EXPECT_EQ(co_await elements.next(), 3);
  EXPECT_EQ(clock.now(), before) << "they were ready";
  scope.request_stop();
  co_await scope.join();
}

CO_TEST(Buffer, StartsAtTheFirstPull) {
  Events events;
  AsyncScope scope;
  {
    const auto elements = buffer(clock, scope, produce(clock, events, 2), 2);
    co_await sleep_for(clock, 1h);
    EXPECT_EQ(scope.running(), 0U);
  }
  EXPECT_TRUE(events.empty());
}

CO_TEST(Buffer, DeliversWhatWasMadeBeforeAnError) {
  Events events;
  AsyncScope scope;
  auto elements = buffer(clock, scope, produce(clock, events, 2, true), 4);
  EXPECT_EQ(co_await elements.next(), 1);
  co_await sleep_for(clock, 1h);
  EXPECT_EQ(co_await elements.next(), 2);
  EXPECT_THROW((void)co_await elements.next(), std::runtime_error);
  co_await scope.join();
}

CO_TEST(Buffer, EndsItsProducerWhenDroppedWhileThatWaitsForRoom) {
  Events events;
  AsyncScope scope;
  {
    auto elements = buffer(clock, scope, produce(clock, events, 20), 1);
    EXPECT_EQ(co_await elements.next(), 1);
    co_await sleep_for(clock, 1h);
  }
  co_await scope.join();
  EXPECT_EQ(events, (Events{"made 1", "made 2", "producer gone"}));
}

CO_TEST(Buffer, EndsItsProducerInTheMiddleOfAnElementWhenItsScopeStops) {
  Events events;
  AsyncScope scope;
  {
    auto elements = buffer(clock, scope, produce(clock, events, 20), 4);
    EXPECT_EQ(co_await elements.next(), 1);
  }
  const TimePoint before = clock.now();
  scope.request_stop();
  co_await scope.join();
  EXPECT_EQ(clock.now(), before);
  EXPECT_EQ(events, (Events{"made 1", "producer gone"}));
}

CO_TEST(Buffer, PassesTheStopOfItsScopeOnToTheConsumer) {
  Events events;
  AsyncScope scope;
  auto elements = buffer(clock, scope, produce(clock, events, 20), 4);
  EXPECT_EQ(co_await elements.next(), 1);
  scope.request_stop();
  EXPECT_THROW((void)co_await elements.next(), Cancelled);
  co_await scope.join();
}

Task<> drain(AsyncGenerator<int> from) {
  while (auto element = co_await from.next()) {
  }
}

CO_TEST(Buffer, LetsItsConsumerBeStopped) {
  Events events;
  AsyncScope producers;
  AsyncScope consumers;
  consumers.spawn(drain(buffer(clock, producers, produce(clock, events, 20), 4)));
  consumers.request_stop();
  co_await consumers.join();
  producers.request_stop();
  co_await producers.join();
  EXPECT_EQ(events, Events{"producer gone"});
}

}  // namespace
}  // namespace syncd::coro
