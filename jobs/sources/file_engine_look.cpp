// FileEngine: what there is, and what has become of the files that are known.
#include <fmt/format.h>

#include <algorithm>

#include "jobs/sources/file_engine.hpp"

namespace syncd::jobs {
namespace {

// A file that is read to its end and has no name any more is kept open that long: whoever writes it may not
// have noticed yet.
constexpr Duration kLinger = std::chrono::seconds(30);
// After that long without a name it is gone; before, the look may have come between two renames.
constexpr Duration kGrace = std::chrono::seconds(1);
// How long a look may be put off where names change all the time, for each path that is looked at.
constexpr Duration kLookCost = std::chrono::microseconds(20);
constexpr std::size_t kMostSaid = 10'000;

std::int64_t seconds(WallTime wall) {
  return std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count();
}

}  // namespace

void FileEngine::look(TimePoint now) {
  look_due_ = false;
  look_again_.reset();
  looked_at_ = now;
  ++round_;
  skipped_.clear();
  FileGlobs::Found found = globs_.walk();
  look_not_before_ = now + kLookCost * static_cast<std::int64_t>(found.paths.size());
  folders_ = std::move(found.folders);
  for (const std::string& folder : found.unreadable) once("looking into " + folder);
  std::sort(found.paths.begin(), found.paths.end());
  std::vector<Candidate> candidates;
  for (std::string& path : found.paths) {
    const auto facts = look_at(path, options_.follow_symlinks);
    if (!facts) continue;
    if (!facts->regular) {
      skipped_[path] = facts->symlink ? "a symbolic link, and follow_symlinks is false" : "no regular file";
      continue;
    }
    const auto known = by_key_.find(facts->key);
    if (known == by_key_.end()) {
      candidates.push_back(Candidate{std::move(path), *facts});
    } else if (known->second->round == round_) {
      skipped_[path] = "the same file as " + known->second->path;
    } else {
      see(*known->second, path, *facts, now);
    }
  }
  for (const auto& [slot, file] : files_) {
    if (file->round != round_) miss(*file, now);
  }
  std::erase_if(suspects_, [&](const auto& entry) {
    return std::none_of(candidates.begin(), candidates.end(),
                        [&](const Candidate& c) { return c.facts.key == entry.first; });
  });
  // The original before its copy; but a rotated log is read before the one that is written now.
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.facts.key.birth < b.facts.key.birth;
  });
  for (const Candidate& candidate : candidates) adopt(candidate, now);
  std::stable_sort(ready_.begin(), ready_.end(),
                   [](const Tracked* a, const Tracked* b) { return a->facts.modified < b->facts.modified; });
  looked_ = true;
}

void FileEngine::see(Tracked& file, const std::string& path, const FileFacts& facts, TimePoint now) {
  file.round = round_;
  if (file.path != path) {
    const auto known = by_path_.find(file.path);
    if (known != by_path_.end() && known->second == &file) by_path_.erase(known);
    file.path = path;
    by_path_[path] = &file;
  }
  if (file.missing()) ++version_;
  file.missing_since.reset();
  missing_.erase(file.slot);
  if (file.position.gone) {
    file.position.gone.reset();
    announce(file);
  }
  if (!file.trouble.empty()) file.read = FileFacts();  // another try
  touch(file, facts, now);
}

// Queues the file if there may be more of it.
void FileEngine::touch(Tracked& file, const FileFacts& facts, TimePoint now) {
  if (facts.size < file.facts.size) ++version_;
  file.facts = facts;
  const bool untouched = facts.size == 0 && file.position.offset() == 0 && file.position.earlier.empty();
  if (untouched && !file.open()) {
    file.at_end = file.proven = true;
    file.read = facts;
    return;
  }
  if (file.at_end && facts.size == file.read.size && facts.modified == file.read.modified) return;
  file.at_end = false;
  queue(file, now);
}

void FileEngine::miss(Tracked& file, TimePoint now) {
  if (!file.missing()) {
    file.missing_since = now;
    missing_.insert(file.slot);
    ++version_;
  }
  const auto known = by_path_.find(file.path);
  if (known != by_path_.end() && known->second == &file) by_path_.erase(known);
  file.path.clear();
  if (!file.open()) return;
  if (const auto facts = look_at(file.handle())) touch(file, *facts, now);
}

