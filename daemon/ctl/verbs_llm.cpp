#include "daemon/ctl/verbs_llm.hpp"

#include <fmt/format.h>

#include "daemon/ctl/members.hpp"
#include "daemon/ctl/render.hpp"

namespace syncd::ctl {
namespace {

using control::Json;

Json parameters_of(const Arguments& arguments) {
  Json parameters = Json::object();
  if (!arguments.job.empty()) parameters["job"] = arguments.job;
  return parameters;
}

ExitCode show(const Arguments& arguments, Console& console, const Json& reply, const char* list,
              std::string (*render)(const Json&, const Look&)) {
  if (!arguments.json) {
    console.print(render(reply, console.look()));
    return kDone;
  }
  for (const Json& each : list_of(reply, list)) console.print(each);
  return kDone;
}

ExitCode resolve(const Arguments& arguments, Console& console, Client& client) {
  Json parameters = parameters_of(arguments);
  if (arguments.id) parameters["id"] = *arguments.id;
  parameters["not_paid"] = arguments.not_paid;
  if (!arguments.id && !arguments.yes) {
    console.confirm("Resolve all of them? They may be asked again, and paid again.");
  }
  const Json reply = client.call("LlmResolve", std::move(parameters));
  const std::uint64_t count = count_of(reply, "resolved");
  if (arguments.json) {
    console.print(reply);
  } else {
    console.print(fmt::format("{} resolved\n", counted(count, "request")));
  }
  return count == 0 && arguments.id ? kNoInput : kDone;
}

}  // namespace

bool is_llm(Verb verb) noexcept {
  return verb == Verb::LlmUsage || verb == Verb::LlmAmbiguous || verb == Verb::LlmResolve;
}

ExitCode perform_llm(const Arguments& arguments, Console& console) {
  Client client(arguments.socket);
  if (arguments.verb == Verb::LlmResolve) return resolve(arguments, console, client);
  Json parameters = parameters_of(arguments);
  if (arguments.verb == Verb::LlmAmbiguous) {
    return show(arguments, console, client.call("LlmAmbiguous", std::move(parameters)), "requests",
                &llm_ambiguous);
  }
  if (arguments.limit) parameters["days"] = *arguments.limit;
  return show(arguments, console, client.call("LlmUsage", std::move(parameters)), "days", &llm_usage);
}

}  // namespace syncd::ctl
