#include "daemon/ctl/session.hpp"

namespace syncd::ctl {

Json Session::job() const {
  Json parameters = Json::object();
  if (!arguments_.job.empty()) parameters["job"] = arguments_.job;
  return parameters;
}

std::vector<Json> Session::jobs() {
  const Json reply = client_.call("Status", job());
  const auto found = reply.find("jobs");
  return found == reply.end() || !found->is_array() ? std::vector<Json>()
                                                    : std::vector<Json>(found->begin(), found->end());
}

status::JobStatus Session::look() {
  const std::vector<Json> found = jobs();
  return found.empty() ? status::JobStatus() : control::job_status_from_json(found.front());
}

std::size_t Session::report(const Json& all) {
  std::size_t errors = 0;
  for (const Json& each : all) {
    if (each.value("level", Json()) == "error") ++errors;
    if (arguments_.json) console_.print(each);
  }
  if (!arguments_.json) console_.print(findings(all, console_.look()));
  return errors;
}

ExitCode Session::done(const std::string& text) {
  if (arguments_.json) {
    Json reply = job();
    reply["done"] = true;
    console_.print(reply);
  } else {
    console_.print(text + "\n");
  }
  return kDone;
}

}  // namespace syncd::ctl
