// Exact arithmetic on decimal quantities: "0.1s" is 100 ms, and what does not fit is refused, not rounded.
#include "config/duration.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "config/secret.hpp"

namespace syncd::config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// No product of a number, a fraction and a unit overflows it.
__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::array kTimeUnits{Unit{"w", 604'800 * kSecond},
                                Unit{"d", 86'400 * kSecond},
                                Unit{"h", 3'600 * kSecond},
                                Unit{"m", 60 * kSecond},
                                Unit{"s", kSecond},
                                Unit{"ms", 1'000'000},
                                Unit{"us", 1'000},
                                Unit{"ns", 1}};
constexpr std::array kSizeUnits{Unit{"TiB", 1ULL << 40},    Unit{"GiB", 1ULL << 30},
                                Unit{"MiB", 1ULL << 20},    Unit{"KiB", 1ULL << 10},
                                Unit{"TB", kSecond * 1000}, Unit{"GB", kSecond},
                                Unit{"MB", 1'000'000},      Unit{"KB", 1'000},
                                Unit{"kB", 1'000},          Unit{"B", 1}};

// Reads "12.5unit" off the front of `rest`: the product, or nothing when it is malformed, not a whole
// number of the smallest unit, or above `most`.  `unit_index` tells which unit was read.
template <std::size_t N>
std::optional<std::uint64_t> take_quantity(std::string_view& rest, const std::array<Unit, N>& units,
                                           std::uint64_t most, std::size_t& unit_index) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0;
  Wide whole = 0;
  for (; i < rest.size() && is_digit(rest[i]); ++i) {
    whole = whole * 10 + static_cast<unsigned>(rest[i] - '0');
    if (whole > most) return std::nullopt;
  }
  if (i == 0) return std::nullopt;
  Wide fraction = 0;
  Wide scale = 1;
  if (i < rest.size() && rest[i] == '.') {
    const std::size_t first = ++i;
    for (; i < rest.size() && is_digit(rest[i]); ++i) {
      fraction = fraction * 10 + static_cast<unsigned>(rest[i] - '0');
      scale *= 10;
      if (i - first >= 15) return std::nullopt;
    }
    if (i == first) return std::nullopt;
  }
  std::size_t end = i;
  while (end < rest.size() && !is_digit(rest[end]) && rest[end] != '.') ++end;
  const std::string_view name = rest.substr(i, end - i);
  for (unit_index = 0; unit_index < N; ++unit_index) {
    if (units[unit_index].name != name) continue;
    const Wide factor = units[unit_index].factor;
    if (fraction * factor % scale != 0) return std::nullopt;
    const Wide total = whole * factor + fraction * factor / scale;
    if (total > most) return std::nullopt;
    rest.remove_prefix(end);
    return static_cast<std::uint64_t>(total);
  }
  return std::nullopt;
}

constexpr std::string_view kDurationHelp =
    "write a duration with a unit (ns us ms s m h d w), such as \"30s\" or \"1h30m\"";

// A text that comes from a file, which may be long and may be a misplaced secret.
std::string found(std::string_view text) {
  constexpr std::size_t kShown = 24;
  if (text.empty()) return "found an empty text";
  return text.size() > kShown ? "found a long text" : fmt::format("found '{}'", redact_uri(text));
}

}  // namespace

std::chrono::nanoseconds parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds(0);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::string_view rest = text;
  std::uint64_t total = 0;
  std::size_t next = 0;  // a unit comes once, and after the larger ones
  do {
    std::size_t unit = 0;
    const auto quantity = take_quantity(rest, kTimeUnits, kMost, unit);
    if (!quantity || unit < next || *quantity > kMost - total) {
      throw ValueError(fmt::format("{}; {}", found(text), kDurationHelp));
    }
    total += *quantity;
    next = unit + 1;
  } while (!rest.empty());
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

DurationRange parse_duration_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  DurationRange range;
  try {
    range.first = parse_duration(text.substr(0, dots));
    range.second = dots == std::string_view::npos ? range.first : parse_duration(text.substr(dots + 2));
  } catch (const ValueError&) {
    throw ValueError(fmt::format("{}; write two durations with units, such as \"1s..5m\"", found(text)));
  }
  if (range.first > range.second) {
    throw ValueError(fmt::format("{}; write the shorter duration first: \"{}..{}\"", found(text),
                                 format(range.second), format(range.first)));
  }
  return range;
}

Bytes parse_bytes(std::string_view text) {
  if (text == "0") return Bytes(0);
  std::string_view rest = text;
  std::size_t unit = 0;
  const auto quantity = take_quantity(rest, kSizeUnits, std::numeric_limits<std::uint64_t>::max(), unit);
  if (!quantity || !rest.empty()) {
    throw ValueError(fmt::format(
        "{}; write a size with a unit (B KB MB GB TB KiB MiB GiB TiB), such as \"64KiB\"", found(text)));
  }
  return Bytes(*quantity);
}

std::string format(std::chrono::nanoseconds duration) {
  auto rest = static_cast<std::uint64_t>(duration.count() < 0 ? 0 : duration.count());
  if (rest == 0) return "0s";
  std::string out;
  for (const Unit& unit : kTimeUnits) {
    if (unit.name == "w" && rest % unit.factor != 0) continue;  // "2w", but "10d"
    if (const std::uint64_t count = rest / unit.factor; count > 0)
      out += fmt::format("{}{}", count, unit.name);
    rest %= unit.factor;
  }
  return out;
}

std::string format(const DurationRange& range) { return format(range.first) + ".." + format(range.second); }

std::string format(Bytes bytes) {
  if (bytes.count() == 0) return "0B";
  for (const Unit& unit : kSizeUnits) {
    if (bytes.count() % unit.factor == 0) return fmt::format("{}{}", bytes.count() / unit.factor, unit.name);
  }
  return fmt::format("{}B", bytes.count());
}

}  // namespace syncd::config
