// FilePosition: how far a file was read, and how to know it again under whatever name.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/sources/file_handle.hpp"
#include "jobs/sources/file_print.hpp"

namespace syncd::jobs {

// Content that was read up to some places: of the file as it is, or as it was before it was truncated.
struct Content {
  HeadPrint head;
  std::vector<Mark> marks;  // in the order of their offsets; the last one is how far it was read
  bool operator==(const Content&) const = default;

  std::uint64_t offset() const noexcept { return marks.empty() ? 0 : marks.back().offset; }
};

struct FilePosition {
  std::string path;  // the name under which it was first seen
  FileKey key;
  Content content;                   // one mark only
  std::vector<Content> earlier;      // before it was truncated, latest last: a copy of that may turn up
  std::optional<std::int64_t> gone;  // seconds since the epoch when it was missed first
  bool operator==(const FilePosition&) const = default;

  std::uint64_t offset() const noexcept { return content.offset(); }
};

// Where the first look of a job begins, and that it has taken place.
enum class Begin { Beginning, End, Looked };

// The partition that holds a Begin; it sorts behind those of all files, so that a sink that saves positions
// in order says "looked" last.
inline constexpr std::string_view kBeginPartition = "~";

std::string encode(const FilePosition& position);
std::string encode(Begin begin);

// Throw a Permanent error where the text is none.
FilePosition decode_file_position(std::string_view text);
Begin decode_begin(std::string_view text);

}  // namespace syncd::jobs
