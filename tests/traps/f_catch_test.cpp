// Trap F: `co_await` in a catch handler is ill-formed.  Safe: keep the exception, leave the handler, then
// await.
#include <exception>
#include <stdexcept>

#include "tests/traps/steps.hpp"

namespace syncd::coro::traps {
namespace {

Task<> fails(Steps& steps) {
  const Noisy held;
  co_await steps.step();
  throw std::runtime_error(held.text());
}
Task<> recovers(Steps& steps) {
  std::exception_ptr failure;
  try {
    co_await fails(steps);
  } catch (const std::runtime_error&) {
    failure = std::current_exception();
  }
  EXPECT_TRUE(failure);
  co_await steps.step();
}
Task<> recovers_and_rethrows(Steps& steps) {
  std::exception_ptr failure;
  try {
    co_await fails(steps);
  } catch (...) {
    failure = std::current_exception();
  }
  co_await steps.step();
  std::rethrow_exception(failure);
}
Task<> sees_it_from_outside(Steps& steps) {
  bool caught = false;
  try {
    co_await recovers_and_rethrows(steps);
  } catch (const std::runtime_error& error) {
    caught = error.what() == Noisy().text();
  }
  EXPECT_TRUE(caught);
}

TEST(TrapF, RecoveryAwaitsAfterTheHandler) {
  run_and_drop(recovers);
  run_and_drop(sees_it_from_outside);
}

}  // namespace
}  // namespace syncd::coro::traps
