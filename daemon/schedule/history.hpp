// What the scheduler tells the store, and what it asks after a restart: every occurrence becomes a row before
// it starts, and every one that does not start becomes a row with the reason.  Implemented by the store.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/time.hpp"

namespace syncd::schedule {

// Why an occurrence is there.
enum class Cause {
  Schedule,  // its time came
  CatchUp,   // its time came while the daemon could not notice
  Asked,     // an operator wanted it now
  Range,     // an operator wanted a part of the source again; not resumed after an interruption
};
std::string_view to_string(Cause cause) noexcept;  // schedule catch_up asked range
Cause cause_of(std::string_view text) noexcept;

// One row of the history: a run, or occurrences in a row that did not run for the same reason.
struct RunRecord {
  std::int64_t id = 0;  // ascending; 0: could not be recorded
  std::string job;
  Cause cause = Cause::Schedule;
  WallTime planned{};             // the occurrence, without the jitter
  std::optional<WallTime> until;  // the last one, where the row stands for several
  std::uint64_t occurrences = 1;  // for how many the row stands
  WallTime started{};             // when it began, or when it was decided that it would not
  std::optional<WallTime> ended;  // none: still running
  // running succeeded failed cancelled; interrupted: goes on as the same occurrence when the daemon is back;
  // skipped (a policy) and missed (nobody was there) did not run.
  std::string outcome = "running";
  std::string error;          // why it failed, was cancelled or did not run
  std::uint32_t resumed = 0;  // how often it went on after an interruption
  std::uint32_t attempts = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  // The positions that the run has moved, by partition; "" = none before.
  std::map<std::string, std::string> before;
  std::map<std::string, std::string> after;

  bool ran() const { return outcome != "skipped" && outcome != "missed"; }
};

// What outlives the process, and the history that is trimmed.
struct JobState {
  std::string schedule;           // as it was written, and its zone: what `decided` is about
  WallTime decided{};             // every occurrence up to here has run or has its row
  std::optional<WallTime> ended;  // the last run
  std::optional<bool> succeeded;  // the last occurrence that was decided; none: never ran
  std::string why_not;            // it did not succeed
  std::uint32_t failures = 0;     // failed runs in a row
};

// How a run ended, in what is known of the job.
void note_end(JobState& state, const RunRecord& run);

// Errors: Transient where the disk is full or busy.
class History {
 public:
  virtual ~History() = default;

  virtual std::optional<JobState> state(const std::string& job) = 0;
  virtual void save(const std::string& job, const JobState& state) = 0;

  // Durable against kill -9 on return; sets the id.  False: this occurrence has been started before.
  virtual bool begin(RunRecord& run, const JobState& state) = 0;
  // An interrupted run goes on: the same row.
  virtual void go_on(const RunRecord& run) = 0;
  // `fold`: joins the row before it if that failed in the same way (a continuous job must not flood).
  virtual void end(const RunRecord& run, const JobState& state, bool fold) = 0;
  // Joins the job's newest row if that has the same cause, did not run for the same reason, and is about
  // earlier occurrences (the clock may have been set back).
  virtual void not_run(const RunRecord& row, const JobState& state) = 0;
  // The newest run of `job`, if the end of a daemon interrupted it.
  virtual std::optional<RunRecord> interrupted(const std::string& job) = 0;

  virtual void pause(const std::string& job, const std::string& reason, WallTime since) = 0;
};

}  // namespace syncd::schedule
