#include "jobs/sources/file_engine.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace syncd::jobs {
namespace {

// Folders are looked through that often although every change in them brings an event.
constexpr Duration kLookEvery = std::chrono::seconds(30);
// How long a file that may be a copy can be written before it is looked at again.
constexpr Duration kSoon = std::chrono::seconds(1);
// What a short step handles at most, in bytes with those that wait for the end of their line, and of how many
// files.
constexpr std::uint64_t kLittle = 64 * 1024;
constexpr std::size_t kFew = 8;
// After which a step reads no further; nor after two full batches: behind a slow sink nobody looks at
// anything until they are taken.
constexpr std::uint64_t kMuch = 2 * 1024 * 1024;
constexpr std::size_t kMany = 32;

}  // namespace

FileEngine::FileEngine(const FilesOptions& options, const std::atomic<bool>& interrupted)
    : options_(options),
      multiline_(compile(options.multiline)),
      style_{&options_, &multiline_, &interrupted},
      globs_(options.paths, options.exclude, options.state_dir, options.follow_symlinks) {}

// --- steps ---------------------------------------------------------------------------------------------

FileEngine::Step FileEngine::step(TimePoint now, WallTime wall, const News& news) {
  for (const Position& position : news.committed) committed(position);
  if (news.names) look_due_ = true;
  for (const std::string& path : news.written) {
    const auto known = by_path_.find(path);
    if (known == by_path_.end()) {
      // Its writer may be making it another file than it seems to be; a copy is written at length.
      if (suspected(path)) look_again_ = std::min(look_again_.value_or(TimePoint::max()), now + kSoon);
      continue;
    }
    const auto facts = look_at(path, options_.follow_symlinks);
    if (facts && facts->key == known->second->position.key) {
      touch(*known->second, *facts, now);
    } else {
      look_due_ = true;
    }
  }
  look_due_ = look_is_due(now);
  if (polls() && now >= polled_at_ + options_.poll) {
    poll(now);
    attend(now, wall);
    polled_at_ = now;
  }
  if (look_due_ && now >= look_not_before_) {
    look(now);
    attend(now, wall);
    forget_old(wall);
  }
  Step step;
  step.batches = read_ready(now);
  if (!step.batches.empty()) {
    Batch& latest = step.batches.back();
    latest.set_caught_up(ready_.empty() && announced_.empty() && !look_due_);
    idle_said_ = latest.caught_up();
    last_ = latest.position();
  } else if (!look_due_ && !idle_said_) {
    idle_said_ = true;
    Batch& idle = step.batches.emplace_back(
        options_.schema,
        last_.text().empty() ? Position(std::string(kBeginPartition), encode(Begin::Looked)) : last_);
    idle.set_caught_up(true);
  } else {
    step.done = to_the_end_ && nothing_left();
    step.again = next_time();
  }
  step.lag = lag(now);
  if (step.done) fail_with_trouble();
  step.warnings = std::exchange(warnings_, {});
  return step;
}

bool FileEngine::look_is_due(TimePoint now) const {
  return look_due_ || now >= looked_at_ + kLookEvery || (look_again_ && now >= *look_again_);
}

bool FileEngine::step_is_short(TimePoint now, const News& news) const {
  if (news.names || look_is_due(now) || polls() || !multiline_.off()) return false;
  if (news.written.size() + ready_.size() > kFew) return false;
  std::uint64_t undelivered = 0;
  const auto is_little = [&](const Tracked& file) {
    if (!file.reader || file.compressed) return false;
    const auto facts = look_at(file.handle());
    if (!facts || facts->size < file.reader->read_to()) return false;
    undelivered += facts->size - file.reader->offset();
    return undelivered <= kLittle;
  };
  for (const std::string& path : news.written) {
    const auto known = by_path_.find(path);
    if (known != by_path_.end() && !is_little(*known->second)) return false;
  }
  return std::all_of(ready_.begin(), ready_.end(), [&](const Tracked* file) { return is_little(*file); });
}

bool FileEngine::suspected(const std::string& path) const {
  return std::any_of(suspects_.begin(), suspects_.end(),
                     [&](const auto& entry) { return entry.second.path == path; });
}

std::vector<Batch> FileEngine::read_ready(TimePoint now) {
  std::vector<Batch> batches;
  bytes_read_ = 0;
  std::size_t rows = 0;
  while (bytes_read_ < kMuch && batches.size() < kMany && rows <= options_.batch_rows) {
    auto batch = next(now);
    if (!batch) break;
    rows += batch->rows();
    batches.push_back(std::move(*batch));
  }
  return batches;
}

std::optional<Batch> FileEngine::next(TimePoint now) {
  if (auto batch = announcement()) return batch;
  for (std::size_t tries = ready_.size(); tries > 0 && !ready_.empty(); --tries) {
    Tracked& file = *ready_.front();
    ready_.pop_front();
    file.queued = false;
    if (auto batch = read(file, now)) return batch;
  }
  return time_out(now);
}

// A position that changed without any row.
std::optional<Batch> FileEngine::announcement() {
  while (!announced_.empty()) {
    const auto found = files_.find(announced_.front());
    announced_.pop_front();
    if (found == files_.end()) continue;
    Tracked& file = *found->second;
    std::string text = encode(file.position);
    if (text == file.said) continue;
    file.said = text;
    return Batch(options_.schema, Position(file.partition, std::move(text)));
  }
  // Behind those of the files that the first look found: their ends must not be taken for beginnings.
  if (!say_looked_ || !looked_) return std::nullopt;
  say_looked_ = false;
  return Batch(options_.schema, Position(std::string(kBeginPartition), encode(Begin::Looked)));
}

