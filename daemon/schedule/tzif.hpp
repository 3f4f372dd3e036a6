// The binary files of the tz database (RFC 8536, "TZif"), as in /usr/share/zoneinfo.
#pragma once
#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/schedule/year_rule.hpp"

namespace syncd::schedule {

// All changes of a zone's clock: the listed ones, and from `rule_from` on those of the rule, if there is one.
// The default is UTC.
struct ZoneChanges {
  std::chrono::seconds offset_before{0};  // the first listed change
  std::vector<ClockChange> listed;        // in order
  Instant rule_from = Instant::max();
  std::optional<YearRule> rule;
};

// Throws config::ValueError that says what is wrong with the file.
ZoneChanges parse_tzif(std::string_view bytes);

}  // namespace syncd::schedule
