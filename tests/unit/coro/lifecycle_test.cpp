#include "daemon/coro/lifecycle.hpp"

#include <stdexcept>

#include "daemon/coro/clock.hpp"
#include "tests/unit/coro/co_test.hpp"

namespace syncd::coro {
namespace {

using namespace std::chrono_literals;
using test::Events;
using test::Traced;

AsyncGenerator<int> items(Events& events, int count, bool fails) {
  const Traced local(events, "items");
  for (int i = 1; i <= count; ++i) co_yield std::move(i);
  if (fails) throw std::runtime_error("broken");
}

Task<> note_init(Clock& clock, Events& events) {
  co_await sleep_for(clock, 1s);
  events.push_back("init");
}

Lifecycle noting(Clock& clock, Events& events) {
  Lifecycle hooks;
  hooks.on_init = [&] { return note_init(clock, events); };
  hooks.on_cleanup = [&] { events.push_back("cleanup"); };
  hooks.on_error = [&](const std::exception& error) { events.push_back(error.what()); };
  return hooks;
}

CO_TEST(WithLifecycle, InitsBeforeTheFirstElementAndCleansUpAfterTheLast) {
  Events events;
  auto wrapped = with_lifecycle(noting(clock, events), items(events, 2, false));
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(co_await wrapped.next(), 1);
  EXPECT_EQ(events, Events{"init"});
  EXPECT_EQ(co_await wrapped.next(), 2);
  EXPECT_EQ(co_await wrapped.next(), std::nullopt);
  EXPECT_EQ(events, (Events{"init", "items gone", "cleanup"}));
}

CO_TEST(WithLifecycle, CleansUpWhenDroppedBetweenElementsAndAfterTheItemsAreGone) {
  Events events;
  {
    auto wrapped = with_lifecycle(noting(clock, events), items(events, 2, false));
    EXPECT_EQ(co_await wrapped.next(), 1);
  }
  EXPECT_EQ(events, (Events{"init", "items gone", "cleanup"}));
}

CO_TEST(WithLifecycle, TellsAnErrorBeforeItCleansUp) {
  Events events;
  auto wrapped = with_lifecycle(noting(clock, events), items(events, 0, true));
  EXPECT_THROW((void)co_await wrapped.next(), std::runtime_error);
  EXPECT_EQ(events, (Events{"init", "items gone", "broken", "cleanup"}));
}

TEST(WithLifecycle, NeitherInitsNorCleansUpWhenNeverStarted) {
  Events events;
  ManualClock clock;
  { const auto wrapped = with_lifecycle(noting(clock, events), items(events, 2, false)); }
  EXPECT_TRUE(events.empty());
}

Task<> failing_init() {
  throw std::runtime_error("no init");
  co_return;
}

CO_TEST(WithLifecycle, DoesNotCleanUpWhatItCouldNotInit) {
  Events events;
  Lifecycle hooks = noting(clock, events);
  hooks.on_init = failing_init;
  auto wrapped = with_lifecycle(std::move(hooks), items(events, 2, false));
  EXPECT_THROW((void)co_await wrapped.next(), std::runtime_error);
  EXPECT_TRUE(events.empty());
}

AsyncGenerator<int> never(Clock& clock) {
  co_await sleep_for(clock, 1h);
  co_yield 1;
}

Task<> pull_one(AsyncGenerator<int>& from) { (void)co_await from.next(); }

CO_TEST(WithLifecycle, TakesAStopForNoError) {
  Events events;
  Lifecycle hooks = noting(clock, events);
  hooks.on_init = nullptr;
  auto wrapped = with_lifecycle(std::move(hooks), never(clock));
  AsyncScope scope;
  scope.spawn(pull_one(wrapped));
  scope.request_stop();
  co_await scope.join();
  EXPECT_EQ(events, Events{"cleanup"});
}

CO_TEST(WithLifecycle, NeedsNoHooks) {
  Events events;
  auto wrapped = with_lifecycle(Lifecycle(), items(events, 1, false));
  EXPECT_EQ(co_await wrapped.next(), 1);
  EXPECT_EQ(co_await wrapped.next(), std::nullopt);
}

}  // namespace
}  // namespace syncd::coro