std::optional<Batch> FileEngine::read(Tracked& file, TimePoint now) {
  using Status = FileReader::Status;
  Batch batch(options_.schema, Position());
  Status status = Status::End;
  std::optional<FileFacts> facts;
  try {
    if (!ensure_open(file, now)) return std::nullopt;
    facts = look_at(file.handle());
    const std::uint64_t before = file.reader->read_to();
    status = file.reader->fill(batch, *file.name, all_of(file));
    if (file.reader->read_to() != before) file.active = now;
    bytes_read_ += file.reader->read_to() - before;
  } catch (const Error& error) {
    trouble(file, error.what());
    return std::nullopt;
  }
  auto out = deliver(file, std::move(batch));
  if (status == Status::Changed) {
    truncated(file, now);
  } else if (status == Status::More) {
    queue(file, now);
    if (to_the_end_) std::rotate(ready_.begin(), ready_.end() - 1, ready_.end());
  } else {
    file.at_end = true;
    file.behind_since.reset();
    if (facts) file.read = *facts;
    if (status == Status::Torn && !options_.follow) {
      trouble(file, "ends in the middle of something compressed");
    } else if (file.compressed && !file.reader->record_waits() && !file.reader->line_waits()) {
      finish(file);
    } else {
      file.reader->rest();
    }
  }
  return out;
}

std::optional<Batch> FileEngine::deliver(Tracked& file, Batch batch) {
  const bool waits = file.reader->record_waits() || file.reader->line_waits();
  if (waits) {
    waiting_.insert(file.slot);
  } else {
    waiting_.erase(file.slot);
  }
  if (batch.empty() && file.reader->offset() == file.position.offset()) return std::nullopt;
  file.position.content = file.reader->content();
  file.add_mark();
  file.said = encode(file.position);
  batch.set_position(Position(file.partition, file.said));
  if (!batch.empty()) {
    batch.set_row_positions(file.reader->rows(file.partition, file.position));
    batch.keep_alive(file.name);
  }
  return batch;
}

// --- time ----------------------------------------------------------------------------------------------

std::optional<TimePoint> FileEngine::flush_at(const Tracked& file) const {
  std::optional<TimePoint> at;
  if (!file.reader || !file.at_end) return at;
  if (file.reader->record_waits()) at = file.active + options_.multiline->timeout;
  if (file.reader->line_waits() && options_.partial_line_timeout) {
    const TimePoint line = file.active + *options_.partial_line_timeout;
    at = at ? std::min(*at, line) : line;
  }
  return at;
}

// What has waited long enough for its end.
std::optional<Batch> FileEngine::time_out(TimePoint now) {
  for (auto slot = waiting_.begin(); slot != waiting_.end();) {
    const auto found = files_.find(*slot);
    if (found == files_.end() || !found->second->reader) {
      slot = waiting_.erase(slot);
      continue;
    }
    ++slot;
    Tracked& file = *found->second;
    const auto at = flush_at(file);
    if (!at || now < *at) continue;
    const bool line = options_.partial_line_timeout && now >= file.active + *options_.partial_line_timeout;
    Batch batch(options_.schema, Position());
    file.reader->flush(batch, *file.name, line);
    if (auto out = deliver(file, std::move(batch))) return out;
  }
  return std::nullopt;
}

bool FileEngine::polls() const { return !polled_.empty() || options_.follow_symlinks || !missing_.empty(); }

std::optional<TimePoint> FileEngine::next_time() const {
  TimePoint at = looked_at_ + kLookEvery;
  if (look_due_) at = std::min(at, look_not_before_);
  if (look_again_) at = std::min(at, *look_again_);
  if (polls()) at = std::min(at, polled_at_ + options_.poll);
  for (const std::uint64_t slot : waiting_) {
    const auto found = files_.find(slot);
    if (found == files_.end()) continue;
    if (const auto flush = flush_at(*found->second)) at = std::min(at, *flush);
  }
  return at;
}

std::optional<Duration> FileEngine::lag(TimePoint now) const {
  Duration lag{0};
  for (const Tracked* file : ready_) {
    if (file->behind_since) lag = std::max(lag, now - *file->behind_since);
  }
  return lag;
}

void FileEngine::queue(Tracked& file, TimePoint now) {
  if (file.queued) return;
  file.queued = true;
  idle_said_ = false;
  if (!file.behind_since) file.behind_since = now;
  ready_.push_back(&file);
}

// --- the end -------------------------------------------------------------------------------------------

bool FileEngine::nothing_left() const {
  return ready_.empty() && announced_.empty() && !say_looked_ && !look_due_ && !look_again_;
}

void FileEngine::fail_with_trouble() const {
  std::string first;
  std::size_t count = 0;
  for (const auto& [slot, file] : files_) {
    if (file->trouble.empty() || file->missing()) continue;
    if (count++ == 0) first = fmt::format("{}: {}", file->path, file->trouble);
  }
  for (const auto& [key, suspect] : suspects_) {
    if (suspect.trouble.empty()) continue;
    if (count++ == 0) first = fmt::format("{}: {}", suspect.path, suspect.trouble);
  }
  if (count == 0) return;
  std::string more = count == 1 ? "" : fmt::format(" (and {} more)", count - 1);
  throw Error(ErrorKind::Permanent, fmt::format("reading {}{}", first, more));
}

}  // namespace syncd::jobs
