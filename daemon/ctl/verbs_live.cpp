#include "daemon/ctl/verbs_live.hpp"

#include "daemon/ctl/members.hpp"
#include "daemon/ctl/session.hpp"

namespace syncd::ctl {
namespace {

class Live final : private Session {
 public:
  using Session::Session;
  ExitCode dry_run();
  ExitCode follow();
  ExitCode logs();

 private:
  void show_lines(const Json& reply);
};

ExitCode Live::dry_run() {
  Json parameters = job();
  if (arguments_.limit) parameters["limit"] = *arguments_.limit;
  console_.progress("reading");
  Json reply;
  try {
    reply = client_.call("DryRun", std::move(parameters), kLong);
  } catch (const InvalidConfiguration& invalid) {
    console_.end_progress();
    report(invalid.findings());
    throw;
  }
  console_.end_progress();
  if (arguments_.json) {
    reply["job"] = arguments_.job;
    console_.print(reply);
  } else {
    console_.print(ctl::dry_run(reply, console_.look()));
  }
  return list_of(reply, "bad").empty() ? kDone : kFailed;
}

// Until interrupted.
ExitCode Live::follow() {
  std::string last;
  const auto show_pieces = [&](const Json& reply) {
    for (const Json& piece : list_of(reply, "pieces")) {
      if (arguments_.json) {
        console_.print(piece);
      } else {
        console_.print(followed(piece, last));
      }
    }
    console_.flush();
  };
  Json parameters = job();
  if (arguments_.verb == Verb::LlmFollow) parameters["answers"] = true;
  client_.call("Follow", std::move(parameters), std::nullopt, show_pieces);
  return kDone;
}

ExitCode Live::logs() {
  Json parameters = arguments_.job.empty() ? Json::object() : job();
  if (arguments_.limit) parameters["limit"] = *arguments_.limit;
  if (!arguments_.level.empty()) parameters["level"] = arguments_.level;
  if (!arguments_.follow) {
    show_lines(client_.call("Logs", std::move(parameters)));
    return kDone;
  }
  parameters["follow"] = true;
  client_.call("Logs", std::move(parameters), std::nullopt, [this](const Json& reply) { show_lines(reply); });
  return kDone;
}

void Live::show_lines(const Json& reply) {
  for (const Json& line : list_of(reply, "lines")) {
    if (arguments_.json) {
      console_.print(line);
    } else {
      console_.print(log_line(line, console_.look()));
    }
  }
  console_.flush();
}

}  // namespace

bool is_live(Verb verb) noexcept {
  return verb == Verb::DryRun || verb == Verb::Follow || verb == Verb::LlmFollow || verb == Verb::Logs;
}

ExitCode perform_live(const Arguments& arguments, Console& console) {
  Live session(arguments, console);
  if (arguments.verb == Verb::Logs) return session.logs();
  return arguments.verb == Verb::DryRun ? session.dry_run() : session.follow();
}

}  // namespace syncd::ctl
