// FileOutput: rows into a file, so that the file and its companion agree after any end of the process: rows
// first, then their position; what is beyond the last position is cut off by the next run.  Blocks.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/duration.hpp"
#include "jobs/sinks/file_companion.hpp"
#include "jobs/sinks/row_lines.hpp"

namespace syncd::jobs {

struct OutputOptions {
  std::string path;
  std::optional<config::Bytes> rotate_bytes;
  std::optional<std::chrono::nanoseconds> rotate_every;
  std::string rotated;  // a name with {time}, in the folder of the file
  std::chrono::nanoseconds fsync_every{0};
};

class FileOutput {
 public:
  FileOutput(OutputOptions options, RowLines lines, const std::string& job, const std::string& instance);

  // The time of what comes next; a clock belongs to the loop.
  void tell_time(TimePoint now, WallTime wall) noexcept { now_ = now, wall_ = wall; }

  Positions open();
  // Precondition for the following: open().
  // Whether write() of this would be short: a little for a file that is there as it was left, and nothing for
  // which the disk is waited.  A change of thread would take longer.
  bool write_is_short(const Batch& batch) const;
  void write(const Batch& batch);
  // Whether there are positions that no rows came with.
  bool unsaved() const noexcept { return !unsaved_.empty(); }
  // What only positions say catches up, and with a beat what goes by time: age, and the disk where it is due
  // or no rows have come since the beat before.
  void settle(Settle why);
  Positions recall() const { return companion_.recall().positions; }
  void assign(const Positions& positions);
  // What was odd since the last call.
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  void adopt(DiskFile file);
  void look_again();
  void require_file();
  bool rotation_is_due() const;
  void rotate_if_due();
  void rotate();
  std::string free_name() const;
  void append_rows(const Batch& batch);
  void begin_sync();
  bool sync_is_due() const;
  void sync_if_due(bool now);
  std::int64_t wall_seconds() const;

  OutputOptions options_;
  RowLines lines_;
  FileCompanion companion_;
  DiskFile file_;      // none before the first row
  FileState state_;    // as the companion has it
  Positions unsaved_;  // of batches without rows
  std::string buffer_;
  TimePoint now_{};
  WallTime wall_{};
  TimePoint synced_{};
  std::uint64_t sync_begun_ = 0;  // the disk was told to write what is before
  bool dirty_ = false;            // something is not on the disk
  bool at_rest_ = false;          // no rows have come since the last beat
  std::vector<std::string> warnings_;
};

}  // namespace syncd::jobs
