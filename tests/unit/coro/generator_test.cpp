#include "daemon/coro/generator.hpp"

#include <memory>
#include <stdexcept>

#include "daemon/coro/clock.hpp"
#include "tests/unit/coro/co_test.hpp"

namespace syncd::coro {
namespace {

using namespace std::chrono_literals;
using test::Events;
using test::Traced;

AsyncGenerator<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield std::move(i);
}

AsyncGenerator<int> doubled(AsyncGenerator<int> upstream) {
  while (auto element = co_await upstream.next()) co_yield *element * 2;
}

AsyncGenerator<int> traced(Events& events, int last) {
  const Traced local(events, "local");
  for (int i = 1; i <= last; ++i) {
    events.push_back("makes " + std::to_string(i));
    co_yield std::move(i);
  }
}

AsyncGenerator<int> failing_after(int elements) {
  for (int i = 1; i <= elements; ++i) co_yield std::move(i);
  throw std::runtime_error("broken");
}

CO_TEST(AsyncGenerator, YieldsInOrderAndThenEnds) {
  auto numbers = count_to(3);
  EXPECT_EQ(co_await numbers.next(), 1);
  EXPECT_EQ(co_await numbers.next(), 2);
  EXPECT_EQ(co_await numbers.next(), 3);
  EXPECT_EQ(co_await numbers.next(), std::nullopt);
}

CO_TEST(AsyncGenerator, NextAfterTheEndIsEmptyAgain) {
  auto numbers = count_to(0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await numbers.next(), std::nullopt);
}

TEST(AsyncGenerator, RunsNothingUntilItIsPulled) {
  Events events;
  { const auto never_started = traced(events, 3); }
  EXPECT_TRUE(events.empty());
}

TEST(AsyncGenerator, DestroysItsParametersWhenItWasNeverStarted) {
  Events events;
  const auto make = [](Traced) -> AsyncGenerator<int> { co_return; };
  { const auto never_started = make(Traced(events, "parameter")); }
  EXPECT_EQ(events, Events{"parameter gone"});
}

CO_TEST(AsyncGenerator, ProducesOnlyWhatIsPulled) {
  Events events;
  auto numbers = traced(events, 3);
  (void)co_await numbers.next();
  EXPECT_EQ(events, (Events{"makes 1"}));
  (void)co_await numbers.next();
  EXPECT_EQ(events, (Events{"makes 1", "makes 2"}));
}

CO_TEST(AsyncGenerator, DestroysItsLocalsWhenDroppedBetweenElements) {
  Events events;
  {
    auto numbers = traced(events, 3);
    (void)co_await numbers.next();
  }
  EXPECT_EQ(events, (Events{"makes 1", "local gone"}));
}

CO_TEST(AsyncGenerator, TakesTheWholeChainAlongWhenDropped) {
  Events events;
  {
    auto chain = doubled(doubled(traced(events, 3)));
    EXPECT_EQ(co_await chain.next(), 4);
  }
  EXPECT_EQ(events, (Events{"makes 1", "local gone"}));
}

CO_TEST(AsyncGenerator, DestroysItsLocalsBeforeTheConsumerSeesTheEnd) {
  Events events;
  auto numbers = traced(events, 1);
  while (auto element = co_await numbers.next()) {
  }
  events.push_back("end seen");
  EXPECT_EQ(events, (Events{"makes 1", "local gone", "end seen"}));
}

CO_TEST(AsyncGenerator, CanThrowBeforeTheFirstElement) {
  auto broken = failing_after(0);
  EXPECT_THROW((void)co_await broken.next(), std::runtime_error);
}

CO_TEST(AsyncGenerator, CanThrowAfterTheFirstElement) {
  auto broken = failing_after(1);
  EXPECT_EQ(co_await broken.next(), 1);
  EXPECT_THROW((void)co_await broken.next(), std::runtime_error);
}

CO_TEST(AsyncGenerator, IsAtItsEndAfterItThrew) {
  auto broken = failing_after(0);
  EXPECT_THROW((void)co_await broken.next(), std::runtime_error);
  EXPECT_EQ(co_await broken.next(), std::nullopt);
}

CO_TEST(AsyncGenerator, PassesAnErrorThroughEveryStage) {
  auto chain = doubled(doubled(failing_after(1)));
  EXPECT_EQ(co_await chain.next(), 4);
  EXPECT_THROW((void)co_await chain.next(), std::runtime_error);
}

Task<> throw_after_first(AsyncGenerator<int> numbers) {
  (void)co_await numbers.next();
  throw std::logic_error("consumer");
}

CO_TEST(AsyncGenerator, IsReleasedWhenItsConsumerThrows) {
  Events events;
  EXPECT_THROW(co_await throw_after_first(traced(events, 3)), std::logic_error);
  EXPECT_EQ(events, (Events{"makes 1", "local gone"}));
}

CO_TEST(AsyncGenerator, IsEmptyWhenMovedFrom) {
  auto numbers = count_to(2);
  (void)co_await numbers.next();
  auto taken = std::move(numbers);
  EXPECT_EQ(co_await taken.next(), 2);
  EXPECT_EQ(co_await numbers.next(), std::nullopt);  // NOLINT(bugprone-use-after-move): what is tested
}

CO_TEST(AsyncGenerator, DropsWhatItHeldWhenAssignedTo) {
  Events events;
  auto numbers = traced(events, 3);
  (void)co_await numbers.next();
  numbers = count_to(1);
  EXPECT_EQ(events.back(), "local gone");
  EXPECT_EQ(co_await numbers.next(), 1);
}

// In a debug build the stack would overflow where each element nests a call.
CO_TEST(AsyncGenerator, PassesAMillionReadyElementsWithoutGrowingTheStack) {
  constexpr int kMany = 1'000'000;
  auto numbers = doubled(count_to(kMany));
  int seen = 0;
  while (auto element = co_await numbers.next()) ++seen;
  EXPECT_EQ(seen, kMany);
}

AsyncGenerator<std::unique_ptr<int>> boxed_up_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield std::make_unique<int>(i);
}

