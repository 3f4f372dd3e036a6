// FileEngine: which file is it that is met for the first time?  A new one, one that is known under a new
// identity (moved to another file system, compressed, restored), or a copy of one (copytruncate).
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "jobs/sources/file_engine.hpp"

namespace syncd::jobs {
namespace {

// A file that does not change for that long is complete.
constexpr Duration kSettle = std::chrono::seconds(1);
// What is still too short to tell after that time is no copy: copies begin with more.
constexpr Duration kShort = std::chrono::seconds(2);
// A copy of a file that is still there is about to be used, or to stay, after that time.
constexpr Duration kStays = std::chrono::seconds(30);

std::string_view folder_of(std::string_view path) { return path.substr(0, path.rfind('/')); }

bool same_facts(const FileFacts& a, const FileFacts& b) {
  return a.size == b.size && a.modified == b.modified;
}

}  // namespace

void FileEngine::adopt(const Candidate& candidate, TimePoint now) {
  if (const auto known = by_key_.find(candidate.facts.key); known != by_key_.end()) {
    skipped_[candidate.path] = "the same file as " + known->second->path;
    return;
  }
  auto [entry, fresh] = suspects_.try_emplace(candidate.facts.key);
  Suspect& suspect = entry->second;
  if (fresh) {
    suspect.first = suspect.since = now;
    if (!looked_ && begin_ == Begin::End) suspect.begins_at = candidate.facts.size;
  }
  const bool changed = fresh || !same_facts(suspect.facts, candidate.facts);
  if (changed) suspect.since = now;
  const bool again = changed || suspect.undecided || !suspect.trouble.empty() || suspect.version != version_;
  suspect.path = candidate.path;
  suspect.facts = candidate.facts;
  if (again) {
    suspect.undecided = false;
    suspect.why.clear();
    suspect.trouble.clear();
    if (!known_content(candidate, suspect, now)) {
      const auto begins_at = suspect.begins_at;
      suspects_.erase(candidate.facts.key);
      if (begins_at) {
        take_in_from(candidate, *begins_at, now);
      } else {
        take_in(candidate, Content(), Tracked::Origin::Beginning, now);
      }
      return;
    }
    suspect.version = version_;
  }
  if (suspect.why.empty()) {
    suspects_.erase(candidate.facts.key);  // it is one of the known ones now
    return;
  }
  skipped_[candidate.path] = suspect.why;
  if (suspect.undecided) {
    look_again_ = std::min(look_again_.value_or(TimePoint::max()), now + kSettle);
  } else if (suspect.trouble.empty() && (to_the_end_ || now - suspect.since >= kStays)) {
    once(fmt::format("{} is not read: {}", candidate.path, suspect.why));
  }
}

// The known files that this one may be, or a copy of.
std::vector<Tracked*> FileEngine::relatives(const Candidate& candidate) {
  std::vector<Tracked*> all;
  const LogName name = log_name(candidate.path);
  const auto [begin, end] = by_stem_.equal_range(name.stem);
  for (auto it = begin; it != end; ++it) {
    Tracked& file = *it->second;
    const bool rotated = may_be_rotation(name, file.log_name);
    if (file.position.offset() == 0 && file.position.earlier.empty()) {
      // Nothing was read of it; a copy of it may lie beside it all the same.
      const std::string& path = file.missing() ? file.position.path : file.path;
      if (!rotated || folder_of(path) != folder_of(candidate.path)) continue;
    }
    if (rotated || candidate.path == file.position.path) all.push_back(&file);
  }
  // Who has read most of the same content comes first.
  std::stable_sort(all.begin(), all.end(), [](const Tracked* a, const Tracked* b) {
    return a->position.offset() > b->position.offset();
  });
  return all;
}

// Invalid: `suspect` says why.  Another file may have its name by now.
FileHandle FileEngine::open_candidate(const Candidate& candidate, Suspect& suspect) {
  FileHandle handle = open_regular(candidate.path, options_.follow_symlinks);
  const int error = errno;
  const auto facts = handle ? look_at(handle) : std::nullopt;
  if (facts && facts->key == candidate.facts.key) return handle;
  if (handle || error == ENOENT || error == EINVAL || error == ELOOP) {
    look_due_ = suspect.undecided = true;
    suspect.why = "it has just been renamed";
  } else {
    suspect.trouble = suspect.why = std::strerror(error);
    once(fmt::format("{}: {}", candidate.path, suspect.trouble));
  }
  return FileHandle();
}

// True: it is not new.  `suspect.why` says what it waits for, or is empty: it is taken care of.
bool FileEngine::known_content(const Candidate& candidate, Suspect& suspect, TimePoint now) {
  const std::vector<Tracked*> known = relatives(candidate);
  if (known.empty() && !suspect.begins_at) return false;
  FileHandle handle = open_candidate(candidate, suspect);
  if (!handle) return true;
  if (known.empty()) return false;
  const bool being_made = std::any_of(known.begin(), known.end(), [&](const Tracked* file) {
    return !file->missing() && is_compressed_name(candidate.path, file->path);
  });
  try {
    const auto reader = FileReader::open(handle, style_, false);
    if (being_made) {
      suspect.undecided = now - suspect.since < kSettle;
      suspect.why = "made from a file that is read";
      if (suspect.undecided || !reader || reader->sample().empty()) return true;
      suspect.why.clear();
    }
    const bool rotated = may_be_rotation(log_name(candidate.path), known.front()->log_name);
    if (!reader) return rotated && wait_for_more(suspect, true, *known.front()->name, now);
    for (Tracked* file : known) prove(*file, now);
    // What is sure comes before what it may become: contents that it is a copy of are not kept for ever.
    for (const bool sure : {true, false}) {
      for (Tracked* file : known) {
        if (sure && as_unread(candidate, suspect, *reader, *file, now)) return true;
        if (as_current(candidate, suspect, *reader, *file, sure, now)) return true;
      }
      for (Tracked* file : known) {
        if (as_earlier(candidate, suspect, *reader, *file, sure, now)) return true;
      }
    }
  } catch (const Error& error) {
    once(fmt::format("{}: {}", candidate.path, error.what()));
  }
  return false;
}

// What was read of `file` stands in it still; else its content is an earlier one from now on.
void FileEngine::prove(Tracked& file, TimePoint now) {
  if (!file.at_end) prove_now(file, now);
}

void FileEngine::prove_now(Tracked& file, TimePoint now) {
  if (file.position.offset() == 0 || (file.missing() && !file.open())) return;
  try {
    if (!ensure_open(file, now) || file.compressed || file.position.offset() == 0) return;
    if (file.reader->mark_at(file.position.offset()) != file.position.content.marks.back())
      truncated(file, now);
  } catch (const Error& error) {
    trouble(file, error.what());
  }
}

// It may be a copy that is being made.  False: it will not become one.
bool FileEngine::wait_for_more(Suspect& suspect, bool shorter, const std::string& what, TimePoint now) {
  if (now - suspect.since >= kSettle) return false;
  if (shorter && now - suspect.first >= kShort) return false;
  suspect.undecided = true;
  suspect.why = fmt::format("may become a copy of {}: waiting until it does not grow", what);
  return true;
}

// Is it a copy of what `file` is now, of which nothing was read yet?  A rotated log that is none is older
// than its successor.
bool FileEngine::as_unread(const Candidate& candidate, Suspect& suspect, FileReader& reader, Tracked& file,
                           TimePoint now) {
  if (file.position.offset() != 0 || file.facts.size == 0 || (file.missing() && !file.open())) return false;
  if (!may_be_rotation(log_name(candidate.path), file.log_name)) return false;
  if (candidate.facts.key.birth < file.position.key.birth) return false;
  try {
    if (!ensure_open(file, now)) return false;
    const std::string sample = reader.sample();
    const std::uint64_t end = candidate.facts.size;
    if (sample.empty() || file.reader->sample().substr(0, sample.size()) != sample) return false;
    if (!reader.compressed() && reader.mark_at(end) != file.reader->mark_at(end)) return false;
  } catch (const Error& error) {
    trouble(file, error.what());
    return false;
  }
  suspect.undecided = true;  // until something was read
  suspect.why = "a copy of " + (file.missing() ? *file.name : file.path);
  return true;
}

// Whether this one, which begins with all that was read of `file`, goes on where that one ends: a copy does
// not, as long as its original is there.  That one must not change while both are looked at.
FileEngine::Extent FileEngine::extent_beside(FileReader& reader, Tracked& file, TimePoint now) {
  const auto end_of = [&]() -> std::optional<std::uint64_t> {
    const auto facts = file.open() ? look_at(file.handle()) : look_at(file.path, options_.follow_symlinks);
    if (!facts || facts->key != file.position.key) return std::nullopt;
    return file.compressed ? file.position.offset() : facts->size;
  };
  constexpr int kTries = 3;
  for (int tries = 0; tries < kTries; ++tries) {
    const auto end = end_of();
    if (!end || (file.compressed && !file.at_end)) break;
    if (!reader.reaches(*end + 1)) return Extent::NoMore;
    prove_now(file, now);
    if (file.position.offset() == 0) return Extent::More;  // of what it is now; see as_earlier()
    if (file.open() && end_of() == end) return Extent::More;
  }
  return file.trouble.empty() ? Extent::Unclear : Extent::NoMore;
}

// Is it what `file` is now?  `sure`: not where it is too short to tell.
bool FileEngine::as_current(const Candidate& candidate, Suspect& suspect, FileReader& reader, Tracked& file,
                            bool sure, TimePoint now) {
  using Kind = Likeness::Kind;
  if (file.position.offset() == 0) return false;
  const Likeness like = compare(reader, file.with_marks(file.marks.size() + 1));
  const bool rotated = may_be_rotation(log_name(candidate.path), file.log_name);
  if (like.kind == Kind::Other) return false;
  if (like.kind == Kind::Short) {
    return !sure && rotated && wait_for_more(suspect, true, *file.name, now);
  }
  if (!file.missing()) {
    const Extent extent = like.kind == Kind::Same ? extent_beside(reader, file, now) : Extent::NoMore;
    if (extent == Extent::More) return false;
    suspect.undecided = extent == Extent::Unclear;
    suspect.why = "a copy of " + file.path;
    return true;
  }
  if (!gone(file, now)) {
    suspect.undecided = true;
    suspect.why = fmt::format("a copy of {}, which is read through its open descriptor", *file.name);
    return true;
  }
  if (like.kind == Kind::Part) {
    if (wait_for_more(suspect, false, *file.name, now)) return true;
    once(fmt::format("{} is the beginning of {}, which was read: nothing of it is read", candidate.path,
                     *file.name));
    const Mark end = reader.last_line();
    move(file, candidate, Content{head_of(reader.sample(), end.offset), {end}}, now);
    return true;
  }
  move(file, candidate, Content{head_of(reader.sample(), like.mark.offset), {like.mark}}, now);
  return true;
}

// Is it a copy of what `file` was before it was truncated?  `sure`: and holds all that was read of it.
bool FileEngine::as_earlier(const Candidate& candidate, Suspect& suspect, FileReader& reader, Tracked& file,
                            bool sure, TimePoint now) {
  using Kind = Likeness::Kind;
  if (!may_be_rotation(log_name(candidate.path), file.log_name)) return false;
  for (auto content = file.position.earlier.rbegin(); content != file.position.earlier.rend(); ++content) {
    const Likeness like = compare(reader, *content);
    if (like.kind == Kind::Other || (sure && like.kind != Kind::Same)) continue;
    if (like.kind != Kind::Same && wait_for_more(suspect, like.kind == Kind::Short, *file.name, now))
      return true;
    if (like.kind == Kind::Short) continue;
    const Mark at = like.kind == Kind::Same ? like.mark : reader.last_line();
    const Content was = *content;
    Tracked& copy =
        take_in(candidate, Content{head_of(reader.sample(), at.offset), {at}}, Tracked::Origin::Copy, now);
    copy.copy_of.emplace(file.slot, was);
    announce(copy);
    return true;
  }
  return false;
}

// `file` goes on as this one.
void FileEngine::move(Tracked& file, const Candidate& candidate, const Content& content, TimePoint now) {
  finish(file);
  const auto known = by_key_.find(file.position.key);
  if (known != by_key_.end() && known->second == &file) by_key_.erase(known);
  file.position.key = candidate.facts.key;
  by_key_[candidate.facts.key] = &file;
  file.position.content = content;
  file.read = FileFacts();
  file.proven = file.finishing = file.at_end = false;
  announce(file);
  see(file, candidate.path, candidate.facts, now);
}

Tracked& FileEngine::take_in(const Candidate& candidate, const Content& content, Tracked::Origin origin,
                             TimePoint now) {
  FilePosition at;
  at.path = candidate.path;
  at.key = candidate.facts.key;
  at.content = content;
  Tracked& file = add(free_slot(), std::move(at), origin);
  see(file, candidate.path, candidate.facts, now);
  return file;
}

// A file of which the lines that it had when it was this long are none of the job's.
Tracked& FileEngine::take_in_from(const Candidate& candidate, std::uint64_t size, TimePoint now) {
  Content content;
  FileHandle handle = open_regular(candidate.path, options_.follow_symlinks);
  if (const auto reader = handle ? FileReader::open(handle, style_, true) : nullptr) {
    const Mark mark = reader->last_line(size);
    if (mark.offset != 0) content = Content{head_of(reader->sample(), mark.offset), {mark}};
  }
  Tracked& file = take_in(candidate, content, Tracked::Origin::End, now);
  announce(file);
  return file;
}

}  // namespace syncd::jobs
