#include "daemon/base/host.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

namespace syncd {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string this_process() { return fmt::format("{} pid {}", host_name(), ::getpid()); }

}  // namespace syncd
