// Where a job goes on: ShowCheckpoint, ExportCheckpoint, and what changes it.
#include "daemon/control/handlers.hpp"

namespace syncd::control {
namespace {

using coro::Task;

constexpr std::uint64_t kFormat = 1;  // of an export

Json positions_json(const std::vector<CheckpointPosition>& positions) {
  Json all = Json::array();
  for (const CheckpointPosition& position : positions) {
    Json each = Json::object();
    each["partition"] = position.partition;
    each["text"] = position.text;
    each["words"] = position.words;
    all.push_back(std::move(each));
  }
  return all;
}

Json previous_json(const std::optional<PreviousCheckpoint>& previous) {
  if (!previous) return nullptr;
  Json json = Json::object();
  json["time_us"] = to_us(previous->time);
  json["change"] = previous->change;
  json["positions"] = positions_json(previous->positions);
  return json;
}

Json to_json(const ExportedCheckpoint& exported) {
  Json json = Json::object();
  json["syncd_checkpoint"] = kFormat;
  json["job"] = exported.job;
  json["source"] = exported.source;
  json["taken_us"] = to_us(exported.taken);
  json["positions"] = positions_json(exported.positions);
  return json;
}

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::Config, "this is no exported checkpoint: " + why);
}

const Json& member(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) refuse(std::string("\"") + key + "\" is missing");
  return *found;
}

std::string text_member(const Json& json, const char* key) {
  const Json& found = member(json, key);
  if (!found.is_string()) refuse(std::string("\"") + key + "\" is not a string");
  return found.get<std::string>();
}

std::vector<CheckpointPosition> positions_from(const Json& json) {
  if (!json.is_array()) refuse("\"positions\" is not a list");
  std::map<std::string, std::string> texts;
  for (const Json& each : json) {
    if (!each.is_object()) refuse("a position is not an object");
    std::string partition = text_member(each, "partition");
    const bool first = texts.emplace(std::move(partition), text_member(each, "text")).second;
    if (!first) refuse("two positions are of the same partition");
  }
  std::vector<CheckpointPosition> positions;
  for (const auto& [partition, text] : texts) positions.push_back({partition, text, ""});
  return positions;
}

ExportedCheckpoint exported_from(const Json& json) {
  const Json& version = member(json, "syncd_checkpoint");
  if (version != kFormat) {
    refuse("its format is " + version.dump(-1, ' ', true, Json::error_handler_t::replace) +
           ", and this daemon knows " + std::to_string(kFormat));
  }
  ExportedCheckpoint exported;
  exported.job = text_member(json, "job");
  const Json& source = member(json, "source");
  if (!source.is_object()) refuse("\"source\" is not an object");
  for (const auto& [key, value] : source.items()) exported.source[key] = text_member(source, key.c_str());
  const auto taken = wall_time_from_json(member(json, "taken_us"));
  if (!taken) refuse("\"taken_us\" is no time");
  exported.taken = *taken;
  exported.positions = positions_from(member(json, "positions"));
  return exported;
}

}  // namespace

Task<Json> show_checkpoint(Request& request) {
  const Parameters from(request.parameters, {"job"});
  const std::string job = from.text("job");
  const Checkpoint checkpoint = co_await request.operations.checkpoint(job);
  Json json = Json::object();
  json["job"] = job;
  json["sink_holds"] = checkpoint.sink_holds;
  json["sink_error"] = checkpoint.sink_error;
  json["sink"] = positions_json(checkpoint.sink);
  json["local"] = positions_json(checkpoint.local);
  json["previous"] = previous_json(checkpoint.previous);
  co_return json;
}

Task<Json> export_checkpoint(Request& request) {
  const Parameters from(request.parameters, {"job"});
  const ExportedCheckpoint exported = co_await request.operations.export_checkpoint(from.text("job"));
  Json json = Json::object();
  json["checkpoint"] = to_json(exported);
  co_return json;
}

Task<Json> set_checkpoint(Request& request) {
  const Parameters from(request.parameters, {"job", "partition", "text"});
  std::string partition = from.optional_text("partition").value_or("");
  co_await request.operations.set_checkpoint(from.text("job"), std::move(partition), from.text("text"));
  co_return Json::object();
}

Task<Json> rewind_checkpoint(Request& request) {
  const Parameters from(request.parameters, {"job", "to"});
  co_await request.operations.rewind_checkpoint(from.text("job"), from.text("to"));
  co_return Json::object();
}

Task<Json> import_checkpoint(Request& request) {
  const Parameters from(request.parameters, {"job", "checkpoint"});
  ExportedCheckpoint exported = exported_from(from.object("checkpoint"));
  co_await request.operations.import_checkpoint(from.text("job"), std::move(exported));
  co_return Json::object();
}

Task<Json> undo_checkpoint(Request& request) {
  const Parameters from(request.parameters, {"job"});
  co_await request.operations.undo_checkpoint(from.text("job"));
  co_return Json::object();
}

}  // namespace syncd::control
