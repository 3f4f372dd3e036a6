// The command line of syncctl.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace syncd::ctl {

enum class Verb {
  Status,
  Top,
  Run,
  Cancel,
  Pause,
  Resume,
  Check,
  ShowCheckpoint,
  SetCheckpoint,
  RewindCheckpoint,
  ExportCheckpoint,
  ImportCheckpoint,
  UndoCheckpoint,
  Explain,
  DryRun,
  Follow,
  Logs,
  Next,
  History,
  ListDeadLetters,
  ClearDeadLetters,
  LlmUsage,
  LlmAmbiguous,
  LlmResolve,
  LlmFollow,
  Metrics,
  Reload,
  Shutdown,
  Version,
};

struct Arguments {
  std::string socket;
  bool json = false;
  Verb verb = Verb::Status;
  std::string job;  // "" for all, where the verb allows it
  bool files = false;
  bool wait = false;
  std::string reason;
  bool online = false;
  std::string partition;
  std::string text;
  std::string file;
  std::string from;
  std::string to;
  std::optional<std::uint32_t> limit;
  bool failed = false;
  std::string since;
  bool dry_run = false;
  bool follow = false;
  std::string level;
  bool yes = false;
  std::optional<std::uint64_t> id;
  bool not_paid = false;
};

// Nullopt: `exit_code` says how to end; help or a message was printed.
std::optional<Arguments> parse_arguments(int argc, const char* const* argv, int& exit_code);

}  // namespace syncd::ctl
