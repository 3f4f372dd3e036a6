#include "daemon/base/crash_point.hpp"

#ifdef SYNCD_CRASH_POINTS
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

namespace syncd {

void crash_point(const char* name) noexcept {
  static const char* const wanted = std::getenv("SYNCD_CRASH_AT");
  if (wanted == nullptr) return;
  static long remaining = [] {
    const std::string_view text(wanted);
    const auto colon = text.find(':');
    return colon == std::string_view::npos ? 1L : std::atol(wanted + colon + 1);
  }();
  const std::string_view text(wanted);
  if (text.substr(0, text.find(':')) != name) return;
  if (--remaining == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace syncd
#endif
