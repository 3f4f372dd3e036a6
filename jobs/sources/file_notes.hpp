// What a source that reads files says about each of them, for `syncctl status JOB --files`.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/coro/task.hpp"

namespace syncd::jobs {

struct FileNote {
  std::string file;                        // the path under which it was first seen
  std::string now;                         // the path that it has now; "": none that the job looks at
  std::string identity;                    // DEVICE:INODE:BIRTH, in hexadecimal
  std::uint64_t offset = 0;                // delivered up to here, of the decompressed bytes
  std::uint64_t size = 0;                  // as it lies there
  std::optional<std::uint64_t> lag_bytes;  // not known of what is compressed
  std::optional<std::chrono::nanoseconds> lag_time;  // how long there has been more than was read
  std::string state;            // "at its end", "deleted, 12 MB still to read", "skipped: a copy of PATH"
  std::uint64_t truncated = 0;  // lines that were longer than max_line, by what became of them
  std::uint64_t split = 0;
  std::uint64_t skipped = 0;
};

// A source that reads files is one of these as well.
class FileSource {
 public:
  virtual ~FileSource() = default;
  // Sorted by `file`.  What the run under way knows, or the latest one.
  virtual coro::Task<std::vector<FileNote>> files() = 0;
};

}  // namespace syncd::jobs
