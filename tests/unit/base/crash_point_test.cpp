#include "daemon/base/crash_point.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace syncd {
namespace {

#ifdef SYNCD_CRASH_POINTS
void pass(const char* wanted, const char* name, int times) {
  ::setenv("SYNCD_CRASH_AT", wanted, 1);
  for (int i = 0; i < times; ++i) crash_point(name);
  std::_Exit(0);
}

// Each statement runs in a child of its own.
TEST(CrashPointDeathTest, EndsTheProcessAtTheNamedPlaceAndPass) {
  EXPECT_EXIT(pass("before-commit", "before-commit", 1), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(pass("before-commit:3", "before-commit", 3), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(pass("before-commit:3", "before-commit", 2), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(pass("before-commit", "before-commit-reply", 9), testing::ExitedWithCode(0), "");
}
#else
static_assert(noexcept(crash_point("anything")), "a shipped build has no crash points");
#endif

}  // namespace
}  // namespace syncd
