// Trap H: g++ 15 and 16 skip the destructor of `auto [a, b] = co_await f()` when the frame is dropped later,
// and break a frame that is destroyed inside its own await_suspend.  Safe: bind in a second statement; a
// frame ends at its final suspension, and its owner destroys it.
#include <utility>

#include "daemon/coro/scope.hpp"
#include "tests/traps/steps.hpp"

namespace syncd::coro::traps {
namespace {

Task<std::pair<Noisy, int>> both(Steps& steps) {
  co_await steps.step();
  co_return std::pair(Noisy(), 7);
}
Task<> binds_in_two_steps(Steps& steps) {
  auto result = co_await both(steps);
  auto& [value, count] = result;
  co_await steps.step();
  EXPECT_EQ(count, 7);
  EXPECT_FALSE(value.text().empty());
}

TEST(TrapH, BindingsComeInASecondStatement) { run_and_drop(binds_in_two_steps); }

Task<> holds(Noisy value) {
  EXPECT_FALSE(value.text().empty());
  co_return;
}

TEST(TrapH, AScopeDestroysAFrameAfterItsLastSuspension) {
  {
    AsyncScope scope;
    for (int i = 0; i < 3; ++i) scope.spawn(holds(Noisy()));
    EXPECT_EQ(scope.running(), 0U);
  }
  EXPECT_EQ(Noisy::alive, 0);
}

}  // namespace
}  // namespace syncd::coro::traps
