#include "daemon/ctl/since.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "config/duration.hpp"
#include "daemon/base/escape.hpp"
#include "daemon/ctl/client.hpp"

namespace syncd::ctl {
namespace {

std::optional<WallTime> wall_time(const std::string& text) {
  constexpr std::array<const char*, 5> kForms = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
                                                 "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"};
  for (const char* form : kForms) {
    std::tm parts{};
    parts.tm_isdst = -1;
    const char* end = ::strptime(text.c_str(), form, &parts);
    if (end == nullptr || *end != '\0') continue;
    const std::time_t seconds = ::mktime(&parts);
    return WallTime(std::chrono::seconds(seconds));
  }
  return std::nullopt;
}

}  // namespace

WallTime since(const std::string& text, WallTime now) {
  if (const auto time = wall_time(text)) return *time;
  try {
    return now - std::chrono::duration_cast<WallTime::duration>(config::parse_duration(text));
  } catch (const config::ValueError&) {
    throw Failure(kUsage, fmt::format("'{}' is no time; write 2h, 3d, 2026-03-01 or \"2026-03-01 10:00\"",
                                      escaped(text)));
  }
}

}  // namespace syncd::ctl
