// Operations: what the control socket can ask of the daemon.  Implemented by the app; the control room
// knows nothing else of it.  Every member is called on the loop's thread and must not block it.
//
// Errors: NoSuchJob, Busy, InvalidConfiguration, or syncd::Error with a text for the operator.  Anything else
// that is thrown reaches the client as "internal error", and the log.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/control/money.hpp"
#include "daemon/control/timeline.hpp"
#include "daemon/coro/task.hpp"
#include "daemon/status/changes.hpp"
#include "daemon/status/job_status.hpp"
#include "daemon/status/relay.hpp"

namespace syncd::control {

// No job has this name.
class NoSuchJob : public std::runtime_error {
 public:
  explicit NoSuchJob(const std::string& name) : std::runtime_error("no job '" + name + "'"), name_(name) {}
  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

// Not now: the job runs already, is paused, or does not run where it should.  The text says which.
class Busy : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// How a run ended.
struct RunResult {
  std::string outcome;  // succeeded failed cancelled interrupted
  std::string error;    // "" where it succeeded
  WallTime started;
  WallTime ended;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint32_t attempts = 0;
};

// What `check` found.
struct CheckFinding {
  enum class Level { Error, Warning, Note };
  Level level = Level::Note;
  std::string place;   // "/etc/syncd/jobs.d/users.toml:7:1", "job users, source"
  std::string text;    // what is wrong
  std::string remedy;  // what to do; may be ""
};

// The configuration on disk cannot be used; nothing was changed.
class InvalidConfiguration : public std::runtime_error {
 public:
  explicit InvalidConfiguration(std::vector<CheckFinding> findings)
      : std::runtime_error("the configuration is invalid"), findings_(std::move(findings)) {}
  const std::vector<CheckFinding>& findings() const noexcept { return findings_; }

 private:
  std::vector<CheckFinding> findings_;
};

struct CheckpointPosition {
  std::string partition;  // "" where the source has only one
  std::string text;       // the exact token, as `checkpoint set` takes it
  std::string words;      // for people
};

// As it was before an operator changed it.
struct PreviousCheckpoint {
  WallTime time;       // of the change
  std::string change;  // set rewind import undo
  std::vector<CheckpointPosition> positions;
};

struct Checkpoint {
  bool sink_holds = false;                // the sink's positions count; the local ones are a copy
  std::string sink_error;                 // why the sink could not be asked; "" where it could
  std::vector<CheckpointPosition> sink;   // empty where the sink holds none
  std::vector<CheckpointPosition> local;  // the copy in the state database
  std::optional<PreviousCheckpoint> previous;
};

// A checkpoint that can be taken elsewhere.
struct ExportedCheckpoint {
  std::string job;
  std::map<std::string, std::string> source;  // what tells it from others: "type", "table", ...
  WallTime taken;
  std::vector<CheckpointPosition> positions;
};

// What a job would do from here on.
struct DryRun {
  struct Bad {
    std::string record;  // JSON object
    std::string error;
  };
  // What a model would be asked.
  struct Question {
    std::string model;
    std::string unit;       // a digest
    bool answered = false;  // it was before: it costs nothing
    ModelUse use;           // an estimate, of the most that it can be
  };
  std::vector<std::string> from;  // where it would go on, in words
  std::uint64_t read = 0;         // rows of the source
  std::uint64_t rows = 0;         // that reached the sink
  std::vector<std::string> writes;
  std::vector<Bad> bad;
  std::vector<Question> questions;
  std::vector<std::string> notes;
};

// A file of a source that reads files.
struct FileState {
  std::string file;          // the path under which it was first seen
  std::string now;           // the path that it has now; "" for none
  std::string identity;      // device:inode:birth
  std::uint64_t offset = 0;  // delivered up to here, of the decompressed bytes
  std::uint64_t size = 0;
  std::optional<std::uint64_t> lag_bytes;
  std::optional<std::chrono::microseconds> lag;
  std::string state;            // "at its end", "deleted, 12,000 bytes still to read", "skipped: ..."
  std::uint64_t truncated = 0;  // lines above max_line, by what became of them
  std::uint64_t split = 0;
  std::uint64_t skipped = 0;
};

struct DeadLetter {
  std::int64_t id = 0;
  WallTime time;
  std::string record;  // JSON object
  std::string error;
};

struct DeadLetters {
  std::uint64_t total = 0;  // kept in all; `letters` may be fewer
  std::vector<DeadLetter> letters;
};

class Operations {
 public:
  virtual ~Operations() = default;

