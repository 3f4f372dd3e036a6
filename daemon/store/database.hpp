// The SQLite state database of one state directory: who this daemon is, positions, runs, pauses and dead
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

struct sqlite3;
struct sqlite3_stmt;

namespace syncd::store {

// How a run ended, in the words of the database and of --json.
struct RunRecord {
  std::int64_t id = 0;
  std::string job;
  WallTime planned;
  WallTime started;
  std::optional<WallTime> ended;  // none: still running, or interrupted by the end of the daemon
  std::string outcome;            // running succeeded failed cancelled interrupted
  std::string error;
  std::uint32_t attempts = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

struct DeadLetter {
  std::int64_t id = 0;
  std::string job;
  WallTime time;
  std::string record;  // JSON
  std::string error;
};

struct Pause {
  WallTime since;
  std::string reason;
};

class Database {
 public:
  // Opens or creates DIR/state.db (DIR is made, 0700) and takes DIR/lock; throws a Permanent error that
  // names the holder where another daemon has it.  A database that is corrupt is set aside as
  // state.db.corrupt-TIME and a new one begun; set_aside() then names it.
  explicit Database(const std::filesystem::path& directory);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Made once per state directory: a restarted daemon keeps it, another daemon has another.
  const std::string& instance() const noexcept { return instance_; }
  const std::optional<std::filesystem::path>& set_aside() const noexcept { return set_aside_; }

  // The local copy of a job's positions, by partition.
  std::map<std::string, std::string> positions(const std::string& job);
  void save_position(const std::string& job, const std::string& partition, const std::string& text,
                     WallTime time);
  void replace_positions(const std::string& job, const std::map<std::string, std::string>& positions,
                         WallTime time);

  // A run is recorded before it starts; keeps the last 1,000 runs of each job.
  std::int64_t begin_run(const std::string& job, WallTime planned, WallTime started);
  void end_run(const RunRecord& run);
  std::optional<RunRecord> last_run(const std::string& job);
  // Marks what an earlier process left running as interrupted; returns how many.
  int close_interrupted_runs(WallTime time);

  void pause(const std::string& job, const std::string& reason, WallTime since);
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
  class Statement;
  struct CloseDatabase {
    void operator()(sqlite3* handle) const;
  };
  struct CloseFile {
    int fd = -1;
    ~CloseFile();
  };
  void take_lock(const std::filesystem::path& file);
  void open(const std::filesystem::path& file);
  bool intact();
  void migrate();
  void execute(const char* sql);
  [[noreturn]] void fail(const std::string& doing) const;

  CloseFile lock_;
  std::unique_ptr<sqlite3, CloseDatabase> handle_;
  std::string instance_;
  std::optional<std::filesystem::path> set_aside_;
};

}  // namespace syncd::store
