#include "daemon/base/time.hpp"

#include <fmt/format.h>

namespace syncd {

WallTime wall_now() noexcept {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string rfc3339(WallTime time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const auto ms = duration_cast<milliseconds>(time - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), ms / 3600000,
                     ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

std::string human_duration(std::chrono::nanoseconds duration) {
  using namespace std::chrono;
  if (duration < nanoseconds::zero()) return "-" + human_duration(-duration);
  const auto ms = duration_cast<milliseconds>(duration).count();
  const auto seconds = ms / 1000;
  if (seconds >= 86400) return fmt::format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
  if (seconds >= 3600) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  if (seconds >= 60) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds >= 10) return fmt::format("{} s", seconds);
  if (seconds >= 1) return fmt::format("{}.{} s", seconds, ms % 1000 / 100);
  return fmt::format("{} ms", ms);
}

std::string human_count(std::uint64_t count) {
  std::string digits = fmt::format_int(count).str();
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

}  // namespace syncd