bool FileEngine::gone(const Tracked& file, TimePoint now) const {
  if (!file.missing() || now - *file.missing_since < kGrace) return false;
  return !file.open() || (file.at_end && !file.queued);
}

// --- files without a name ------------------------------------------------------------------------------

void FileEngine::attend(TimePoint now, WallTime wall) {
  const std::vector<std::uint64_t> missing(missing_.begin(), missing_.end());
  for (const std::uint64_t slot : missing) attend_missing(*files_.at(slot), now, wall);
}

void FileEngine::forget_old(WallTime wall) {
  std::vector<std::uint64_t> old;
  for (const auto& [slot, file] : files_) {
    if (!file->position.gone || !file->missing() || file->queued) continue;
    if (std::chrono::seconds(seconds(wall) - *file->position.gone) >= options_.forget_after)
      old.push_back(slot);
  }
  for (const std::uint64_t slot : old) forget(slot);
}

void FileEngine::attend_missing(Tracked& file, TimePoint now, WallTime wall) {
  if (file.open()) {
    if (const auto facts = look_at(file.handle())) touch(file, *facts, now);
    if (!file.at_end || file.queued) return;
    const bool quiet = now - std::max(file.active, *file.missing_since) >= kLinger;
    if (!quiet) return;
    if (!file.finishing && file.reader && (file.reader->line_waits() || file.reader->record_waits())) {
      file.finishing = true;  // what is there of its last line is all
      file.at_end = false;
      queue(file, now);
      return;
    }
    if (!file.settled()) return;
    finish(file);
    ++version_;
  }
  if (!gone(file, now)) return;
  if (file.position.offset() == 0 && file.said.empty()) return forget(file.slot);
  missing_.erase(file.slot);
  if (file.position.gone) return;  // by its position
  file.position.gone = seconds(wall);
  announce(file);
  if (!file.compressed && file.facts.size > file.position.offset()) {
    warnings_.push_back(fmt::format("{} has disappeared with {} bytes that were not read", *file.name,
                                    file.facts.size - file.position.offset()));
  }
}

// Files in folders whose changes bring no event, and those that are reached through links.
void FileEngine::poll(TimePoint now) {
  if (!polled_.empty()) {
    look_due_ = true;
    return;
  }
  if (!options_.follow_symlinks) return;
  for (const auto& [path, file] : by_path_) {
    if (const auto facts = look_at(path, true)) touch(*file, *facts, now);
  }
}

// --- bookkeeping ---------------------------------------------------------------------------------------

Tracked& FileEngine::add(std::uint64_t slot, FilePosition at, Tracked::Origin origin) {
  auto owned = std::make_unique<Tracked>(slot, std::move(at), origin);
  Tracked& file = *owned;
  by_key_[file.position.key] = &file;
  by_stem_.emplace(file.log_name.stem, &file);
  files_[slot] = std::move(owned);
  return file;
}

void FileEngine::forget(std::uint64_t slot) {
  Tracked& file = *files_.at(slot);
  finish(file);
  const auto of_file = [&](const auto& entry) { return entry.second == &file; };
  std::erase_if(by_path_, of_file);
  const auto known = by_key_.find(file.position.key);
  if (known != by_key_.end() && of_file(*known)) by_key_.erase(known);
  const auto [begin, end] = by_stem_.equal_range(file.log_name.stem);
  const auto named = std::find_if(begin, end, of_file);
  if (named != end) by_stem_.erase(named);
  std::erase(ready_, &file);
  waiting_.erase(slot);
  missing_.erase(slot);
  files_.erase(slot);
  free_from_ = std::min(free_from_, slot);
  ++version_;
}

// The smallest number that no file has.
std::uint64_t FileEngine::free_slot() {
  while (files_.count(free_from_) != 0) ++free_from_;
  return free_from_;
}

void FileEngine::once(std::string text) {
  if (said_once_.size() >= kMostSaid) said_once_.clear();
  if (said_once_.insert(text).second) warnings_.push_back(std::move(text));
}

}  // namespace syncd::jobs
