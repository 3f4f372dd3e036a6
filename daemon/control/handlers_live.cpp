// What a job would do: DryRun.
#include "daemon/control/handlers.hpp"

namespace syncd::control {

using coro::Task;

Task<Json> dry_run(Request& request) {
  const Parameters from(request.parameters, {"job", "limit"});
  const DryRun found =
      co_await request.operations.dry_run(from.text("job"), from.count("limit", 20, 1, 1000));
  Json json = Json::object();
  json["from"] = found.from;
  json["read"] = found.read;
  json["rows"] = found.rows;
  json["writes"] = found.writes;
  json["bad"] = Json::array();
  for (const DryRun::Bad& bad : found.bad) {
    Json each = Json::object();
    each["record"] = bad.record;
    each["error"] = bad.error;
    json["bad"].push_back(std::move(each));
  }
  json["questions"] = Json::array();
  for (const DryRun::Question& question : found.questions) {
    Json each = Json::object();
    each["model"] = question.model;
    each["unit"] = question.unit;
    each["answered"] = question.answered;
    put(each, question.use);
    json["questions"].push_back(std::move(each));
  }
  json["notes"] = found.notes;
  co_return json;
}

}  // namespace syncd::control
