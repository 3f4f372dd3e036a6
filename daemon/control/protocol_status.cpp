// The JSON form of a job's status.
#include <algorithm>

#include "daemon/control/protocol.hpp"

namespace syncd::control {
namespace {

// Reads members that may be missing or of another type.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  std::string text(const char* key) const {
    const Json* found = member(key);
    return found && found->is_string() ? found->get<std::string>() : std::string();
  }
  std::optional<std::uint64_t> count(const char* key) const {
    const Json* found = member(key);
    if (!found || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint64_t>();
  }
  std::optional<WallTime> time(const char* key) const {
    const Json* found = member(key);
    return found ? wall_time_from_json(*found) : std::nullopt;
  }
  bool flag(const char* key) const {
    const Json* found = member(key);
    return found && found->is_boolean() && found->get<bool>();
  }
  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> all;
    const Json* found = member(key);
    if (!found || !found->is_array()) return all;
    for (const Json& each : *found) {
      if (each.is_string()) all.push_back(each.get<std::string>());
    }
    return all;
  }
  const Json* object(const char* key) const {
    const Json* found = member(key);
    return found && found->is_object() ? found : nullptr;
  }
  const Json* array(const char* key) const {
    const Json* found = member(key);
    return found && found->is_array() ? found : nullptr;
  }

 private:
  const Json* member(const char* key) const {
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  const Json& json_;
};

Json run_json(const std::optional<status::CurrentRun>& run) {
  if (!run) return nullptr;
  Json json = Json::object();
  json["started_us"] = to_us(run->started);
  json["rows"] = run->rows;
  json["batches"] = run->batches;
  json["bytes"] = run->bytes;
  json["rows_per_second"] = run->rows_per_second;
  json["attempts"] = run->attempts;
  json["caught_up"] = run->caught_up;
  return json;
}

Json last_run_json(const std::optional<status::LastRun>& run) {
  if (!run) return nullptr;
  Json json = Json::object();
  json["planned_us"] = to_us(run->planned);
  json["started_us"] = to_us(run->started);
  json["ended_us"] = to_us(run->ended);
  json["outcome"] = run->outcome;
  json["error"] = run->error;
  json["rows"] = run->rows;
  json["bytes"] = run->bytes;
  json["attempts"] = run->attempts;
  return json;
}

status::CurrentRun run_from_json(const Json& json) {
  const Reader from(json);
  status::CurrentRun run;
  run.started = from.time("started_us").value_or(WallTime());
  run.rows = from.count("rows").value_or(0);
  run.batches = from.count("batches").value_or(0);
  run.bytes = from.count("bytes").value_or(0);
  run.rows_per_second = from.count("rows_per_second").value_or(0);
  run.attempts = static_cast<std::uint32_t>(from.count("attempts").value_or(0));
  run.caught_up = from.flag("caught_up");
  return run;
}

status::LastRun last_run_from_json(const Json& json) {
  const Reader from(json);
  status::LastRun run;
  run.planned = from.time("planned_us").value_or(WallTime());
  run.started = from.time("started_us").value_or(WallTime());
  run.ended = from.time("ended_us");
  run.outcome = from.text("outcome");
  run.error = from.text("error");
  run.rows = from.count("rows").value_or(0);
  run.bytes = from.count("bytes").value_or(0);
  run.attempts = static_cast<std::uint32_t>(from.count("attempts").value_or(0));
  return run;
}

}  // namespace

std::int64_t to_us(WallTime time) { return time.time_since_epoch().count(); }

Json to_us(const std::optional<WallTime>& time) {
  if (!time) return nullptr;
  return to_us(*time);
}

std::optional<WallTime> wall_time_from_json(const Json& json) {
  // Years 0 to 9999: what calendar arithmetic can show.
  constexpr std::int64_t kFirst = -62167219200'000000;
  constexpr std::int64_t kLast = 253402300799'999999;
  if (!json.is_number_integer()) return std::nullopt;
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > static_cast<std::uint64_t>(kLast))
    return std::nullopt;
  const auto us = json.get<std::int64_t>();
  if (us < kFirst || us > kLast) return std::nullopt;
  return WallTime(std::chrono::microseconds(us));
}

Json to_json(const status::JobStatus& status) {
  Json json = Json::object();
  json["name"] = status.name;
  json["description"] = status.description;
  json["state"] = status::to_string(status.state);
  json["schedule"] = status.schedule;
  json["next_run_us"] = to_us(status.next_run);
  json["last_run"] = last_run_json(status.last_run);
  json["run"] = run_json(status.run);
  Json positions = Json::array();
  for (const auto& position : status.position) {
    Json each = Json::object();
    each["partition"] = position.partition;
    each["text"] = position.text;
    positions.push_back(std::move(each));
  }
  json["position"] = std::move(positions);
  json["lag_us"] = status.lag ? Json(status.lag->count()) : Json();
  json["lag_rows"] = status.lag_rows ? Json(*status.lag_rows) : Json();
  json["waiting_for"] = status.waiting_for;
  json["note"] = status.note;
  json["last_error"] = status.last_error;
  json["last_error_us"] = to_us(status.last_error_at);
  json["pause_reason"] = status.pause_reason;
  json["paused_since_us"] = to_us(status.paused_since);
  json["source"] = status.source;
  json["transforms"] = status.transforms;
  json["sink"] = status.sink;
  json["dead_letters"] = status.dead_letters;
  json["guarantees"] = status.guarantees;
  return json;
}

status::JobStatus job_status_from_json(const Json& json) {
  const Reader from(json);
  status::JobStatus status;
  status.name = from.text("name");
  status.description = from.text("description");
  status.state = status::parse_job_state(from.text("state")).value_or(status::JobState::Idle);
  status.schedule = from.text("schedule");
  status.next_run = from.time("next_run_us");
  if (const Json* run = from.object("last_run")) status.last_run = last_run_from_json(*run);
  if (const Json* run = from.object("run")) status.run = run_from_json(*run);
  if (const Json* positions = from.array("position")) {
    for (const Json& each : *positions) {
      const Reader position(each);
      status.position.push_back({position.text("partition"), position.text("text")});
    }
  }
  constexpr std::uint64_t kLongestLag = 100ULL * 366 * 86400 * 1000000;  // a century: fits nanoseconds
  if (const auto lag = from.count("lag_us")) {
    status.lag.emplace(static_cast<std::int64_t>(std::min(*lag, kLongestLag)));
  }
  status.lag_rows = from.count("lag_rows");
  status.waiting_for = from.text("waiting_for");
  status.note = from.text("note");
  status.last_error = from.text("last_error");
  status.last_error_at = from.time("last_error_us");
  status.pause_reason = from.text("pause_reason");
  status.paused_since = from.time("paused_since_us");
  status.source = from.text("source");
  status.transforms = from.texts("transforms");
  status.sink = from.text("sink");
  status.dead_letters = from.count("dead_letters").value_or(0);
  status.guarantees = from.texts("guarantees");
  return status;
}

}  // namespace syncd::control
