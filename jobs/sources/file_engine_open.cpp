// FileEngine: open files, and what is found in them.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "jobs/sources/file_engine.hpp"

namespace syncd::jobs {
namespace {

// What was read before the latest truncations; a copy of it turns up soon or never.
constexpr std::size_t kEarlier = 3;
constexpr std::size_t kMarksOfEarlier = 6;

}  // namespace

bool FileEngine::all_of(const Tracked& file) const { return !options_.follow || file.finishing; }

// Opens the file and goes to where it was left.  Throws where the system fails or its content is damaged.
bool FileEngine::ensure_open(Tracked& file, TimePoint now) {
  if (file.reader) return true;
  if (!file.file && !open_by_path(file)) return false;
  const auto facts = look_at(file.file);
  file.reader = FileReader::open(file.file, style_, all_of(file));
  if (!file.reader) {  // too short to know what it is
    if (file.position.offset() != 0) {
      truncated(file, now);
      return false;
    }
    file.proven = file.at_end = true;
    file.behind_since.reset();
    if (facts) file.read = *facts;
    return false;
  }
  file.compressed = file.reader->compressed();
  file.trouble.clear();
  if (file.position.offset() == 0) {
    file.reader->start(!file.position.earlier.empty());
    file.proven = true;
    return true;
  }
  const std::uint64_t offset = file.position.offset();
  const auto mark = file.reader->prove(file.with_marks(file.marks.size() + 1));
  if (!mark || !file.reader->start(*mark)) {
    truncated(file, now);
  } else if (mark->offset != offset) {
    warnings_.push_back(
        fmt::format("{} is not what was read of it up to {} any more, only up to {}: it is read from there",
                    file.path, offset, mark->offset));
    file.position.content = Content{head_of(file.reader->sample(), mark->offset), {*mark}};
    ++version_;
  }
  file.proven = true;
  return true;
}

bool FileEngine::open_by_path(Tracked& file) {
  if (file.path.empty()) return false;
  if (open_ >= options_.max_open_files && !make_room()) {
    ready_.push_back(&file);
    file.queued = true;
    return false;
  }
  FileHandle handle = open_regular(file.path, options_.follow_symlinks);
  if (!handle && (errno == EMFILE || errno == ENFILE) && make_room()) {
    handle = open_regular(file.path, options_.follow_symlinks);
  }
  if (!handle && (errno == ENOENT || errno == EINVAL || errno == ELOOP)) {
    look_due_ = true;
    return false;
  }
  if (!handle) {
    trouble(file, std::strerror(errno));
    return false;
  }
  const auto facts = look_at(handle);
  if (!facts || facts->key != file.position.key) {
    look_due_ = true;  // another file has taken its name just now
    return false;
  }
  file.file = std::move(handle);
  ++open_;
  return true;
}

// Closes the files that have been quiet for longest, several at a time.  False: all are needed.
bool FileEngine::make_room() {
  std::vector<Tracked*> quiet;
  for (const auto& [slot, file] : files_) {
    const bool waits = waiting_.count(slot) != 0;
    if (file->open() && file->at_end && !file->queued && !file->missing() && !waits)
      quiet.push_back(file.get());
  }
  const std::size_t most = std::max<std::size_t>(options_.max_open_files / 4, 1);
  if (quiet.size() > most) {
    std::nth_element(quiet.begin(), quiet.begin() + static_cast<std::ptrdiff_t>(most), quiet.end(),
                     [](const Tracked* a, const Tracked* b) { return a->active < b->active; });
    quiet.resize(most);
  }
  for (Tracked* file : quiet) finish(*file);
  return !quiet.empty();
}

void FileEngine::finish(Tracked& file) {
  if (!file.open()) return;
  file.close();
  --open_;
}

// What was read is not there any more: the file is another one now, under the same identity.
void FileEngine::truncated(Tracked& file, TimePoint now) {
  const std::uint64_t offset = file.position.offset();
  if (offset != 0) {
    auto& earlier = file.position.earlier;
    earlier.push_back(file.with_marks(kMarksOfEarlier));
    if (earlier.size() > kEarlier) earlier.erase(earlier.begin());
    warnings_.push_back(fmt::format(
        "{} was truncated or written anew after {} bytes of it had been read: it is read from its beginning",
        file.path.empty() ? *file.name : file.path, offset));
  }
  file.position.content = Content();
  file.marks.clear();
  if (file.reader) file.reader->start(true);
  file.at_end = false;
  waiting_.erase(file.slot);
  queue(file, now);
  announce(file);
  ++version_;
  look_due_ = true;  // a copy of it may have come
}

void FileEngine::trouble(Tracked& file, const std::string& why) {
  if (file.trouble != why) once(fmt::format("{}: {}", file.path.empty() ? *file.name : file.path, why));
  file.trouble = why;
  file.at_end = true;
  file.behind_since.reset();
  waiting_.erase(file.slot);
  file.read = file.facts;
  if (!file.missing()) finish(file);
}

}  // namespace syncd::jobs