  // Sorted.
  virtual std::vector<std::string> job_names() const = 0;
  // The status now.  Throws NoSuchJob.
  virtual status::JobStatus status(const std::string& job) = 0;
  // Where changes are announced; outlives the control server.
  virtual status::Changes& changes() = 0;

  // Starts a run now, outside the schedule.  Throws NoSuchJob, Busy (runs already, paused).  With a `range`:
  // over that part of the source, also of a paused job, without moving its checkpoint; a Config error where
  // that cannot be.
  virtual void start(const std::string& job, const RunRange& range) = 0;
  // start(), then waits for the end of that run.  A stop of the awaiter ends the waiting, not the run.
  virtual coro::Task<RunResult> run(std::string job, RunRange range) = 0;
  // Ends the run under way after its current commit.  Throws Busy where none is under way.
  virtual void cancel(const std::string& job) = 0;
  // No occurrence starts any more, and a run under way ends as by cancel().  Pausing a paused job replaces
  // the reason.
  virtual void pause(const std::string& job, const std::string& reason) = 0;
  // Harmless where the job is not paused.
  virtual void resume(const std::string& job) = 0;

  // The next `limit` occurrences of one job, or over all, and the jobs that have none.
  virtual Coming next(const std::optional<std::string>& job, std::uint64_t limit) = 0;
  // The newest `limit`, oldest of them first.
  virtual std::vector<HistoryEntry> history(const HistoryQuery& query) = 0;

  // Takes the configuration on disk, all of it or nothing: throws InvalidConfiguration.  Jobs that did not
  // change are not touched; runs under way end on their old configuration.  `dry_run`: only tells.
  virtual Difference reload(bool dry_run) = 0;

  // Reads the configuration files again; `online` also asks the connections and components.
  virtual coro::Task<std::vector<CheckFinding>> check(bool online) = 0;

  virtual coro::Task<Checkpoint> checkpoint(std::string job) = 0;
  // Sorted by `file`.  A Config error where the job reads no files.
  virtual coro::Task<std::vector<FileState>> files(std::string job) = 0;
  // Replaces the position of one partition by an exact token.  A run under way is ended for it and goes on
  // from there; nothing that it still does overwrites the new position.  Throws Busy where another call
  // changes the same checkpoint.
  virtual coro::Task<> set_checkpoint(std::string job, std::string partition, std::string text) = 0;
  // `to`: "start", or a value that the source understands (its error says what it takes).  As above.
  virtual coro::Task<> rewind_checkpoint(std::string job, std::string to) = 0;
  // Where the job stands, to be imported here or elsewhere.
  virtual coro::Task<ExportedCheckpoint> export_checkpoint(std::string job) = 0;
  // Replaces all positions; as above.  A Config error where it is of another source, or a position of it
  // cannot be read; nothing has changed then.
  virtual coro::Task<> import_checkpoint(std::string job, ExportedCheckpoint from) = 0;
  // Brings back what was before the last of these changes, and the last undo; as above.
  virtual coro::Task<> undo_checkpoint(std::string job) = 0;

  // With the real source and transforms, as the files on disk say, and writes nothing; ends after `rows`
  // rows, or some seconds.  Throws InvalidConfiguration.
  virtual coro::Task<DryRun> dry_run(std::string job, std::uint64_t rows) = 0;

  // Guarantees, and why the job is where it is; one line each.
  virtual coro::Task<std::vector<std::string>> explain(std::string job) = 0;

  // The newest `limit`, oldest of them first.
  virtual DeadLetters dead_letters(const std::string& job, std::uint64_t limit) = 0;
  // Returns how many there were.
  virtual std::uint64_t clear_dead_letters(const std::string& job) = 0;

  // Where answers of models are shown while they are written.
  virtual status::Relay& relay() = 0;
  // Requests to models.  Throw NoSuchJob.
  virtual std::vector<ModelSpending> llm_usage(const std::optional<std::string>& job, std::uint64_t days) = 0;
  virtual std::vector<AmbiguousRequest> llm_ambiguous(const std::optional<std::string>& job) = 0;
  // They may be asked again; `paid`: they go on counting in budgets.  Returns how many there were.
  virtual std::uint64_t llm_resolve(const AmbiguousChoice& choice, bool paid) = 0;

  // A page for Prometheus.
  virtual std::string metrics() = 0;
  // Why no work is taken; "" where it is.
  virtual std::string unready() = 0;

  // Begins an orderly end, as SIGTERM does; returns at once.
  virtual void shutdown() = 0;
};

}  // namespace syncd::control
