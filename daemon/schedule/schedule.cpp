#include "daemon/schedule/schedule.hpp"

#include <fmt/format.h>

#include "config/duration.hpp"
#include "config/suggest.hpp"
#include "daemon/schedule/occurrence.hpp"

namespace syncd::schedule {
namespace {

std::chrono::nanoseconds parse_interval(std::string_view text) {
  const auto interval = config::parse_duration(text);
  if (interval < std::chrono::seconds(1)) {
    throw config::ValueError("the shortest interval is 1s; for less use \"continuous\"");
  }
  return interval;
}

Cron parse_shorthand(std::string_view text) {
  std::vector<std::string> known{"@startup"};
  for (const CronShorthand& shorthand : cron_shorthands()) {
    if (shorthand.name == text) return Cron::parse(shorthand.fields);
    known.emplace_back(shorthand.name);
  }
  throw config::ValueError(config::unknown_text("schedule", text, known));
}

[[noreturn]] void fail_unknown(std::string_view text) {
  const bool from_a_crontab =
      text.find_first_of("*0123456789") == 0 && text.find_first_of(" \t") != std::string_view::npos;
  if (from_a_crontab) throw config::ValueError(fmt::format("found '{0}'; write \"cron {0}\"", text));
  throw config::ValueError(config::unknown_text("schedule", text,
                                                {"every 30s", "after 5m", "cron 30 2 * * *", "@daily",
                                                 "@startup", "at 2026-03-01 02:30", "continuous", "manual"}));
}

}  // namespace

Schedule Schedule::parse(std::string_view text) {
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  const auto at = text.find_first_not_of(" \t", word.size());
  const std::string_view rest = at == std::string_view::npos ? "" : text.substr(at);
  if (text == "continuous") return Schedule(Data(Kind::Continuous, text));
  if (text == "manual") return Schedule(Data(Kind::Manual, text));
  if (text == "@startup") return Schedule(Data(Kind::Startup, text));
  if (word == "every" || word == "after") {
    Data data(word == "every" ? Kind::Every : Kind::After, text);
    data.interval = parse_interval(rest);
    return Schedule(std::move(data));
  }
  if (word == "cron" || word.starts_with('@')) {
    Data data(Kind::Cron, text);
    data.cron = word == "cron" ? Cron::parse(rest) : parse_shorthand(text);
    return Schedule(std::move(data));
  }
  if (word == "at") {
    Data data(Kind::At, text);
    data.moment = Moment::parse(rest);
    return Schedule(std::move(data));
  }
  fail_unknown(text);
}

bool Schedule::uses_wall_clock() const noexcept {
  return data_->cron || (data_->moment && data_->moment->wall_time());
}

Schedule Schedule::in(Zone zone) const {
  Schedule schedule = *this;
  schedule.zone_ = std::move(zone);
  return schedule;
}

std::optional<WallTime> Schedule::next_after(WallTime time) const {
  if (kind() == Kind::Every) {
    const auto step = std::chrono::duration_cast<WallTime::duration>(interval());
    const auto past =
        ((time.time_since_epoch() % step) + step) % step;  // of the current interval, also before 1970
    return time - past + step;
  }
  if (data_->cron)
    return next_occurrence(*data_->cron, zone_, std::chrono::floor<std::chrono::seconds>(time));
  if (data_->moment && data_->moment->in(zone_) > time) return data_->moment->in(zone_);
  return std::nullopt;
}

std::optional<WallTime> Schedule::first_from(WallTime time) const {
  const bool at_once = kind() == Kind::After || kind() == Kind::Startup || kind() == Kind::Continuous;
  return at_once ? std::optional(time) : next_after(time);
}

std::optional<WallTime> Schedule::next_after_run(WallTime time) const {
  if (kind() != Kind::After) return next_after(time);
  return time + std::chrono::duration_cast<WallTime::duration>(interval());
}

std::string Schedule::note(WallTime occurrence) const {
  const auto instant = std::chrono::floor<std::chrono::seconds>(occurrence);
  if (data_->cron) return occurrence_note(*data_->cron, zone_, instant);
  if (data_->moment && data_->moment->wall_time())
    return occurrence_note(*data_->moment->wall_time(), zone_, instant);
  return "";
}

}  // namespace syncd::schedule