CO_TEST(AsyncGenerator, HandsOverElementsThatOnlyMove) {
  std::unique_ptr<int> kept;
  {
    auto boxes = boxed_up_to(2);
    auto first = co_await boxes.next();
    kept = std::move(*first);
  }
  EXPECT_EQ(*kept, 1);
}

AsyncGenerator<const std::stop_token*> tokens() {
  while (true) {
    const std::stop_token* token = co_await this_coro::stop_token();
    co_yield std::move(token);
  }
}

Task<const std::stop_token*> pull_token(AsyncGenerator<const std::stop_token*>& from) {
  auto token = co_await from.next();
  co_return *token;
}

CO_TEST(AsyncGenerator, InheritsTheStopTokenOfEachPull) {
  auto seen = tokens();
  StopScope first(nullptr);
  StopScope second(nullptr);
  EXPECT_EQ(co_await pull_token(seen).with_stop(first.token()), &first.token());
  EXPECT_EQ(co_await pull_token(seen).with_stop(second.token()), &second.token());
}

AsyncGenerator<int> ticking(Clock& clock, Events& events) {
  const Traced local(events, "producer");
  for (int i = 1;; ++i) {
    co_await sleep_for(clock, 1s);
    co_yield std::move(i);
  }
}

Task<> pull_all(AsyncGenerator<int>& from) {
  while (auto element = co_await from.next()) {
  }
}

CO_TEST(AsyncGenerator, StopsItsProducerInTheMiddleOfAnElement) {
  Events events;
  auto ticks = doubled(ticking(clock, events));
  StopScope scope(nullptr);
  AsyncScope background;
  const auto stop_soon = [](Clock& on, StopScope& target) -> Task<> {
    co_await sleep_for(on, 2500ms);
    target.request_stop();
  };
  background.spawn(stop_soon(clock, scope));
  EXPECT_THROW(co_await pull_all(ticks).with_stop(scope.token()), Cancelled);
  EXPECT_EQ(events, Events{"producer gone"});
  EXPECT_EQ(co_await ticks.next(), std::nullopt);
  co_await background.join();
}

#ifndef NDEBUG
CO_TEST(AsyncGeneratorDeathTest, MustNotBeDroppedDuringNext) {
  Events events;
  auto ticks = std::make_unique<AsyncGenerator<int>>(ticking(clock, events));
  AsyncScope background;
  background.spawn(pull_all(*ticks));
  EXPECT_DEATH(ticks.reset(), "dropped during next");
  background.request_stop();
  co_await background.join();
}

CO_TEST(AsyncGeneratorDeathTest, HasOneConsumerAtATime) {
  Events events;
  auto ticks = ticking(clock, events);
  AsyncScope background;
  background.spawn(pull_all(ticks));
  EXPECT_DEATH(background.spawn(pull_all(ticks)), "one next\\(\\) at a time");
  background.request_stop();
  co_await background.join();
}
#endif

}  // namespace
}  // namespace syncd::coro
