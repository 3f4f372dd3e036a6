#include "jobs/sources/file_rewind.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "jobs/sources/file_reader.hpp"

namespace syncd::jobs {
namespace {

// The partition and the position of the file that is this one, whatever it was called.
std::optional<std::pair<std::string, FilePosition>> held_of(const Positions& held, const FileKey& key) {
  for (const auto& [partition, text] : held.all()) {
    if (partition == kBeginPartition || text.empty()) continue;
    FilePosition position = decode_file_position(text);
    if (position.key == key) return std::pair(partition, std::move(position));
  }
  return std::nullopt;
}

Error cannot(const std::string& what) { return Error(ErrorKind::Config, what); }

}  // namespace

std::optional<LineOfFile> line_of_file(std::string_view where) {
  const std::size_t colon = where.rfind(':');
  if (!where.starts_with('/') || colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = where.substr(colon + 1);
  LineOfFile line{std::string(where.substr(0, colon))};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), line.number);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && line.number > 0 ? std::optional(std::move(line)) : std::nullopt;
}

Position position_before(const LineOfFile& line, const Positions& held, const FilesOptions& options,
                         const std::atomic<bool>& interrupted) {
  FileHandle file = open_regular(line.path, options.follow_symlinks);
  const auto facts = file ? look_at(file) : std::nullopt;
  if (!facts) throw cannot(fmt::format("opening {}: {}", line.path, std::strerror(errno)));
  auto found = held_of(held, facts->key);
  if (!found) {
    throw cannot(fmt::format("{} has not been read by this job; `syncctl status JOB --files` lists what was",
                             line.path));
  }
  const Multiline none;
  const auto reader = FileReader::open(file, {&options, &none, &interrupted}, /*all=*/true);
  const auto content = reader->before_line(line.number);
  if (!content) throw cannot(fmt::format("{} has no line {}", line.path, human_count(line.number)));
  FilePosition position = std::move(found->second);
  position.content = *content;
  position.gone.reset();
  return Position(std::move(found->first), encode(position));
}

}  // namespace syncd::jobs
