// What a job would do, does, and has said: DryRun, Follow, Logs.
#include "daemon/base/log_memory.hpp"
#include "daemon/control/handlers.hpp"

namespace syncd::control {

using coro::Task;

namespace {

// How often it is looked whether there are new lines, for somebody who follows.
constexpr Duration kLook = std::chrono::milliseconds(200);

Json lines_json(const std::vector<log::Line>& lines) {
  Json all = Json::array();
  for (const log::Line& line : lines) {
    Json each = Json::object();
    each["number"] = line.number;
    each["time_us"] = to_us(line.time);
    each["level"] = log::to_string(line.level);
    each["job"] = line.job;
    each["run"] = static_cast<std::uint64_t>(line.run);
    each["text"] = line.text;
    all.push_back(std::move(each));
  }
  return all;
}

}  // namespace

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

// Pieces that come at the same time travel together.
Task<Json> follow(Request& request) {
  if (!request.more) throw ExpectedMore();
  const Parameters from(request.parameters, {"job", "answers"});
  const std::string job = from.text("job");
  request.operations.status(job);  // there is such a job
  using status::Relay;
  const auto interest = from.flag("answers") ? Relay::Interest::Answers : Relay::Interest::Everything;
  Relay::Watcher watcher(request.clock, request.operations.relay(), job, interest);
  while (true) {
    const std::vector<status::Piece> pieces = co_await watcher.next();
    Json reply = Json::object();
    reply["pieces"] = Json::array();
    for (const status::Piece& piece : pieces) {
      Json each = Json::object();
      each["answer"] = piece.answer;
      each["kind"] = status::to_string(piece.kind);
      each["text"] = piece.text;
      reply["pieces"].push_back(std::move(each));
    }
    co_await request.progress.send(std::move(reply));
  }
}

Task<Json> logs(Request& request) {
  const Parameters from(request.parameters, {"job", "level", "limit", "follow"});
  log::Memory::Query query;
  query.job = from.optional_text("job");
  if (query.job && !query.job->empty()) request.operations.status(*query.job);  // there is such a job
  if (const auto word = from.optional_text("level")) {
    const auto level = log::parse_level(*word);
    if (!level) throw InvalidParameter("level", "is none of trace, debug, info, warn, error");
    query.level = *level;
  }
  query.limit = from.count("limit", 100, 1, 1000);
  const bool follow = from.flag("follow");
  if (follow && !request.more) throw ExpectedMore();
  log::Memory& memory = log::memory();
  while (true) {
    // Before the lines are taken: those of other threads may come in between.
    const std::uint64_t newest = memory.newest();
    const std::vector<log::Line> lines = memory.find(query);
    Json reply = Json::object();
    reply["lines"] = lines_json(lines);
    if (!follow) co_return reply;
    if (!lines.empty()) co_await request.progress.send(std::move(reply));
    query.after = std::max(newest, lines.empty() ? 0 : lines.back().number);
    query.limit = 1000;
    while (memory.newest() == query.after) co_await sleep_for(request.clock, kLook);
  }
}

}  // namespace syncd::control
