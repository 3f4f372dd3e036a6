// Trap D: `condition ? co_await make() : Noisy()`: g++ 12 uses the object after it is gone; clang has a bug
// of its own there.  `co_await take(condition ? Noisy("1") : Noisy("2"))`, with no await in the arms, is
// destroyed twice too.  Safe: an if.
#include <optional>

#include "tests/traps/steps.hpp"

namespace syncd::coro::traps {
namespace {

Task<Noisy> either(Steps& steps, bool awaited) {
  if (awaited) {
    Noisy made = co_await noisy(steps);
    co_return made;
  }
  co_return Noisy("at once");
}
Task<> chooses(Steps& steps) {
  std::optional<Noisy> chosen;
  const bool yes = co_await answer(steps, true);
  if (yes) {
    chosen.emplace(co_await either(steps, true));
  } else {
    chosen.emplace("never");
  }
  co_await steps.step();
  EXPECT_EQ(chosen->text(), "made by a coroutine");
}
Task<> does_not_await(Steps& steps) {
  const Noisy chosen = co_await either(steps, false);
  co_await steps.step();
  EXPECT_EQ(chosen.text(), "at once");
}

TEST(TrapD, AnIfChoosesBetweenAwaitedValues) {
  run_and_drop(chooses);
  run_and_drop(does_not_await);
}

}  // namespace
}  // namespace syncd::coro::traps
