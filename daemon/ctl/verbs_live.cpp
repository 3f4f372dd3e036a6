#include "daemon/ctl/verbs_live.hpp"

#include "daemon/ctl/members.hpp"
#include "daemon/ctl/session.hpp"

namespace syncd::ctl {
namespace {

class Live final : private Session {
 public:
  using Session::Session;
  ExitCode dry_run();
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

}  // namespace

bool is_live(Verb verb) noexcept { return verb == Verb::DryRun; }

ExitCode perform_live(const Arguments& arguments, Console& console) {
  return Live(arguments, console).dry_run();
}

}  // namespace syncd::ctl
