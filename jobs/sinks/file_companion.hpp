// FileCompanion: PATH.syncd, the memory of a written file: who writes it, and which positions its first N
// bytes have reached.  Records are appended, one a line, each with a checksum; the last one that is whole and
// whose N the file has counts, so that the file and its position agree whatever was lost (docs/adr/0007).
// Blocks.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/coro/clock.hpp"
#include "jobs/position.hpp"
#include "jobs/sinks/disk_file.hpp"

namespace syncd::jobs {

// What is known about the file that is being written.
struct FileState {
  std::string file;          // its identity; "" where none was begun yet
  std::uint64_t length = 0;  // of it that counts
  std::int64_t begun = 0;    // seconds since the epoch
  Positions positions;
};
// Of the file `data_path`.
inline std::string companion_path(const std::string& data_path) { return data_path + ".syncd"; }

class FileCompanion {
 public:
  // Of the file `path`, for this job and the identity of this state directory.
  FileCompanion(std::string path, std::string job, std::string instance);

  // What stands there, without taking over.
  FileState recall() const;
  // Makes this run the only one that may write.  Throws a Fenced error while another daemon lives that
  // writes the file, a Permanent one where it is another job's.
  FileState take_over();
  // Precondition for the following: take_over().
  // Throws a Fenced error where another run has taken over.
  void require_ours() const;
  // From here on rows go to this file, which is empty.
  void begin_file(const std::string& identity, std::int64_t now);
  // Its first `length` bytes reach this position.
  void reach(std::uint64_t length, const Position& position);
  // What begin_file() and reach() said since the last flush, at once.
  void flush();
  void sync() { file_.sync(); }
  // Replaces everything that stands there.
  void rewrite(const FileState& state);
  // Many records have become obsolete.
  bool worth_rewriting() const noexcept { return size_ > kMost && size_ > 4 * rewritten_; }

 private:
  static constexpr std::uint64_t kMost = 1024 * 1024;

  struct Content {
    std::string job;
    std::string epoch;
    std::string owner;
    FileState state;
  };
  Content read(const std::string& text) const;
  void lock(const DiskFile& file);

  std::string data_path_;
  std::string path_;
  std::string job_;
  std::string instance_;
  std::string epoch_;
  DiskFile file_;
  std::uint64_t size_ = 0;       // of the companion, as this run left it
  std::uint64_t rewritten_ = 0;  // its size after the last rewrite
  std::string pending_;
};

}  // namespace syncd::jobs
