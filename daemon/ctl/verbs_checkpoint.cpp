#include "daemon/ctl/verbs_checkpoint.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "daemon/base/escape.hpp"
#include "daemon/ctl/members.hpp"
#include "daemon/ctl/session.hpp"

namespace syncd::ctl {
namespace {

constexpr std::size_t kMostBytes = control::kMaxCall - 4096;  // with the call around it

std::string read_all(const std::string& file) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) throw Failure(kNoInput, fmt::format("{}: {}", escaped(file), std::strerror(errno)));
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::string text;
  std::vector<char> piece(64 * 1024);
  while (text.size() <= kMostBytes && in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  return text;
}

// What the daemon will say of it is said by the daemon; that it is JSON at all is known here.
Json exported_in(const std::string& file) {
  const std::string text = read_all(file);
  if (text.size() > kMostBytes) {
    throw Failure(kFailed, fmt::format("{}: more than {} bytes: no exported checkpoint is that long",
                                       escaped(file), kMostBytes));
  }
  Json exported = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!exported.is_object()) {
    throw Failure(kFailed, fmt::format("{}: no JSON object; `syncctl checkpoint export {}` makes one",
                                       escaped(file), "JOB"));
  }
  return exported;
}

class Checkpoints final : private Session {
 public:
  using Session::Session;

  ExitCode show();
  ExitCode export_it();
  ExitCode set();
  ExitCode rewind();
  ExitCode import_it();
  ExitCode undo();

 private:
  void confirm(const std::string& what);
};

// Nothing is asked about a job that does not exist.
void Checkpoints::confirm(const std::string& what) {
  const status::JobStatus now = look();
  if (arguments_.yes) return;
  console_.confirm(fmt::format("{} is {}{}. {}", escaped(arguments_.job), status::to_string(now.state),
                               now.position.empty() ? "" : ", " + escaped(now.position.front().text), what));
}

ExitCode Checkpoints::show() {
  const Json reply = client_.call("ShowCheckpoint", job());
  if (arguments_.json) {
    console_.print(reply);
  } else {
    console_.print(checkpoint(reply, console_.look()));
  }
  return kDone;
}

ExitCode Checkpoints::export_it() {
  const Json reply = client_.call("ExportCheckpoint", job(), kLong);
  const Json& exported = object_of(reply, "checkpoint");
  if (arguments_.json) {
    console_.print(exported);
  } else {
    console_.print(exported.dump(2, ' ', true, Json::error_handler_t::replace) + "\n");
  }
  return kDone;
}

ExitCode Checkpoints::set() {
  confirm("Put another position in the place of its checkpoint? A run under way is stopped for it.");
  Json parameters = job();
  parameters["text"] = arguments_.text;
  if (!arguments_.partition.empty()) parameters["partition"] = arguments_.partition;
  client_.call("SetCheckpoint", std::move(parameters), kLong);
  return done(escaped(arguments_.job) + ": the checkpoint is set");
}

ExitCode Checkpoints::rewind() {
  confirm(
      fmt::format("Set its checkpoint to {}? Rows are delivered again; a run under way is stopped for it.",
                  escaped(arguments_.to)));
  Json parameters = job();
  parameters["to"] = arguments_.to;
  client_.call("RewindCheckpoint", std::move(parameters), kLong);
  return done(
      fmt::format("{}: the checkpoint is back at {}", escaped(arguments_.job), escaped(arguments_.to)));
}

ExitCode Checkpoints::import_it() {
  Json exported = exported_in(arguments_.file);
  const auto taken = time_of(exported, "taken_us");
  const std::string what =
      fmt::format("that of {}{}, {}", text_of(exported, "job"),
                  taken ? ", exported " + relative(*taken, console_.look().now) : std::string(),
                  counted(list_of(exported, "positions").size(), "position"));
  confirm(fmt::format("Replace its checkpoint by {}? A run under way is stopped for it.", what));
  Json parameters = job();
  parameters["checkpoint"] = std::move(exported);
  client_.call("ImportCheckpoint", std::move(parameters), kLong);
  return done(fmt::format("{}: the checkpoint is {}", escaped(arguments_.job), what));
}

ExitCode Checkpoints::undo() {
  const Json before = client_.call("ShowCheckpoint", job(), kLong);
  const Json& previous = object_of(before, "previous");
  const auto time = time_of(previous, "time_us");
  const std::string what =
      fmt::format("as it was before the {}{}", text_of(previous, "change"),
                  time ? " (" + relative(*time, console_.look().now) + ")" : std::string());
  // Where there is nothing to bring back, the daemon says so.
  if (time) confirm(fmt::format("Bring back its checkpoint {}? A run under way is stopped for it.", what));
  client_.call("UndoCheckpoint", job(), kLong);
  return done(fmt::format("{}: the checkpoint is {}", escaped(arguments_.job), what));
}

}  // namespace

bool is_checkpoint(Verb verb) noexcept {
  return verb == Verb::ShowCheckpoint || verb == Verb::ExportCheckpoint || verb == Verb::SetCheckpoint ||
         verb == Verb::RewindCheckpoint || verb == Verb::ImportCheckpoint || verb == Verb::UndoCheckpoint;
}

ExitCode perform_checkpoint(const Arguments& arguments, Console& console) {
  Checkpoints session(arguments, console);
  switch (arguments.verb) {
    case Verb::ExportCheckpoint:
      return session.export_it();
    case Verb::SetCheckpoint:
      return session.set();
    case Verb::RewindCheckpoint:
      return session.rewind();
    case Verb::ImportCheckpoint:
      return session.import_it();
    case Verb::UndoCheckpoint:
      return session.undo();
    default:
      return session.show();
  }
}

}  // namespace syncd::ctl
