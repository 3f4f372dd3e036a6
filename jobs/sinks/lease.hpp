// How long a sink belongs to the daemon that writes to it, once that one has gone.
#pragma once
#include <chrono>

namespace syncd::jobs {

// Longer than any pause of a working daemon, short enough that nobody is called at night.
constexpr std::chrono::seconds kLease{30};
constexpr std::chrono::seconds kRenewLease{10};

}  // namespace syncd::jobs
