// One handler per method, in a table that says what class of verb it is.
#pragma once
#include <array>
#include <span>

#include "daemon/control/call_parameters.hpp"
#include "daemon/control/commands.hpp"

namespace syncd::control {

enum class Verb { Read, Operate };

// What a handler works with; outlives it.
struct Request {
  Clock& clock;
  Operations& operations;
  const Json& parameters;
  bool more;
  Progress& progress;
};

// The client did not ask for the stream that this method is.
class ExpectedMore : public std::runtime_error {
 public:
  ExpectedMore() : std::runtime_error("this method streams: set \"more\"") {}
};

struct Method {
  std::string_view name;
  Verb verb;
  coro::Task<Json> (*handle)(Request& request);
};

// handlers_timeline.cpp: what runs when, and by which configuration.
coro::Task<Json> next(Request& request);
coro::Task<Json> history(Request& request);
coro::Task<Json> reload(Request& request);

// handlers_checkpoint.cpp: where a job goes on, and how that is changed.
coro::Task<Json> show_checkpoint(Request& request);
coro::Task<Json> export_checkpoint(Request& request);
coro::Task<Json> set_checkpoint(Request& request);
coro::Task<Json> rewind_checkpoint(Request& request);
coro::Task<Json> import_checkpoint(Request& request);
coro::Task<Json> undo_checkpoint(Request& request);

// handlers_files.cpp: what a source knows about its files.
coro::Task<Json> list_files(Request& request);

// handlers_llm.cpp: what models cost.
coro::Task<Json> llm_usage(Request& request);
coro::Task<Json> llm_ambiguous(Request& request);
coro::Task<Json> llm_resolve(Request& request);

// handlers_live.cpp: what a job would do, does, and has said.
coro::Task<Json> dry_run(Request& request);
coro::Task<Json> follow(Request& request);
coro::Task<Json> logs(Request& request);

void put(Json& json, const ModelUse& use);  // its members

Json findings_json(const std::vector<CheckFinding>& findings);

// io.syncd.Manager; sorted as in its description.
std::span<const Method> methods();

}  // namespace syncd::control
