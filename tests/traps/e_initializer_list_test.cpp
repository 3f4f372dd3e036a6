// Trap E: `co_await f({"a", "b"})` for a vector of strings does not compile: "array used as initializer".
// Safe: the list in a statement of its own.
#include <vector>

#include "tests/traps/steps.hpp"

namespace syncd::coro::traps {
namespace {

Task<std::size_t> count(Steps& steps, std::vector<std::string> texts) {
  co_await steps.step();
  co_return texts.size();
}
Task<> list_first(Steps& steps) {
  std::vector<std::string> texts = {"a text that is long enough for the heap", "b"};
  const std::size_t size = co_await count(steps, std::move(texts));
  EXPECT_EQ(size, 2U);
}

TEST(TrapE, AListIsMadeInAStatementOfItsOwn) { run_and_drop(list_first); }

}  // namespace
}  // namespace syncd::coro::traps
