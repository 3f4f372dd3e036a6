#include "daemon/coro/scope.hpp"

#include <stdexcept>

#include "tests/unit/coro/co_test.hpp"

namespace syncd::coro {
namespace {

using namespace std::chrono_literals;
using test::Events;
using test::Traced;

Task<> sleep_then_note(Clock& clock, Duration how_long, Events& events, std::string what) {
  co_await sleep_for(clock, how_long);
  events.push_back(what);
}

CO_TEST(AsyncScope, StartsATaskAtOnce) {
  Events events;
  AsyncScope scope;
  const auto note = [](Events& into) -> Task<> {
    into.push_back("ran");
    co_return;
  };
  scope.spawn(note(events));
  EXPECT_EQ(events, Events{"ran"});
  EXPECT_EQ(scope.running(), 0U);
  co_return;
}

CO_TEST(AsyncScope, JoinsWhenTheLastTaskIsDone) {
  Events events;
  AsyncScope scope;
  scope.spawn(sleep_then_note(clock, 2s, events, "slow"));
  scope.spawn(sleep_then_note(clock, 1s, events, "fast"));
  EXPECT_EQ(scope.running(), 2U);
  co_await scope.join();
  EXPECT_EQ(events, (Events{"fast", "slow"}));
}

CO_TEST(AsyncScope, JoinsAtOnceWhenNothingRuns) {
  AsyncScope scope;
  co_await scope.join();
  EXPECT_EQ(scope.running(), 0U);
}

CO_TEST(AsyncScope, StopsAllItsTasks) {
  Events events;
  AsyncScope scope;
  const TimePoint start = clock.now();
  scope.spawn(sleep_then_note(clock, 1h, events, "one"));
  scope.spawn(sleep_then_note(clock, 1h, events, "two"));
  scope.request_stop();
  co_await scope.join();
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(clock.now(), start);
}

CO_TEST(AsyncScope, StopsWithItsParent) {
  Events events;
  StopScope parent(nullptr);
  AsyncScope scope(&parent.token());
  scope.spawn(sleep_then_note(clock, 1h, events, "task"));
  parent.request_stop();
  co_await scope.join();
  EXPECT_TRUE(events.empty());
}

CO_TEST(AsyncScope, StartsATaskStoppedWhenItIsStoppedItself) {
  Events events;
  AsyncScope scope;
  scope.request_stop();
  scope.spawn(sleep_then_note(clock, 1h, events, "task"));
  co_await scope.join();
  EXPECT_TRUE(events.empty());
}

Task<> spawn_another(Clock& clock, AsyncScope& scope, Events& events) {
  co_await sleep_for(clock, 1s);
  scope.spawn(sleep_then_note(clock, 1s, events, "grandchild"));
  events.push_back("child");
}

CO_TEST(AsyncScope, WaitsForWhatItsTasksSpawn) {
  Events events;
  AsyncScope scope;
  scope.spawn(spawn_another(clock, scope, events));
  co_await scope.join();
  EXPECT_EQ(events, (Events{"child", "grandchild"}));
}

// Spawns when it goes, as a lease does that gives its connection back.
class SpawnsWhenGone {
 public:
  SpawnsWhenGone(Clock& clock, AsyncScope& scope, Events& events)
      : clock_(clock), scope_(scope), events_(events) {}
  SpawnsWhenGone(const SpawnsWhenGone&) = delete;
  SpawnsWhenGone& operator=(const SpawnsWhenGone&) = delete;
  ~SpawnsWhenGone() { scope_.spawn(sleep_then_note(clock_, 1s, events_, "spawned by a destructor")); }

 private:
  Clock& clock_;
  AsyncScope& scope_;
  Events& events_;
};

Task<> hold_lease(Clock& clock, AsyncScope& scope, Events& events) {
  const SpawnsWhenGone lease(clock, scope, events);
  co_await sleep_for(clock, 1s);
}

CO_TEST(AsyncScope, WaitsForWhatADestructorSpawns) {
  Events events;
  AsyncScope scope;
  scope.spawn(hold_lease(clock, scope, events));
  co_await scope.join();
  EXPECT_EQ(events, Events{"spawned by a destructor"});
}

Task<> hold(Clock& clock, Traced owned) {
  co_await sleep_for(clock, 1s);
  (void)owned;
}

CO_TEST(AsyncScope, HasDestroyedWhatATaskOwnedBeforeItIsJoined) {
  Events events;
  AsyncScope scope;
  scope.spawn(hold(clock, Traced(events, "owned")));
  co_await scope.join();
  events.push_back("joined");
  EXPECT_EQ(events, (Events{"owned gone", "joined"}));
}

CO_TEST(AsyncScope, CanBeUsedAgainAfterAJoin) {
  Events events;
  AsyncScope scope;
  scope.spawn(sleep_then_note(clock, 1s, events, "first"));
  co_await scope.join();
  scope.spawn(sleep_then_note(clock, 1s, events, "second"));
  co_await scope.join();
  EXPECT_EQ(events, (Events{"first", "second"}));
}

CO_TEST(AsyncScope, RunsAHundredThousandTasksThatEndAtOnce) {
  AsyncScope scope;
  int ran = 0;
  const auto count = [](int& counter) -> Task<> {
    ++counter;
    co_return;
  };
  for (int i = 0; i < 100'000; ++i) scope.spawn(count(ran));
  co_await scope.join();
  EXPECT_EQ(ran, 100'000);
}

#ifndef NDEBUG
CO_TEST(AsyncScopeDeathTest, MustBeJoinedBeforeItGoes) {
  Events events;
  auto scope = std::make_unique<AsyncScope>();
  scope->spawn(sleep_then_note(clock, 1h, events, "task"));
  EXPECT_DEATH(scope.reset(), "join\\(\\) the scope");
  scope->request_stop();
  co_await scope->join();
}
#endif

Task<> unhandled() {
  throw std::runtime_error("nobody catches this");
  co_return;
}

TEST(AsyncScopeDeathTest, EndsTheProcessOnAnErrorThatNobodyHandles) {
  AsyncScope scope;
  EXPECT_DEATH(scope.spawn(unhandled()), "nobody catches this");
}

}  // namespace
}  // namespace syncd::coro
