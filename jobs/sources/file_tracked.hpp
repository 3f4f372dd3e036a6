// Tracked: one file that a job reads, by whatever name: how far it was delivered, where it is now, and what
// is open of it.  Its slot, a small number, is its partition.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/coro/clock.hpp"
#include "jobs/sources/file_names.hpp"
#include "jobs/sources/file_position.hpp"
#include "jobs/sources/file_reader.hpp"

namespace syncd::jobs {

struct Tracked {
  // Where it begins when a job goes on without a position of it.
  enum class Origin {
    Beginning,
    End,   // of the job's first look
    Copy,  // behind what was read of another file: only together with the position of that one
  };

  Tracked(std::uint64_t slot_in, FilePosition at, Origin origin_in)
      : slot(slot_in),
        partition(std::to_string(slot_in)),
        name(std::make_shared<const std::string>(at.path)),
        log_name(jobs::log_name(at.path)),
        position(at),
        origin(origin_in),
        begins(std::move(at)) {}

  std::uint64_t slot;
  std::string partition;
  std::shared_ptr<const std::string> name;  // under which it was first seen
  LogName log_name;

  FilePosition position;    // what was delivered
  std::vector<Mark> marks;  // on the way there, fewer the further back
  Origin origin;
  FilePosition begins;
  std::string said;                                          // the latest position that was given away
  std::string committed;                                     // the latest one that is durable
  std::optional<std::pair<std::uint64_t, Content>> copy_of;  // a file's slot, and what was read of that

  std::string path;  // "": no name that the globs match
  FileFacts facts;   // at the latest look
  std::uint64_t round = 0;
  std::optional<TimePoint> missing_since;

  FileHandle file;                     // too short yet to know what it is
  std::unique_ptr<FileReader> reader;  // else
  bool proven = false;                 // what was delivered stands in it
  FileFacts read;                      // as it was when it was read to its end
  bool at_end = false;
  bool queued = false;
  bool finishing = false;  // no more will come: a line without its end is a line too
  bool compressed = false;
  TimePoint active;                       // when it brought something last
  std::optional<TimePoint> behind_since;  // when it was seen to have more than was read
  std::string trouble;                    // why it cannot be read
  FileCounts counts;                      // of readers that were closed

  bool open() const noexcept { return reader || file; }
  const FileHandle& handle() const noexcept { return reader ? reader->file() : file; }
  bool missing() const noexcept { return missing_since.has_value(); }
  // Everything that was given away is durable.
  bool settled() const noexcept { return said == committed; }

  void close();
  FileCounts all_counts() const;
  // Remembers where position.content ends now.
  void add_mark();
  // What was read, with the marks on the way.
  Content with_marks(std::size_t most) const;
};

}  // namespace syncd::jobs
