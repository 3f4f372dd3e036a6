#include "daemon/schedule/occurrence.hpp"

#include <fmt/format.h>

#include "daemon/schedule/local_text.hpp"

namespace syncd::schedule {

using namespace std::chrono;

namespace {

std::optional<Instant> next_in_real_time(const Cron& cron, const Zone& zone, Instant after) {
  Instant from = after + seconds(1);
  while (true) {
    const Zone::Period period = zone.period_at(from);
    const auto local = cron.first_at_or_after(period.to_local(from));
    if (!local) return std::nullopt;
    const Instant at(local->time_since_epoch() - period.offset);
    if (at < period.end) return at;
    from = period.end;
  }
}

// The wall clock shows the same once more, later.
bool comes_again(const Zone& zone, Instant at, LocalTime local) {
  const Zone::Period period = zone.period_at(at);
  if (period.end == Instant::max()) return false;
  return zone.period_at(period.end).to_local(period.end) <= local;
}

}  // namespace

std::optional<Instant> next_occurrence(const Cron& cron, const Zone& zone, Instant after) {
  if (cron.any_hour()) return next_in_real_time(cron, zone, after);
  const auto local = cron.first_at_or_after(zone.latest_until(after) + seconds(1));
  if (!local) return std::nullopt;
  return zone.first_at_or_after(*local);
}

std::string occurrence_note(const Cron& cron, const Zone& zone, Instant occurrence) {
  if (!cron.any_hour()) {
    const auto planned = cron.first_at_or_after(zone.latest_until(occurrence - seconds(1)) + seconds(1));
    return planned ? occurrence_note(*planned, zone, occurrence) : "";
  }
  const LocalTime shown = zone.to_local(occurrence);
  if (zone.first_at_or_after(shown) == occurrence) return "";
  return fmt::format("{} for the second time on {} in {}: the clock was set back", time_text(shown),
                     date_text(shown), zone.name());
}

std::string occurrence_note(LocalTime planned, const Zone& zone, Instant occurrence) {
  const LocalTime shown = zone.to_local(occurrence);
  if (planned < shown) {
    const bool same_day = floor<days>(planned) == floor<days>(shown);
    return fmt::format("{} does not exist on {} in {}, runs {}{}", time_text(planned), date_text(planned),
                       zone.name(), same_day ? "" : date_text(shown) + " ", time_text(shown));
  }
  if (comes_again(zone, occurrence, shown)) {
    return fmt::format("{} comes twice on {} in {}, runs the first time", time_text(shown), date_text(shown),
                       zone.name());
  }
  return "";
}

}  // namespace syncd::schedule
