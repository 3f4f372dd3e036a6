// FileEngine: what it knows about each file, in words.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/time.hpp"
#include "jobs/sources/file_engine.hpp"

namespace syncd::jobs {
namespace {

std::string identity(const FileKey& key) {
  return fmt::format("{:x}:{:x}:{:x}", key.device, key.inode, key.birth);
}

std::optional<std::uint64_t> unread(const Tracked& file) {
  if (file.compressed) return file.at_end ? std::make_optional<std::uint64_t>(0) : std::nullopt;
  const std::uint64_t offset = file.position.offset();
  return file.facts.size > offset ? file.facts.size - offset : 0;
}

std::string bytes(std::uint64_t count) { return human_count(count) + (count == 1 ? " byte" : " bytes"); }

std::string still_to_read(const Tracked& file) {
  if (file.at_end) return "read to its end";
  const auto left = unread(file);
  return left ? bytes(*left) + " still to read" : "not read to its end yet";
}

std::string state(const Tracked& file) {
  if (!file.trouble.empty()) return "cannot be read: " + file.trouble;
  if (file.missing() && file.open()) {
    return fmt::format("{}, {}", file.facts.links == 0 ? "deleted" : "renamed to where nobody looks",
                       still_to_read(file));
  }
  if (file.missing()) {
    const auto left = unread(file);
    if (left && *left != 0) return fmt::format("gone, {} were not read", bytes(*left));
    return "gone, read to its end";
  }
  if (!file.at_end) return file.proven ? "being read" : "waits for its turn";
  if (file.reader && file.reader->line_waits()) {
    return fmt::format("at its end; the last line is not complete: {}",
                       bytes(file.reader->read_to() - file.reader->offset()));
  }
  return "at its end";
}

}  // namespace

std::vector<FileNote> FileEngine::notes(TimePoint now) const {
  std::vector<FileNote> all;
  for (const auto& [slot, file] : files_) {
    FileNote note;
    note.file = *file->name;
    note.now = file->path;
    note.identity = identity(file->position.key);
    note.offset = file->position.offset();
    note.size = file->facts.size;
    note.lag_bytes = unread(*file);
    if (file->behind_since && !file->at_end) note.lag_time = now - *file->behind_since;
    note.state = state(*file);
    const FileCounts counts = file->all_counts();
    note.truncated = counts.truncated;
    note.split = counts.split;
    note.skipped = counts.skipped;
    all.push_back(std::move(note));
  }
  for (const auto& [path, why] : skipped_) {
    FileNote note;
    note.file = note.now = path;
    note.state = "skipped: " + why;
    all.push_back(std::move(note));
  }
  std::sort(all.begin(), all.end(), [](const FileNote& a, const FileNote& b) { return a.file < b.file; });
  return all;
}

}  // namespace syncd::jobs
