#include "daemon/http/retry_after.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace syncd::http {
namespace {

using std::chrono::nanoseconds;

constexpr double kLongest = 366.0 * 86400;  // seconds; more is as good as never

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) || value < 0) {
    return std::nullopt;
  }
  return value;
}

// Seconds since 1970.
std::optional<std::int64_t> date(std::string_view text) {
  const std::time_t time = curl_getdate(std::string(text).c_str(), nullptr);
  if (time == -1) return std::nullopt;
  return time;
}

nanoseconds from_seconds(double seconds) {
  return nanoseconds(static_cast<std::int64_t>(std::ceil(std::min(seconds, kLongest) * 1e9)));
}

}  // namespace

std::optional<nanoseconds> retry_after(const Headers& headers, WallTime now) {
  if (const auto text = headers.find("retry-after-ms")) {
    if (const auto milliseconds = number(*text)) return from_seconds(*milliseconds / 1e3);
  }
  const auto text = headers.find("retry-after");
  if (!text) return std::nullopt;
  if (const auto seconds = number(*text)) return from_seconds(*seconds);
  const auto until = date(*text);
  if (!until) return std::nullopt;
  // Whole seconds, cut off: from the moment when the server said it, the difference is enough.
  std::optional<std::int64_t> since;
  if (const auto told = headers.find("date")) since = date(*told);
  if (!since) since = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  return from_seconds(std::max(0.0, static_cast<double>(*until) - static_cast<double>(*since)));
}

}  // namespace syncd::http
