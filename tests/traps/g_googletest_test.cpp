// Trap G: ASSERT_* contains a return and cannot stand in a coroutine; EXPECT_* may await, and evaluates once.
#include <stdexcept>

#include "tests/traps/steps.hpp"

namespace syncd::coro::traps {
namespace {

Task<int> counted(Steps& steps, int& calls) {
  co_await steps.step();
  co_return ++calls;
}
Task<> fails(Steps& steps) {
  co_await steps.step();
  throw std::runtime_error("broken");
}
Task<> expects(Steps& steps) {
  int calls = 0;
  EXPECT_EQ(co_await counted(steps, calls), 1);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(co_await answer(steps, true));
  EXPECT_THROW(co_await fails(steps), std::runtime_error);
  EXPECT_EQ((co_await noisy(steps)).text(), "made by a coroutine");
}

TEST(TrapG, ExpectationsMayAwait) { run_and_drop(expects); }

}  // namespace
}  // namespace syncd::coro::traps
