// Going back to a line of a file, as an operator asks for it.
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/position.hpp"
#include "jobs/sources/file_options.hpp"

namespace syncd::jobs {

struct LineOfFile {
  std::string path;
  std::uint64_t number = 1;  // from 1 on
};

// Of "PATH:LINE" with an absolute path; nullopt: it is none.
std::optional<LineOfFile> line_of_file(std::string_view where);

// The position, in the file's own partition, from which that line is the next one.  Throws a Config error
// where `held` knows no such file, or it has not so many lines.  Blocks; `interrupted` ends it with
// Cancelled.
Position position_before(const LineOfFile& line, const Positions& held, const FilesOptions& options,
                         const std::atomic<bool>& interrupted);

}  // namespace syncd::jobs
