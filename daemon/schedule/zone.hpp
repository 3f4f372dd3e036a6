// Zone: the wall clock of one time zone, for every instant of the past and the future.  A cheap handle:
// copies share the data.  Read from the files of the tz database by our own code, because neither
// library does it right on the systems we run on: docs/adr/0004-own-time-zone-reader.md.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/schedule/year_rule.hpp"

namespace syncd::schedule {

// What a wall clock shows, as if it were UTC.
using LocalTime = std::chrono::local_seconds;

class Zone {
 public:
  // UTC.
  Zone();
  // `tzif`: the bytes of a file of the tz database (RFC 8536, version 2 or newer).  Throws
  // config::ValueError.
  static Zone parse(std::string name, std::string_view tzif);

  // As the operator wrote it; an alias stays an alias.
  const std::string& name() const noexcept;

  // The stretch of time around an instant without a change of the clock: [begin, end).
  struct Period {
    Instant begin;
    Instant end;
    std::chrono::seconds offset;

    LocalTime to_local(Instant at) const { return LocalTime(at.time_since_epoch() + offset); }
  };
  Period period_at(Instant at) const;
  LocalTime to_local(Instant at) const { return period_at(at).to_local(at); }

  // The first instant at which the wall clock shows `local` or later: the only one, the first of two where
  // the clock is set back, the instant of the change where it is set forward over `local`.
  Instant first_at_or_after(LocalTime local) const;
  // The latest that the wall clock has shown up to `at`; differs from to_local(at) while an hour is repeated.
  LocalTime latest_until(Instant at) const;

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
};

}  // namespace syncd::schedule
