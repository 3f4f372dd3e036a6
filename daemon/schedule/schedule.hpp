// When a job runs.  Pure: no clock inside.  A cheap handle: copies share the data.
//
//   every 30s                on a grid anchored at the epoch, so that a restart does not shift it
//   after 5m                 that long after the last run has ended
//   cron 30 2 * * MON-FRI    wall time: five fields, or six with the second in front (cron.hpp)
//   @daily                   likewise @yearly @annually @monthly @weekly @midnight @hourly
//   @startup                 once, when the daemon starts
//   at 2026-03-01 02:30      once, wall time; "Z" or "+02:00" behind it needs no zone (moment.hpp)
//   continuous               one run that goes on for ever
//   manual                   only when somebody asks
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/time.hpp"
#include "daemon/schedule/cron.hpp"
#include "daemon/schedule/moment.hpp"
#include "daemon/schedule/zone.hpp"

namespace syncd::schedule {

class Schedule {
 public:
  enum class Kind { Every, After, Cron, Startup, At, Continuous, Manual };

  // Throws config::ValueError that says what was found and what would be right.
  static Schedule parse(std::string_view text);

  Kind kind() const noexcept { return data_->kind; }
  std::chrono::nanoseconds interval() const noexcept { return data_->interval; }  // of Every and After
  // As it was written.
  const std::string& text() const noexcept { return data_->text; }

  // Whether it names times that a wall clock shows; only then does the zone matter.
  bool uses_wall_clock() const noexcept;
  // The same schedule by the wall clock of `zone`; UTC without.
  Schedule in(Zone zone) const;
  const Zone& zone() const noexcept { return zone_; }

  // The first occurrence later than `time` of what is known beforehand: Every, Cron and At.
  std::optional<WallTime> next_after(WallTime time) const;
  // The first occurrence of a job of which nothing is known when the daemon starts at `time`.
  std::optional<WallTime> first_from(WallTime time) const;
  // The first occurrence of a job whose last run ended at `time`.
  std::optional<WallTime> next_after_run(WallTime time) const;

  // What a person would wonder about at this occurrence ("02:30 does not exist on 2026-03-29 in Europe/Paris,
  // runs 03:00"); "" mostly.
  std::string note(WallTime occurrence) const;

 private:
  struct Data {
    Data(Kind kind_in, std::string_view text_in) : kind(kind_in), text(text_in) {}
    Kind kind;
    std::string text;
    std::chrono::nanoseconds interval{0};
    std::optional<Cron> cron;
    std::optional<Moment> moment;
  };
  explicit Schedule(Data data) : data_(std::make_shared<const Data>(std::move(data))) {}

  std::shared_ptr<const Data> data_;
  Zone zone_;
};

}  // namespace syncd::schedule
