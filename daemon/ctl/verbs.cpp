#include "daemon/ctl/verbs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/escape.hpp"
#include "daemon/base/version.hpp"
#include "daemon/ctl/members.hpp"
#include "daemon/ctl/session.hpp"
#include "daemon/ctl/since.hpp"
#include "daemon/ctl/verbs_checkpoint.hpp"
#include "daemon/ctl/verbs_live.hpp"
#include "daemon/ctl/verbs_llm.hpp"
#include "daemon/ctl/verbs_top.hpp"

namespace syncd::ctl {
namespace {

// The verbs that need no file of their own.
class Basics final : private Session {
 public:
  using Session::Session;

  ExitCode status();
  ExitCode files();
  ExitCode run();
  ExitCode cancel();
  ExitCode pause();
  ExitCode resume();
  ExitCode check();
  ExitCode explain();
  ExitCode next();
  ExitCode history();
  ExitCode reload();
  ExitCode list_dead_letters();
  ExitCode clear_dead_letters();
  ExitCode metrics();
  ExitCode shutdown();
};

std::string no_jobs() { return "no jobs are configured; /etc/syncd/jobs.d/*.toml is where they go\n"; }

ExitCode Basics::status() {
  if (arguments_.files) return files();
  const std::vector<Json> found = jobs();
  std::vector<status::JobStatus> all;
  for (const Json& each : found) {
    if (arguments_.json) console_.print(each);
    all.push_back(control::job_status_from_json(each));
  }
  if (arguments_.json) return kDone;
  if (!arguments_.job.empty() && !all.empty()) {
    console_.print(status_page(all.front(), console_.look()));
  } else {
    console_.print(all.empty() ? no_jobs() : status_table(all, console_.look()));
  }
  return kDone;
}

ExitCode Basics::files() {
  const Json reply = client_.call("ListFiles", job());
  if (arguments_.json) {
    for (const Json& file : list_of(reply, "files")) console_.print(file);
  } else {
    console_.print(file_table(reply, console_.look()));
  }
  return kDone;
}

ExitCode Basics::run() {
  Json parameters = job();
  if (!arguments_.from.empty()) parameters["from"] = arguments_.from;
  if (!arguments_.to.empty()) parameters["to"] = arguments_.to;
  if (!arguments_.wait) {
    client_.call("Run", std::move(parameters));
    return done(fmt::format("{}: started; `syncctl status {}` shows how it goes", escaped(arguments_.job),
                            escaped(arguments_.job)));
  }
  parameters["wait"] = true;
  const auto progress = [this](const Json& reply) {
    const auto found = reply.find("status");
    if (found == reply.end()) return;
    console_.progress(progress_line(control::job_status_from_json(*found), console_.look()));
  };
  const Json reply = client_.call("Run", std::move(parameters), std::nullopt, progress);
  console_.end_progress();
  Json result = reply.value("result", Json::object());
  if (!result.is_object()) result = Json::object();
  const bool succeeded = result.value("outcome", Json()) == "succeeded";
  if (arguments_.json) {
    result["job"] = arguments_.job;
    console_.print(result);
  } else {
    console_.print(run_result(arguments_.job, result));
  }
  return succeeded ? kDone : kFailed;
}

ExitCode Basics::cancel() {
  client_.call("Cancel", job());
  const status::JobStatus now = look();
  std::string text = escaped(arguments_.job) + ": the run ends after its current commit";
  if (now.schedule == "continuous") {
    text += fmt::format("\n  a continuous job begins again soon; `syncctl pause {}` stops it until `resume`",
                        escaped(arguments_.job));
  }
  return done(text);
}

ExitCode Basics::pause() {
  Json parameters = job();
  if (!arguments_.reason.empty()) parameters["reason"] = arguments_.reason;
  client_.call("Pause", std::move(parameters));
  return done(
      fmt::format("{}: paused; a run under way ends after its current commit", escaped(arguments_.job)));
}

ExitCode Basics::resume() {
  const bool paused = look().paused_since.has_value();
  client_.call("Resume", job());
  if (!paused) return done(escaped(arguments_.job) + ": is not paused");
  const status::JobStatus now = look();
  std::string text = escaped(arguments_.job) + ": resumed";
  if (now.next_run) text += ", next run " + relative(*now.next_run, console_.look().now);
  return done(text);
}

// The files first: what is wrong there is exit 78, what the servers say is 1.
ExitCode Basics::check() {
  Json files = Json::object();
  files["online"] = false;
  const Json offline = client_.call("Check", std::move(files));
  const Json& found = list_of(offline, "findings");
  const bool invalid = std::any_of(found.begin(), found.end(),
                                   [](const Json& each) { return each.value("level", Json()) == "error"; });
  if (!arguments_.online || invalid) {
    report(found);
    return invalid ? kConfig : kDone;
  }
  Json servers = Json::object();
  servers["online"] = true;
  console_.progress("asking the servers");
  const Json online = client_.call("Check", std::move(servers), kLong);
  console_.end_progress();
  return report(list_of(online, "findings")) == 0 ? kDone : kFailed;
}

ExitCode Basics::explain() {
  const Json reply = client_.call("Explain", job());
  if (arguments_.json) {
    Json with_job = job();
    with_job["lines"] = reply.value("lines", Json::array());
    console_.print(with_job);
  } else {
    console_.print(explanation(reply, console_.look()));
  }
  return kDone;
}

ExitCode Basics::next() {
  Json parameters = job();
  if (arguments_.limit) parameters["limit"] = *arguments_.limit;
  const Json reply = client_.call("Next", std::move(parameters));
  if (!arguments_.json) {
    console_.print(coming(reply, console_.look()));
    return kDone;
  }
  for (const Json& occurrence : list_of(reply, "occurrences")) console_.print(occurrence);
  for (const Json& none : list_of(reply, "without")) console_.print(none);
  return kDone;
}

ExitCode Basics::history() {
  Json parameters = job();
  parameters["failed"] = arguments_.failed;
  if (!arguments_.since.empty()) parameters["since_us"] = control::to_us(since(arguments_.since, wall_now()));
  if (arguments_.limit) parameters["limit"] = *arguments_.limit;
  const Json reply = client_.call("History", std::move(parameters));
  if (!arguments_.json) {
    console_.print(ctl::history(reply, console_.look()));
    return kDone;
  }
  for (const Json& entry : list_of(reply, "entries")) console_.print(entry);
  return kDone;
}

ExitCode Basics::reload() {
  Json parameters = Json::object();
  parameters["dry_run"] = arguments_.dry_run;
  try {
    const Json reply = client_.call("Reload", std::move(parameters), kLong);
    if (arguments_.json) {
      console_.print(reply);
    } else {
      console_.print(difference(reply, arguments_.dry_run, console_.look()));
    }
  } catch (const InvalidConfiguration& invalid) {
    report(invalid.findings());
    throw;
  }
  return kDone;
}

ExitCode Basics::list_dead_letters() {
  Json parameters = job();
  parameters["limit"] = arguments_.limit.value_or(20);
  const Json reply = client_.call("ListDeadLetters", std::move(parameters));
  if (!arguments_.json) {
    console_.print(dead_letters(reply, console_.look()));
    return kDone;
  }
  for (const Json& letter : reply.value("letters", Json::array())) console_.print(letter);
  return kDone;
}

ExitCode Basics::clear_dead_letters() {
  const status::JobStatus now = look();
  if (!arguments_.yes && now.dead_letters > 0) {
    console_.confirm(fmt::format("Forget {} undelivered record{} of {}? They are kept nowhere else.",
                                 human_count(now.dead_letters), now.dead_letters == 1 ? "" : "s",
                                 escaped(arguments_.job)));
  }
  Json reply = client_.call("ClearDeadLetters", job());
  reply["job"] = arguments_.job;
  if (arguments_.json) {
    console_.print(reply);
  } else {
    console_.print(cleared(arguments_.job, reply));
  }
  return kDone;
}

// Line by line: the ends of lines are the format's own, everything else is escaped.
ExitCode Basics::metrics() {
  const Json reply = client_.call("Metrics", Json::object());
  if (arguments_.json) {
    console_.print(reply);
    return kDone;
  }
  const auto found = reply.find("text");
  std::string_view rest;
  if (found != reply.end() && found->is_string()) rest = found->get_ref<const std::string&>();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    console_.print(escaped(rest.substr(0, end)) + '\n');
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return kDone;
}

ExitCode Basics::shutdown() {
  client_.call("Shutdown", Json::object());
  return done("syncd is stopping; it finishes the commits under way first");
}

// Our own version needs no daemon.
ExitCode version(const Arguments& arguments, Console& console) {
  Json shown = Json::object();
  shown["syncctl"] = kVersion;
  if (!arguments.json) console.print(fmt::format("syncctl {}\n", kVersion));
  const Json reply = Client(arguments.socket).call("Version", Json::object());
  shown["syncd"] = reply.value("version", Json());
  if (arguments.json) {
    console.print(shown);
  } else if (shown["syncd"].is_string()) {
    console.print(fmt::format("syncd   {}\n", escaped(shown["syncd"].get<std::string>())));
  }
  return kDone;
}

}  // namespace

ExitCode perform(const Arguments& arguments, Console& console) {
  if (arguments.verb == Verb::Version) return version(arguments, console);
  if (arguments.verb == Verb::Top) return perform_top(arguments, console);
  if (is_llm(arguments.verb)) return perform_llm(arguments, console);
  if (is_live(arguments.verb)) return perform_live(arguments, console);
  if (is_checkpoint(arguments.verb)) return perform_checkpoint(arguments, console);
  Basics session(arguments, console);
  switch (arguments.verb) {
    case Verb::Status:
      return session.status();
    case Verb::Run:
      return session.run();
    case Verb::Cancel:
      return session.cancel();
    case Verb::Pause:
      return session.pause();
    case Verb::Resume:
      return session.resume();
    case Verb::Check:
      return session.check();
    case Verb::Explain:
      return session.explain();
    case Verb::Next:
      return session.next();
    case Verb::History:
      return session.history();
    case Verb::Reload:
      return session.reload();
    case Verb::ListDeadLetters:
      return session.list_dead_letters();
    case Verb::ClearDeadLetters:
      return session.clear_dead_letters();
    case Verb::Metrics:
      return session.metrics();
    case Verb::Shutdown:
      return session.shutdown();
    case Verb::DryRun:
    case Verb::Follow:
    case Verb::Logs:
    case Verb::ShowCheckpoint:
    case Verb::SetCheckpoint:
    case Verb::RewindCheckpoint:
    case Verb::ExportCheckpoint:
    case Verb::ImportCheckpoint:
    case Verb::UndoCheckpoint:
    case Verb::LlmUsage:
    case Verb::LlmAmbiguous:
    case Verb::LlmResolve:
    case Verb::LlmFollow:
    case Verb::Top:
    case Verb::Version:
      break;
  }
  return kDone;
}

}  // namespace syncd::ctl
