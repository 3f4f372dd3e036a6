#include "daemon/coro/task.hpp"

#include <memory>
#include <stdexcept>

#include "tests/unit/coro/co_test.hpp"

namespace syncd::coro {
namespace {

using test::Events;
using test::Traced;

Task<int> answer(int value) { co_return value; }

Task<> note(Events& events, std::string what) {
  events.push_back(what);
  co_return;
}

CO_TEST(Task, ReturnsItsValue) { EXPECT_EQ(co_await answer(42), 42); }

CO_TEST(Task, RunsNothingUntilItIsAwaited) {
  Events events;
  auto task = note(events, "ran");
  EXPECT_TRUE(events.empty());
  co_await std::move(task);
  EXPECT_EQ(events, Events{"ran"});
}

TEST(Task, DestroysItsParametersWhenItWasNeverAwaited) {
  Events events;
  const auto make = [](Traced) -> Task<> { co_return; };
  { const auto task = make(Traced(events, "parameter")); }
  EXPECT_EQ(events, Events{"parameter gone"});
}

Task<std::unique_ptr<int>> boxed(int value) { co_return std::make_unique<int>(value); }

CO_TEST(Task, ReturnsWhatOnlyMoves) {
  const auto box = co_await boxed(7);
  EXPECT_EQ(*box, 7);
}

template <class T>
Task<T> broken() {
  throw std::runtime_error("broken");
  co_return T();
}

CO_TEST(Task, ThrowsWhatItsBodyThrows) {
  EXPECT_THROW((void)co_await broken<int>(), std::runtime_error);
  EXPECT_THROW((void)co_await broken<std::string>(), std::runtime_error);
}

Task<> broken_below(Events& events) {
  const Traced local(events, "caller's local");
  (void)co_await broken<int>();
}

CO_TEST(Task, UnwindsThroughItsAwaiters) {
  Events events;
  EXPECT_THROW(co_await broken_below(events), std::runtime_error);
  EXPECT_EQ(events, Events{"caller's local gone"});
}

Task<Traced> make_traced(Events& events) {
  Traced result(events, "result");
  co_return std::move(result);
}

CO_TEST(Task, DestroysItsResultOnce) {
  Events events;
  { const auto result = co_await make_traced(events); }
  EXPECT_EQ(events, Events{"result gone"});
}

CO_TEST(Task, IsEmptyWhenMovedFromAndDropsWhatItHeldWhenAssignedTo) {
  Events events;
  const auto make = [](Traced) -> Task<> { co_return; };
  auto first = make(Traced(events, "first"));
  first = make(Traced(events, "second"));
  EXPECT_EQ(events, Events{"first gone"});
  auto second = std::move(first);
  EXPECT_FALSE(first.handle());  // NOLINT(bugprone-use-after-move): what is tested
  co_await std::move(second);
}

CO_TEST(Task, AwaitsAMillionReadyTasksWithoutGrowingTheStack) {
  constexpr int kMany = 1'000'000;
  long sum = 0;
  for (int i = 0; i < kMany; ++i) sum += co_await answer(1);
  EXPECT_EQ(sum, kMany);
}

Task<int> deep(int levels) {
  if (levels == 0) co_return 0;
  const int below = co_await deep(levels - 1);
  co_return below + 1;
}

// Destruction unwinds level by level while the awaiter resumes: neither nests.
CO_TEST(Task, MayCallItselfTenThousandLevelsDeep) { EXPECT_EQ(co_await deep(10'000), 10'000); }

#ifndef NDEBUG
Task<> await_twice() {
  auto task = answer(42);
  (void)co_await std::move(task);
  (void)co_await std::move(task);  // NOLINT(bugprone-use-after-move): what is tested
}

TEST(TaskDeathTest, IsAwaitedOnce) {
  ManualClock clock;
  EXPECT_DEATH(test::run(clock, await_twice()), "a task is awaited once");
}
#endif

Task<const std::stop_token*> my_token() {
  const std::stop_token* token = co_await this_coro::stop_token();
  co_return token;
}

Task<const std::stop_token*> token_below() {
  const std::stop_token* token = co_await my_token();
  co_return token;
}

CO_TEST(Task, InheritsTheStopTokenOfItsAwaiter) {
  const std::stop_token* mine = co_await this_coro::stop_token();
  EXPECT_NE(mine, nullptr);
  EXPECT_EQ(co_await token_below(), mine);
}

CO_TEST(Task, RunsUnderAnotherTokenWithWithStop) {
  StopScope scope(nullptr);
  EXPECT_EQ(co_await token_below().with_stop(scope.token()), &scope.token());
}

TEST(StopScope, StopsWithItsParentButNotTheOtherWayRound) {
  StopScope parent(nullptr);
  StopScope child(&parent.token());
  StopScope other(&parent.token());
  child.request_stop();
  EXPECT_TRUE(child.token().stop_requested());
  EXPECT_FALSE(parent.token().stop_requested());
  parent.request_stop();
  EXPECT_TRUE(other.token().stop_requested());
}

TEST(StopScope, IsStoppedAtOnceUnderAStoppedParent) {
  StopScope parent(nullptr);
  parent.request_stop();
  const StopScope child(&parent.token());
  EXPECT_TRUE(child.token().stop_requested());
}

TEST(StopScope, MayOutliveItsParent) {
  auto parent = std::make_unique<StopScope>(nullptr);
  StopScope child(&parent->token());
  parent.reset();
  EXPECT_FALSE(child.token().stop_requested());
  child.request_stop();
  EXPECT_TRUE(child.token().stop_requested());
}

}  // namespace
}  // namespace syncd::coro
