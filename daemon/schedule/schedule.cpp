#include "daemon/schedule/schedule.hpp"

#include <fmt/format.h>

#include "config/duration.hpp"
#include "config/suggest.hpp"

namespace syncd::schedule {

Schedule Schedule::parse(std::string_view text) {
  if (text == "continuous") return Schedule(Kind::Continuous);
  if (text == "manual") return Schedule(Kind::Manual);
  const auto space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  if (word == "every" && space != std::string_view::npos) {
    const auto interval = config::parse_duration(text.substr(space + 1));
    if (interval < std::chrono::seconds(1)) {
      throw config::ValueError("the shortest interval is 1s; for less use \"continuous\"");
    }
    return Schedule(Kind::Every, interval);
  }
  throw config::ValueError(config::unknown_text("schedule", text, {"every 30s", "continuous", "manual"}));
}

std::optional<WallTime> Schedule::next_after(WallTime time) const {
  if (kind_ != Kind::Every) return std::nullopt;
  const auto step = std::chrono::duration_cast<WallTime::duration>(interval_);
  return WallTime((time.time_since_epoch() / step + 1) * step);
}

std::string Schedule::text() const {
  switch (kind_) {
    case Kind::Every:
      return "every " + config::format(interval_);
    case Kind::Continuous:
      return "continuous";
    case Kind::Manual:
      return "manual";
  }
  return "";
}

}  // namespace syncd::schedule
