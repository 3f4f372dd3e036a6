// Wall-clock time as text for people, logs and the state database.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace syncd {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

WallTime wall_now() noexcept;

// RFC 3339 in UTC: "2026-03-01T10:00:00.123Z".
std::string rfc3339(WallTime time);

// "3 h 12 min", "45 s", "120 ms": the two largest units, for people.
std::string human_duration(std::chrono::nanoseconds duration);

// "1,234,567".
std::string human_count(std::uint64_t count);

}  // namespace syncd
