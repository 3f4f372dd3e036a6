// Trap A: `if (co_await f())`, likewise while, do and switch, in a coroutine without a local variable: g++ 12
// does not initialise the frame, not even the promise.  Safe: a named result, or a declaration in the
// condition.
#include "tests/traps/steps.hpp"

namespace syncd::coro::traps {
namespace {

Task<> declared_in_if(Steps& steps) {
  if (const bool yes = co_await answer(steps, true)) {
    EXPECT_TRUE(yes);
  }
}
Task<> declared_before_the_condition(Steps& steps) {
  if (const int three = co_await number(steps, 3); three == 3) co_await steps.step();
}
Task<> named_result(Steps& steps) {
  const bool yes = co_await answer(steps, true);
  if (yes) co_await steps.step();
}
Task<> named_result_in_a_loop(Steps& steps) {
  while (true) {
    const bool more = co_await answer(steps, false);
    if (!more) co_return;
  }
}
Task<> named_result_in_do(Steps& steps) {
  bool more = true;
  do {
    more = co_await answer(steps, false);
  } while (more);
}
Task<> named_result_in_switch(Steps& steps) {
  const int three = co_await number(steps, 3);
  switch (three) {
    case 3:
      co_await steps.step();
      break;
    default:
      ADD_FAILURE();
  }
}
AsyncGenerator<Noisy> two() {
  for (int i = 0; i < 2; ++i) {
    Noisy element;
    co_yield std::move(element);
  }
}
Task<> declared_in_while(Steps& steps, AsyncGenerator<Noisy> from) {
  while (auto element = co_await from.next()) co_await steps.step();
}

TEST(TrapA, AConditionMayDeclareWhatItAwaits) {
  run_and_drop(declared_in_if);
  run_and_drop(declared_before_the_condition);
  run_and_drop([](Steps& steps) { return declared_in_while(steps, two()); });
}

TEST(TrapA, AConditionMayTestANamedResult) {
  run_and_drop(named_result);
  run_and_drop(named_result_in_a_loop);
  run_and_drop(named_result_in_do);
  run_and_drop(named_result_in_switch);
}

struct Object {
  Task<> member(Steps& steps) const {
    if (const bool yes = co_await answer(steps, true); yes == expected) co_await steps.step();
  }
  bool expected = true;
};

TEST(TrapA, MemberCoroutinesAreNoException) {
  const Object object;
  run_and_drop([&](Steps& steps) { return object.member(steps); });
}

}  // namespace
}  // namespace syncd::coro::traps
