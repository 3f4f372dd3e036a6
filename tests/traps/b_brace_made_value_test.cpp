// Trap B: `co_await f(Options{...})`, `co_await f({})`, `co_yield {a, b}`, `co_await g([owned] {...})`: g++
// 12 destroys the aggregate, or the closure that owns its captures, twice.  Safe: build first, await next.
#include <memory>

#include "tests/traps/steps.hpp"

namespace syncd::coro::traps {
namespace {

Task<> named_then_moved(Steps& steps) {
  Options options{Noisy(), Noisy()};
  co_await take(steps, std::move(options));
}
Task<> made_by_a_function(Steps& steps) { co_await take(steps, make_options()); }
Task<> made_by_a_constructor(Steps& steps) {
  co_await take_noisy(steps, Noisy("a class with a constructor"));
}
Task<> task_made_first(Steps& steps) {
  auto task = take(steps, make_options());
  co_await std::move(task);
}
Task<> handed_over_in_a_box(Steps& steps) {
  auto box = std::make_unique<Options>(make_options());
  co_await take(steps, std::move(*box));
}

TEST(TrapB, WhatAnAwaitTakesIsBuiltInAStatementOfItsOwn) {
  run_and_drop(named_then_moved);
  run_and_drop(made_by_a_function);
  run_and_drop(made_by_a_constructor);
  run_and_drop(task_made_first);
  run_and_drop(handed_over_in_a_box);
}

template <class F>
Task<> call(Steps& steps, F function) {
  static_assert(std::is_trivially_destructible_v<F>);
  co_await steps.step();
  function();
}
Task<> lambda_with_references(Steps& steps) {
  const Noisy local;
  int calls = 0;
  co_await call(steps, [&] { calls += local.text().empty() ? 0 : 1; });
  EXPECT_EQ(calls, 1);
}
Task<> owned_values_as_arguments(Steps& steps) {
  const auto coroutine = [](Steps& s, Noisy owned) -> Task<> {
    co_await s.step();
    EXPECT_FALSE(owned.text().empty());
  };
  Noisy value;
  co_await coroutine(steps, std::move(value));
}

TEST(TrapB, ALambdaNextToAnAwaitOwnsNothing) {
  run_and_drop(lambda_with_references);
  run_and_drop(owned_values_as_arguments);
}

AsyncGenerator<Noisy> yields() {
  Noisy named;
  co_yield std::move(named);
  co_yield Noisy("made by a constructor");
}
Task<> drain(Steps& steps) {
  auto from = yields();
  while (auto element = co_await from.next()) co_await steps.step();
}

TEST(TrapB, AGeneratorYieldsWhatItNamedOrConstructed) { run_and_drop(drain); }

Task<Options> returns_braces(Steps& steps) {
  co_await steps.step();
  co_return Options{Noisy(), Noisy()};
}
Task<> receives(Steps& steps) {
  const Options options = co_await returns_braces(steps);
  EXPECT_FALSE(options.second.text().empty());
  co_await steps.step();
}

TEST(TrapB, ACoReturnWithoutAnAwaitInsideMayUseBraces) { run_and_drop(receives); }

// Not an aggregate, and not copied by accident: T of a generator.
static_assert(!std::is_aggregate_v<Noisy>);

}  // namespace
}  // namespace syncd::coro::traps
