// The instants at which a cron expression occurs in a zone.
//
// A time of day ("30 2 * * *") occurs once each day: at the first instant at which the wall clock shows it,
// or has passed it because it was set forward.  An expression whose hour begins with '*' follows real time:
// it occurs whenever the wall clock shows it, so not in an hour that is left out, and twice in one that is
// repeated.  These are the rules of Vixie cron: docs/adr/0005-cron-and-clock-changes.md.
#pragma once
#include <optional>
#include <string>

#include "daemon/schedule/cron.hpp"
#include "daemon/schedule/zone.hpp"

namespace syncd::schedule {

// The first occurrence later than `after`; none after the year 9999.
std::optional<Instant> next_occurrence(const Cron& cron, const Zone& zone, Instant after);

// What a person would wonder about at this occurrence: "02:30 does not exist on 2026-03-29 in Europe/Paris,
// runs 03:00".  "" where there is nothing to wonder about.
std::string occurrence_note(const Cron& cron, const Zone& zone, Instant occurrence);
// The same for a single wall time that is due at `occurrence`.
std::string occurrence_note(LocalTime planned, const Zone& zone, Instant occurrence);

}  // namespace syncd::schedule
