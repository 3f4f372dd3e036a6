// What an operator can know about a job at one instant.  Plain data, filled by the app and read by the
// control socket; a text in it may come from outside (servers, rows) and is escaped where it is shown.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/time.hpp"

namespace syncd::status {

enum class JobState {
  Idle,     // between runs
  Running,  // a run is under way and moves
  Waiting,  // a run is under way, between two attempts (back-off) or held up; see waiting_for
  Paused,   // no occurrence starts until `resume`
  Failed,   // the last run failed for good; the next occurrence tries again
  Fenced,   // another daemon owns this job's sink
};

// The words of the control protocol: "idle", "running", ...
std::string_view to_string(JobState state) noexcept;
// Nullopt where the word is not known.
std::optional<JobState> parse_job_state(std::string_view word) noexcept;

// A run that has ended.
struct LastRun {
  WallTime planned;
  WallTime started;
  std::optional<WallTime> ended;  // none: cut off by the end of the daemon
  std::string outcome;            // succeeded failed cancelled interrupted
  std::string error;              // "" where it did not fail
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint32_t attempts = 0;

  friend bool operator==(const LastRun&, const LastRun&) = default;
};

// The run under way.
struct CurrentRun {
  WallTime started;
  std::uint64_t rows = 0;
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;
  std::uint64_t rows_per_second = 0;  // over the last seconds
  std::uint32_t attempts = 0;         // 1: the first
  bool caught_up = false;             // the source has nothing more for now

  friend bool operator==(const CurrentRun&, const CurrentRun&) = default;
};

struct PartitionPosition {
  std::string partition;  // "" where the source has only one
  std::string text;       // in words, for people

  friend bool operator==(const PartitionPosition&, const PartitionPosition&) = default;
};

struct JobStatus {
  std::string name;
  std::string description;
  JobState state = JobState::Idle;
  std::string schedule;  // as the operator wrote it
  std::optional<WallTime> next_run;
  std::optional<LastRun> last_run;
  std::optional<CurrentRun> run;  // present while a run is under way
  std::vector<PartitionPosition> position;
  std::optional<std::chrono::microseconds> lag;  // how far the sink is behind, where the source knows
  std::optional<std::uint64_t> lag_rows;
  std::string waiting_for;  // "fence held 3 h 12 min by pid 4711 app=report"; "" when it waits for nothing
  std::string note;         // "open to late commits for 3 h 12 min: pid 4711": nothing waits for it
  std::string last_error;   // of the latest failed attempt; "" once it moved again
  std::optional<WallTime> last_error_at;
  std::string pause_reason;
  std::optional<WallTime> paused_since;
  std::string source;  // type names: "postgres_table", "redis_hash"
  std::vector<std::string> transforms;
  std::string sink;
  std::uint64_t dead_letters = 0;
  std::vector<std::string> guarantees;  // the lines that explain prints

  friend bool operator==(const JobStatus&, const JobStatus&) = default;
};

}  // namespace syncd::status
