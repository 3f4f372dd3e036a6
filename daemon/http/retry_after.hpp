// How long a server asks us to wait before the next try.
#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include "daemon/base/time.hpp"
#include "daemon/http/headers.hpp"

namespace syncd::http {

// From retry-after-ms (milliseconds) or retry-after (seconds, with a fraction or without, or a date in one
// of the three forms of RFC 9110).  A date is measured by the clock of the server where it tells its time,
// else by ours.  Never too short; nullopt where nothing usable is said.  A date that has passed is zero.
std::optional<std::chrono::nanoseconds> retry_after(const Headers& headers, WallTime now);

}  // namespace syncd::http
