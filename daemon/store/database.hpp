// The SQLite state database of one state directory: who this daemon is, positions, history, pauses and dead
// letters.  Synchronous and quick (tens of microseconds); loop thread only.  All errors are Transient
// (disk full, busy) or Permanent (not a database, newer schema).
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/schedule/history.hpp"
#include "daemon/store/sqlite.hpp"

namespace syncd::store {

using schedule::RunRecord;

// Which rows of the history.
struct HistoryFilter {
  std::optional<std::string> job = std::nullopt;
  bool failed_only = false;  // what did not run counts too
  std::optional<WallTime> since = std::nullopt;
  std::uint64_t limit = 100;
};

struct DeadLetter {
  std::int64_t id = 0;
  std::string job;
  WallTime time;
  std::string record;  // JSON
  std::string error;
};

// A checkpoint as it was before an operator changed it.
struct PreviousCheckpoint {
  WallTime time;                                 // of the change
  std::string change;                            // set rewind import undo
  std::map<std::string, std::string> positions;  // by partition; none: the job had not begun
};

struct Pause {
  WallTime since;
  std::string reason;
};

class Database final : public schedule::History {
 public:
  // Opens or creates DIR/state.db (DIR is made, 0700) and takes DIR/lock; throws a Permanent error that
  // names the holder where another daemon has it.  A database that is corrupt is set aside as
  // state.db.corrupt-TIME and a new one begun; set_aside() then names it.
  explicit Database(const std::filesystem::path& directory);
  ~Database() override;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Made once per state directory: a restarted daemon keeps it, another daemon has another.
  const std::string& instance() const noexcept { return instance_; }
  const std::filesystem::path& directory() const noexcept { return directory_; }
  const std::optional<std::filesystem::path>& set_aside() const noexcept { return set_aside_; }

  // The local copy of a job's positions, by partition.
  std::map<std::string, std::string> positions(const std::string& job);
  void save_position(const std::string& job, const std::string& partition, const std::string& text,
                     WallTime time);
  // All of them or none; others of the job stay as they are.
  void save_positions(const std::string& job, const std::map<std::string, std::string>& positions,
                      WallTime time);
  void replace_positions(const std::string& job, const std::map<std::string, std::string>& positions,
                         WallTime time);

  // One a job: what `checkpoint undo` brings back.  Durable on return, as it is nowhere else.
  void keep_previous(const std::string& job, const PreviousCheckpoint& previous);
  std::optional<PreviousCheckpoint> previous_checkpoint(const std::string& job);

  // The newest run that has ended.
  std::optional<RunRecord> last_run(const std::string& job);
  // Marks what an earlier process left running as interrupted; returns how many.
  int close_interrupted_runs(WallTime time);

  // --- schedule::History (history.cpp)
  std::optional<schedule::JobState> state(const std::string& job) override;
  void save(const std::string& job, const schedule::JobState& state) override;
  bool begin(RunRecord& run, const schedule::JobState& state) override;
  void go_on(const RunRecord& run) override;
  void end(const RunRecord& run, const schedule::JobState& state, bool fold) override;
  void not_run(const RunRecord& row, const schedule::JobState& state) override;
  std::optional<RunRecord> interrupted(const std::string& job) override;
  void pause(const std::string& job, const std::string& reason, WallTime since) override;

  // Newest first.
  std::vector<RunRecord> history(const HistoryFilter& filter);
  // Each job keeps its newest `runs` rows, and none older than `age` but the newest; 0: no limit.
  void keep_history(std::uint64_t runs, std::chrono::nanoseconds age, WallTime now);

  void resume(const std::string& job);
  std::optional<Pause> paused(const std::string& job);

  // Durable on return (fsync): what it holds is nowhere else.
  void add_dead_letter(const std::string& job, const std::string& record, const std::string& error,
                       WallTime time);
  // The newest `limit`, oldest of them first.
  std::vector<DeadLetter> dead_letters(const std::string& job, std::uint64_t limit);
  std::uint64_t count_dead_letters(const std::string& job);
  void clear_dead_letters(const std::string& job);

 private:
  struct CloseFile {
    int fd = -1;
    ~CloseFile();
  };
  void take_lock(const std::filesystem::path& file);
  void migrate();
  static RunRecord read_run(const sqlite::Statement& row);
  void save_positions(const RunRecord& run);
  void read_positions(RunRecord& run);
  void join_with_previous(const RunRecord& run);
  void trim(const std::string& job, WallTime now);

  CloseFile lock_;
  sqlite::Handle handle_;
  const std::filesystem::path directory_;
  std::string instance_;
  std::optional<std::filesystem::path> set_aside_;
  std::uint64_t keep_runs_ = 1000;
  WallTime::duration keep_age_{0};
  std::map<std::string, std::uint32_t> rows_since_trim_;  // by job
};

}  // namespace syncd::store
