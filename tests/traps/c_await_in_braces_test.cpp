// Trap C: `Options{x, co_await f()}`, `throw Options{x, co_await f()}`: g++ 12 destroys twice, clang 14 and
// 16 leak the members that are made already when the coroutine is dropped meanwhile.  Safe: await, then
// build.
#include <vector>

#include "tests/traps/steps.hpp"

namespace syncd::coro::traps {
namespace {

Task<> await_then_build(Steps& steps) {
  Noisy second = co_await noisy(steps);
  const Options options{Noisy(), std::move(second)};
  co_await steps.step();
  EXPECT_EQ(options.second.text(), "made by a coroutine");
}
Task<> await_then_append(Steps& steps) {
  std::vector<Options> all;
  for (int i = 0; i < 2; ++i) {
    Noisy second = co_await noisy(steps);
    all.push_back(Options{Noisy(), std::move(second)});
  }
  EXPECT_EQ(all.size(), 2U);
}
Task<> await_then_throw(Steps& steps) {
  Noisy second = co_await noisy(steps);
  throw Options{Noisy(), std::move(second)};
}
Task<> catches(Steps& steps) {
  bool caught = false;
  try {
    co_await await_then_throw(steps);
  } catch (const Options& options) {
    caught = options.second.text() == "made by a coroutine";
  }
  EXPECT_TRUE(caught);
}
Task<Options> await_then_return(Steps& steps) {
  Noisy second = co_await noisy(steps);
  co_return Options{Noisy(), std::move(second)};
}
Task<> receives(Steps& steps) {
  const Options options = co_await await_then_return(steps);
  EXPECT_EQ(options.second.text(), "made by a coroutine");
}

TEST(TrapC, BracesComeAfterTheAwait) {
  run_and_drop(await_then_build);
  run_and_drop(await_then_append);
  run_and_drop(catches);
  run_and_drop(receives);
}

}  // namespace
}  // namespace syncd::coro::traps
