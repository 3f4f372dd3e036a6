// A single point in time as an operator writes it: "2026-03-01 02:30[:15]" on the wall clock of a zone, or on
// every clock with "Z" or "+02:00" behind it.
#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include "daemon/schedule/zone.hpp"

namespace syncd::schedule {

class Moment {
 public:
  // A 'T' in place of the space is fine.  Throws config::ValueError.
  static Moment parse(std::string_view text);

  // Nothing with an offset: it needs no zone.
  std::optional<LocalTime> wall_time() const { return offset_ ? std::nullopt : std::optional(shown_); }
  // The first instant at which the wall clock of `zone` shows it or has passed it.
  Instant in(const Zone& zone) const;

 private:
  LocalTime shown_;
  std::optional<std::chrono::seconds> offset_;
};

}  // namespace syncd::schedule
