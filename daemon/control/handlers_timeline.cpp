// What runs when, and by which configuration: Next, History, Reload.
#include "daemon/control/handlers.hpp"

namespace syncd::control {
namespace {

using coro::Task;

std::string_view to_string(CheckFinding::Level level) {
  switch (level) {
    case CheckFinding::Level::Error:
      return "error";
    case CheckFinding::Level::Warning:
      return "warning";
    case CheckFinding::Level::Note:
      return "note";
  }
  return "note";
}

Json to_json(const Upcoming& occurrence) {
  Json json = Json::object();
  json["job"] = occurrence.job;
  json["at_us"] = to_us(occurrence.at);
  json["local"] = occurrence.local;
  json["zone"] = occurrence.zone;
  json["note"] = occurrence.note;
  return json;
}

Json to_json(const HistoryEntry& entry) {
  Json json = Json::object();
  json["id"] = entry.id;
  json["job"] = entry.job;
  json["planned_us"] = to_us(entry.planned);
  json["until_us"] = to_us(entry.until);
  json["occurrences"] = entry.occurrences;
  json["started_us"] = to_us(entry.started);
  json["ended_us"] = to_us(entry.ended);
  json["cause"] = entry.cause;
  json["outcome"] = entry.outcome;
  json["reason"] = entry.reason;
  json["attempts"] = entry.attempts;
  json["resumed"] = entry.resumed;
  json["rows"] = entry.rows;
  json["bytes"] = entry.bytes;
  json["position_before"] = entry.position_before;
  json["position_after"] = entry.position_after;
  return json;
}

Json to_json(const std::vector<Difference::Item>& items) {
  Json all = Json::array();
  for (const Difference::Item& item : items) {
    Json json = Json::object();
    json["name"] = item.name;
    json["keys"] = item.keys;
    json["running"] = item.running;
    all.push_back(std::move(json));
  }
  return all;
}

Json to_json(const Difference::Items& items) {
  Json json = Json::object();
  json["added"] = to_json(items.added);
  json["removed"] = to_json(items.removed);
  json["changed"] = to_json(items.changed);
  json["unchanged"] = items.unchanged;
  return json;
}

}  // namespace

Json findings_json(const std::vector<CheckFinding>& findings) {
  Json all = Json::array();
  for (const CheckFinding& each : findings) {
    Json finding = Json::object();
    finding["level"] = to_string(each.level);
    finding["place"] = each.place;
    finding["text"] = each.text;
    finding["remedy"] = each.remedy;
    all.push_back(std::move(finding));
  }
  return all;
}

Task<Json> next(Request& request) {
  const Parameters from(request.parameters, {"job", "limit"});
  const Coming coming = request.operations.next(from.optional_text("job"), from.count("limit", 10, 1, 1000));
  Json json = Json::object();
  json["occurrences"] = Json::array();
  for (const Upcoming& occurrence : coming.occurrences) json["occurrences"].push_back(to_json(occurrence));
  json["without"] = Json::array();
  for (const NotComing& none : coming.without) {
    Json each = Json::object();
    each["job"] = none.job;
    each["reason"] = none.reason;
    json["without"].push_back(std::move(each));
  }
  co_return json;
}

Task<Json> history(Request& request) {
  const Parameters from(request.parameters, {"job", "failed", "since_us", "limit"});
  HistoryQuery query;
  query.job = from.optional_text("job");
  query.failed = from.flag("failed");
  query.since = from.time("since_us");
  query.limit = from.count("limit", 20, 1, 1000);
  Json json = Json::object();
  json["entries"] = Json::array();
  for (const HistoryEntry& entry : request.operations.history(query)) {
    json["entries"].push_back(to_json(entry));
  }
  co_return json;
}

Task<Json> reload(Request& request) {
  const Parameters from(request.parameters, {"dry_run"});
  const Difference difference = request.operations.reload(from.flag("dry_run"));
  Json json = Json::object();
  json["jobs"] = to_json(difference.jobs);
  json["connections"] = to_json(difference.connections);
  json["settings"] = difference.settings;
  json["restart"] = difference.restart;
  co_return json;
}

}  // namespace syncd::control
