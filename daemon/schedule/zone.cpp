#include "daemon/schedule/zone.hpp"

#include <algorithm>

#include "daemon/schedule/tzif.hpp"

namespace syncd::schedule {

using namespace std::chrono;

namespace {

// No wall clock is further from UTC: POSIX allows less than 25 hours.
constexpr seconds kFarthest = hours(26);

}  // namespace

struct Zone::Data {
  std::string name;
  ZoneChanges zone;
};

Zone::Zone() {
  static const auto utc = std::make_shared<const Data>(Data{"UTC", ZoneChanges()});
  data_ = utc;
}

Zone Zone::parse(std::string name, std::string_view tzif) {
  Zone zone;
  zone.data_ = std::make_shared<const Data>(Data{std::move(name), parse_tzif(tzif)});
  return zone;
}

const std::string& Zone::name() const noexcept { return data_->name; }

Zone::Period Zone::period_at(Instant at) const {
  const ZoneChanges& zone = data_->zone;
  const auto later = [](Instant instant, const ClockChange& change) { return instant < change.at; };
  if (at < zone.rule_from || !zone.rule) {
    const auto next = std::upper_bound(zone.listed.begin(), zone.listed.end(), at, later);
    const bool first = next == zone.listed.begin();
    return {first ? Instant::min() : std::prev(next)->at,
            next == zone.listed.end() ? zone.rule_from : next->at,
            first ? zone.offset_before : std::prev(next)->offset};
  }
  if (!zone.rule->has_daylight_time()) {
    return {zone.rule_from, Instant::max(), zone.rule->standard_offset()};
  }
  // Far beyond what a calendar of four digits shows, the last change it has stays in force.
  constexpr sys_days kLastDay = year(9999) / December / 31;
  const year_month_day date(std::min(floor<days>(at), kLastDay));
  const auto changes = zone.rule->changes_around(date.year());
  const auto next = std::upper_bound(changes.begin(), changes.end(), at, later);
  return {std::max(std::prev(next)->at, zone.rule_from), next == changes.end() ? Instant::max() : next->at,
          std::prev(next)->offset};
}

Instant Zone::first_at_or_after(LocalTime local) const {
  Period period = period_at(Instant(local.time_since_epoch() - kFarthest));
  while (true) {
    const Instant at = std::max(Instant(local.time_since_epoch() - period.offset), period.begin);
    if (at < period.end) return at;
    period = period_at(period.end);
  }
}

LocalTime Zone::latest_until(Instant at) const {
  Period period = period_at(at);
  LocalTime latest = period.to_local(at);
  while (period.begin > at - 2 * kFarthest) {
    const Instant before = period.begin - seconds(1);
    period = period_at(before);
    latest = std::max(latest, period.to_local(before));
  }
  return latest;
}

}  // namespace syncd::schedule
