// The options of the source `files`, and what they come to.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "jobs/component.hpp"
#include "jobs/sources/file_bytes.hpp"
#include "jobs/sources/file_encoding.hpp"
#include "jobs/sources/file_lines.hpp"
#include "jobs/sources/file_records.hpp"

namespace syncd::jobs {

enum class FileMode { Read, Follow };
constexpr auto enum_names(FileMode) {
  return std::array{config::EnumName("read", FileMode::Read), config::EnumName("follow", FileMode::Follow)};
}
enum class StartAt { Beginning, End, Checkpoint };
constexpr auto enum_names(StartAt) {
  return std::array{config::EnumName("beginning", StartAt::Beginning), config::EnumName("end", StartAt::End),
                    config::EnumName("checkpoint", StartAt::Checkpoint)};
}

struct MultilineOptions {
  std::optional<std::string> starts;
  std::optional<std::string> continues;
  std::optional<std::string> ends;
  std::optional<std::string> joins;
  std::chrono::nanoseconds timeout = std::chrono::seconds(1);
};

// What a column of the source holds.
enum class FileColumn { Line, File, Offset, Flags };

struct FilesOptions {
  std::vector<std::string> paths;
  std::vector<std::string> exclude;
  std::optional<FileMode> mode;
  StartAt start_at = StartAt::Beginning;
  std::vector<std::string> columns{"line"};
  std::optional<std::string> delimiter;
  Encoding encoding = Encoding::Auto;
  bool trim = false;
  bool keep_blank = false;
  config::Bytes max_line = config::Bytes::mib(1);
  LongLine on_long_line = LongLine::Truncate;
  std::optional<std::chrono::nanoseconds> partial_line_timeout;
  std::optional<MultilineOptions> multiline;
  Compression compression = Compression::Auto;
  bool follow_symlinks = false;
  std::uint32_t max_open_files = 512;
  config::Bytes chunk_bytes = config::Bytes::kib(64);
  std::uint32_t batch_rows = 5000;
  std::chrono::nanoseconds poll = std::chrono::seconds(1);
  std::chrono::nanoseconds forget_after = std::chrono::hours(24);

  // What they come to, set by read_files_options().
  bool follow = false;               // mode
  std::string state_dir;             // never read
  std::vector<FileColumn> contents;  // of each column
  std::shared_ptr<const Schema> schema;
};

const config::Fields<FilesOptions>& files_fields();
// Findings go to the table; relative paths begin at the folder of its file.
FilesOptions read_files_options(const config::Table& table, const PlanContext& context);
// Precondition: read_files_options() found the patterns good.
Multiline compile(const std::optional<MultilineOptions>& options);

}  // namespace syncd::jobs
