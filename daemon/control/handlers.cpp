#include "daemon/control/handlers.hpp"

#include <algorithm>
#include <exception>

#include "daemon/base/version.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/coro/signal.hpp"

namespace syncd::control {
namespace {

using coro::Task;

constexpr Duration kBetweenChanges = std::chrono::milliseconds(200);
constexpr Duration kSlice = std::chrono::milliseconds(1);  // of one Status reply, between others' turns
constexpr std::size_t kLetterBytes = 512 * 1024;           // of one ListDeadLetters reply, about

Json object(const char* key, Json value) {
  Json json = Json::object();
  json[key] = std::move(value);
  return json;
}

std::vector<std::string> wanted(Operations& operations, const std::optional<std::string>& job) {
  if (!job) return operations.job_names();
  return std::vector<std::string>(1, *job);
}

// --- verbs that only read ----------------------------------------------------------------------------

Task<Json> list_jobs(Request& request) {
  const Parameters none(request.parameters, {});
  co_return object("jobs", request.operations.job_names());
}

// Null where the job has gone meanwhile.
Json status_or_null(Operations& operations, const std::string& job) {
  try {
    return to_json(operations.status(job));
  } catch (const NoSuchJob&) {
    return nullptr;
  }
}

// Of one job or of all; `seen`: of those that have changed since that version only.  Of thousands it takes
// long: others have their turns in between, and a job that goes meanwhile is left out.
Task<Json> statuses(Request& request, std::optional<std::string> job, std::optional<std::uint64_t> seen) {
  Operations& operations = request.operations;
  Json found = Json::array();
  const std::vector<std::string> names = wanted(operations, job);
  TimePoint enough = request.clock.now() + kSlice;
  for (const std::string& name : names) {
    if (seen && operations.changes().version_of(name) <= *seen) continue;
    Json each = job ? to_json(operations.status(name)) : status_or_null(operations, name);
    if (!each.is_null()) found.push_back(std::move(each));
    if (request.clock.now() < enough) continue;
    co_await yield_to_loop(request.clock);
    enough = request.clock.now() + kSlice;
  }
  co_return found;
}

Task<Json> status(Request& request) {
  const Parameters from(request.parameters, {"job"});
  Json jobs = co_await statuses(request, from.optional_text("job"), std::nullopt);
  co_return object("jobs", std::move(jobs));
}

Task<Json> watch(Request& request) {
  if (!request.more) throw ExpectedMore();
  const Parameters from(request.parameters, {"job"});
  const std::optional<std::string> job = from.optional_text("job");
  Operations& operations = request.operations;
  status::Changes::Subscription subscription(operations.changes());
  std::optional<std::uint64_t> seen;
  while (true) {
    const std::uint64_t now = operations.changes().version();
    Json jobs = co_await statuses(request, job, seen);
    const bool first = !std::exchange(seen, now);
    if (first || !jobs.empty()) {
      Json reply = object("jobs", std::move(jobs));
      co_await request.progress.send(std::move(reply));
    }
    co_await sleep_for(request.clock, kBetweenChanges);
    co_await subscription.changed();
  }
}

Task<Json> explain(Request& request) {
  const Parameters from(request.parameters, {"job"});
  const std::vector<std::string> lines = co_await request.operations.explain(from.text("job"));
  co_return object("lines", lines);
}

Task<Json> check(Request& request) {
  const Parameters from(request.parameters, {"online"});
  const std::vector<CheckFinding> found = co_await request.operations.check(from.flag("online"));
  co_return object("findings", findings_json(found));
}

Task<Json> list_dead_letters(Request& request) {
  const Parameters from(request.parameters, {"job", "limit"});
  const DeadLetters kept =
      request.operations.dead_letters(from.text("job"), from.count("limit", 100, 1, 1000));
  // From the newest backwards until the reply is long enough; at least one.
  std::size_t bytes = 0;
  std::vector<Json> newest_first;
  for (auto letter = kept.letters.rbegin(); letter != kept.letters.rend(); ++letter) {
    bytes += letter->record.size() + letter->error.size();
    if (!newest_first.empty() && bytes > kLetterBytes) break;
    Json each = Json::object();
    each["id"] = letter->id;
    each["time_us"] = to_us(letter->time);
    each["record"] = letter->record;
    each["error"] = letter->error;
    newest_first.push_back(std::move(each));
  }
  Json json = object("total", kept.total);
  json["letters"] = Json::array();
  std::move(newest_first.rbegin(), newest_first.rend(), std::back_inserter(json["letters"]));
  co_return json;
}

Task<Json> version(Request& request) {
  const Parameters none(request.parameters, {});
  co_return object("version", kVersion);
}

// --- verbs that operate ------------------------------------------------------------------------------

// The run that a client waits for; it goes on without the client.
struct Awaited {
  explicit Awaited(Clock& clock) : ended(clock) {}
  std::optional<RunResult> result;
  std::exception_ptr error;
  coro::Signal ended;
};

Task<> await_run(Operations& operations, std::string job, RunRange range, Awaited& awaited) {
  try {
    awaited.result = co_await operations.run(std::move(job), std::move(range));
  } catch (const std::exception&) {
    awaited.error = std::current_exception();
  }
  awaited.ended.notify();
}

Task<> send_until_ended(Request& request, std::string job, Awaited& awaited) {
  std::uint64_t seen = 0;
  while (true) {
    const bool ended = co_await awaited.ended.wait_until(request.clock.now() + kBetweenChanges);
    if (ended) co_return;
    const std::uint64_t now = request.operations.changes().version_of(job);
    if (!request.more || now == seen) continue;
    seen = now;
    Json progress = object("status", to_json(request.operations.status(job)));
    progress["result"] = nullptr;
    co_await request.progress.send(std::move(progress));
  }
}

Json result_json(const RunResult& result) {
  Json json = Json::object();
  json["outcome"] = result.outcome;
  json["error"] = result.error;
  json["started_us"] = to_us(result.started);
  json["ended_us"] = to_us(result.ended);
  json["rows"] = result.rows;
  json["bytes"] = result.bytes;
  json["attempts"] = result.attempts;
  return json;
}

Task<Json> run(Request& request) {
  const Parameters from(request.parameters, {"job", "wait", "from", "to"});
  const std::string job = from.text("job");
  RunRange range;
  range.from = from.optional_text("from");
  range.to = from.optional_text("to");
  Json reply = object("status", nullptr);
  reply["result"] = nullptr;
  if (!from.flag("wait")) {
    request.operations.start(job, range);
    co_return reply;
  }
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  Awaited awaited(request.clock);
  coro::AsyncScope scope(stop);
  scope.spawn(await_run(request.operations, job, range, awaited));
  std::exception_ptr interrupted;  // the client is gone, or we were told to stop
  try {
    co_await send_until_ended(request, job, awaited);
  } catch (...) {
    interrupted = std::current_exception();
  }
  scope.request_stop();
  co_await scope.join();
  if (interrupted) std::rethrow_exception(interrupted);
  if (awaited.error) std::rethrow_exception(awaited.error);
  reply["status"] = status_or_null(request.operations, job);
  reply["result"] = result_json(*awaited.result);
  co_return reply;
}

Task<Json> cancel(Request& request) {
  const Parameters from(request.parameters, {"job"});
  request.operations.cancel(from.text("job"));
  co_return Json::object();
}

Task<Json> pause(Request& request) {
  const Parameters from(request.parameters, {"job", "reason"});
  request.operations.pause(from.text("job"), from.optional_text("reason").value_or(""));
  co_return Json::object();
}

Task<Json> resume(Request& request) {
  const Parameters from(request.parameters, {"job"});
  request.operations.resume(from.text("job"));
  co_return Json::object();
}

Task<Json> clear_dead_letters(Request& request) {
  const Parameters from(request.parameters, {"job"});
  co_return object("cleared", request.operations.clear_dead_letters(from.text("job")));
}

Task<Json> metrics(Request& request) {
  const Parameters none(request.parameters, {});
  co_return object("text", request.operations.metrics());
}

// Commands::replied() does it: the client gets its reply first.
Task<Json> shutdown(Request& request) {
  const Parameters none(request.parameters, {});
  co_return Json::object();
}

constexpr std::array kMethods = {
    Method{"ListJobs", Verb::Read, list_jobs},
    Method{"Status", Verb::Read, status},
    Method{"Watch", Verb::Read, watch},
    Method{"Explain", Verb::Read, explain},
    Method{"Next", Verb::Read, next},
    Method{"History", Verb::Read, history},
    Method{"Check", Verb::Read, check},
    Method{"ShowCheckpoint", Verb::Read, show_checkpoint},
    Method{"ExportCheckpoint", Verb::Read, export_checkpoint},
    Method{"DryRun", Verb::Read, dry_run},
    Method{"Follow", Verb::Read, follow},
    Method{"Logs", Verb::Read, logs},
    Method{"ListFiles", Verb::Read, list_files},
    Method{"ListDeadLetters", Verb::Read, list_dead_letters},
    Method{"LlmUsage", Verb::Read, llm_usage},
    Method{"LlmAmbiguous", Verb::Read, llm_ambiguous},
    Method{"Metrics", Verb::Read, metrics},
    Method{"Version", Verb::Read, version},
    Method{"Run", Verb::Operate, run},
    Method{"Cancel", Verb::Operate, cancel},
    Method{"Pause", Verb::Operate, pause},
    Method{"Resume", Verb::Operate, resume},
    Method{"SetCheckpoint", Verb::Operate, set_checkpoint},
    Method{"RewindCheckpoint", Verb::Operate, rewind_checkpoint},
    Method{"ImportCheckpoint", Verb::Operate, import_checkpoint},
    Method{"UndoCheckpoint", Verb::Operate, undo_checkpoint},
    Method{"ClearDeadLetters", Verb::Operate, clear_dead_letters},
    Method{"LlmResolve", Verb::Operate, llm_resolve},
    Method{"Reload", Verb::Operate, reload},
    Method{"Shutdown", Verb::Operate, shutdown},
};

}  // namespace

std::span<const Method> methods() { return kMethods; }

}  // namespace syncd::control
