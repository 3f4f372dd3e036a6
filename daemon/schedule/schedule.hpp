// When a job runs: "every 30s", "continuous" or "manual".  Pure: no clock inside.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/time.hpp"

namespace syncd::schedule {

class Schedule {
 public:
  enum class Kind {
    Every,       // on a grid anchored at the epoch, so that a restart does not shift it
    Continuous,  // one run that goes on for ever
    Manual,      // only when somebody asks
  };

  // Throws config::ValueError that says what was found and what would be right.
  static Schedule parse(std::string_view text);

  Kind kind() const noexcept { return kind_; }
  std::chrono::nanoseconds interval() const noexcept { return interval_; }  // of Every
  // The first occurrence after `time`; nullopt for a schedule without occurrences.
  std::optional<WallTime> next_after(WallTime time) const;
  std::string text() const;

 private:
  explicit Schedule(Kind kind, std::chrono::nanoseconds interval = {}) : kind_(kind), interval_(interval) {}
  Kind kind_;
  std::chrono::nanoseconds interval_;
};

}  // namespace syncd::schedule
