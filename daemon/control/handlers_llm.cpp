// Requests to models: LlmUsage, LlmAmbiguous, LlmResolve.
#include "daemon/control/handlers.hpp"

namespace syncd::control {

using coro::Task;

void put(Json& json, const ModelUse& use) {
  json["input_tokens"] = use.input;
  json["output_tokens"] = use.output;
  json["cost_millionths"] = static_cast<std::uint64_t>(use.cost);  // never negative
}

Task<Json> llm_usage(Request& request) {
  const Parameters from(request.parameters, {"job", "days"});
  Json json = Json::object();
  json["days"] = Json::array();
  for (const ModelSpending& spent :
       request.operations.llm_usage(from.optional_text("job"), from.count("days", 7, 1, 1000))) {
    Json each = Json::object();
    each["job"] = spent.job;
    each["day"] = spent.day;
    each["requests"] = spent.requests;
    each["ambiguous"] = spent.ambiguous;
    put(each, spent.use);
    json["days"].push_back(std::move(each));
  }
  co_return json;
}

Task<Json> llm_ambiguous(Request& request) {
  const Parameters from(request.parameters, {"job"});
  Json json = Json::object();
  json["requests"] = Json::array();
  for (const AmbiguousRequest& doubt : request.operations.llm_ambiguous(from.optional_text("job"))) {
    Json each = Json::object();
    each["id"] = static_cast<std::uint64_t>(doubt.id);
    each["job"] = doubt.job;
    each["model"] = doubt.model;
    each["unit"] = doubt.unit;
    each["sent_us"] = to_us(doubt.sent);
    each["why"] = doubt.why;
    put(each, doubt.use);
    json["requests"].push_back(std::move(each));
  }
  co_return json;
}

Task<Json> llm_resolve(Request& request) {
  const Parameters from(request.parameters, {"id", "job", "not_paid"});
  AmbiguousChoice choice;
  constexpr std::uint64_t kMost = 1ULL << 53;
  if (request.parameters.contains("id")) {
    choice.id = static_cast<std::int64_t>(from.count("id", 0, 1, kMost));
  }
  choice.job = from.optional_text("job");
  Json json = Json::object();
  json["resolved"] = request.operations.llm_resolve(choice, !from.flag("not_paid"));
  co_return json;
}

}  // namespace syncd::control
