// Durations ("250ms", "1h30m"), ranges of them ("1s..5m") and sizes ("64KiB") as the operator writes
// them.  A number without unit is refused, but "0"; parse(format(x)) == x for every x that is not negative.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace syncd::config {

// From (first) to (second), first <= second: the bounds of a back-off.
using DurationRange = std::pair<std::chrono::nanoseconds, std::chrono::nanoseconds>;

// A number of bytes; a type of its own so that no count of rows is taken for one.
class Bytes {
 public:
  constexpr Bytes() = default;
  explicit constexpr Bytes(std::uint64_t count) : count_(count) {}
  static constexpr Bytes kib(std::uint64_t n) { return Bytes(n << 10); }
  static constexpr Bytes mib(std::uint64_t n) { return Bytes(n << 20); }

  constexpr std::uint64_t count() const { return count_; }
  friend constexpr auto operator<=>(Bytes, Bytes) = default;

 private:
  std::uint64_t count_ = 0;
};

// The text is not what it should be; what() says what was found and what would be right.
class ValueError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Units ns us ms s m h d w, largest first ("1h30m"), a decimal fraction in each ("1.5h").
// Throws ValueError.
std::chrono::nanoseconds parse_duration(std::string_view text);
// "A..B" with A <= B; a single duration D means "D..D".  Throws ValueError.
DurationRange parse_duration_range(std::string_view text);
// Units B, kB KB MB GB TB (powers of 1000), KiB MiB GiB TiB (powers of 1024).  Throws ValueError.
Bytes parse_bytes(std::string_view text);

std::string format(std::chrono::nanoseconds duration);
std::string format(const DurationRange& range);
std::string format(Bytes bytes);

}  // namespace syncd::config
