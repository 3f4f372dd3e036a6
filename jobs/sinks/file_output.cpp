#include "jobs/sinks/file_output.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <filesystem>

#include "daemon/base/crash_point.hpp"

namespace syncd::jobs {
namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kLittle = 64 * 1024;

}  // namespace

FileOutput::FileOutput(OutputOptions options, RowLines lines, const std::string& job,
                       const std::string& instance)
    : options_(std::move(options)), lines_(std::move(lines)), companion_(options_.path, job, instance) {}

std::int64_t FileOutput::wall_seconds() const {
  return std::chrono::floor<std::chrono::seconds>(wall_).time_since_epoch().count();
}

Positions FileOutput::open() {
  state_ = companion_.take_over();
  synced_ = now_;
  if (auto file = DiskFile::existing(options_.path, O_RDWR)) adopt(std::move(*file));
  return state_.positions;
}

void FileOutput::assign(const Positions& positions) {
  state_ = companion_.take_over();
  state_.positions = positions;
  companion_.rewrite(state_);
}

// Goes on with a file that is there: ours, cut to what counts of it, or one that is empty.
void FileOutput::adopt(DiskFile file) {
  const auto facts = file.facts();
  if (facts.identity != state_.file) {
    if (facts.size != 0) {
      throw Error(
          ErrorKind::Permanent,
          fmt::format("{} has a content that this job did not write: move it away, or name another path",
                      options_.path));
    }
    state_.file.clear();  // of which the rows are to begin; see require_file()
    state_.length = 0;
  } else if (facts.size > state_.length) {
    file.truncate(state_.length);  // rows without a position: they come again
  } else if (facts.size < state_.length) {
    warnings_.push_back(fmt::format("{} has lost its last {} bytes: somebody has truncated it", options_.path,
                                    state_.length - facts.size));
    state_.length = facts.size;
  }
  file_ = std::move(file);
}

// Whether the file is still there, under its name, as this run left it.
void FileOutput::look_again() {
  if (!file_) return;
  const auto named = DiskFile::look_at(options_.path);
  if (!named || named->identity != file_.identity()) {
    file_.sync();
    file_ = DiskFile();  // moved away, as logrotate does: go on with a new one
    state_.length = 0;
    if (auto file = DiskFile::existing(options_.path, O_RDWR)) adopt(std::move(*file));
  } else if (named->size > state_.length) {
    throw Error(ErrorKind::Permanent, fmt::format("somebody else writes to {} too", options_.path));
  } else if (named->size < state_.length) {
    warnings_.push_back(fmt::format("{} was truncated by somebody else", options_.path));
    state_.length = named->size;
  }
}

// The companion knows a file before its first row is in it: else nobody could tell whose rows they are.
void FileOutput::require_file() {
  if (!file_) file_ = DiskFile(options_.path, O_RDWR | O_CREAT | O_EXCL);
  const std::string& identity = file_.identity();
  if (state_.file == identity) return;
  sync_folder(options_.path);
  state_.file = identity;
  state_.length = 0;
  state_.begun = wall_seconds();
  companion_.begin_file(identity, state_.begun);
  companion_.flush();
  companion_.sync();
}

bool FileOutput::write_is_short(const Batch& batch) const {
  if (batch.empty()) return true;
  if (!file_ || batch.bytes() > kLittle || sync_is_due() || rotation_is_due()) return false;
  if (companion_.worth_rewriting()) return false;
  const auto named = DiskFile::look_at(options_.path);
  return named && named->identity == file_.identity() && named->identity == state_.file &&
         named->size == state_.length;
}

void FileOutput::write(const Batch& batch) {
  if (batch.empty()) {
    unsaved_.advance(batch.position());
    return;
  }
  at_rest_ = false;
  companion_.require_ours();
  rotate_if_due();
  require_file();
  const std::uint64_t before = state_.length;
  lines_.bind(batch);
  append_rows(batch);
  crash_point("before_commit");
  // Who follows a source would notice a long wait for the disk.
  if (batch.caught_up()) begin_sync();
  sync_if_due(false);
  // The length of before: should only this record reach the disk, the rows come again.
  for (const auto& [partition, text] : unsaved_.all()) {
    companion_.reach(before, Position(partition, text));
    state_.positions.advance(Position(partition, text));
  }
  unsaved_ = Positions();
  companion_.reach(state_.length, batch.position());
  state_.positions.advance(batch.position());
  companion_.flush();
  if (!dirty_) companion_.sync();
  crash_point("after_commit_before_reply");
  if (companion_.worth_rewriting()) {
    sync_if_due(true);
    companion_.rewrite(state_);
  }
}

void FileOutput::append_rows(const Batch& batch) {
  buffer_.clear();
  if (state_.length == 0) buffer_ = lines_.head();
  dirty_ = true;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    lines_.append(buffer_, batch, row);
    if (buffer_.size() < kPiece && row + 1 < batch.rows()) continue;
    file_.write_at(state_.length, buffer_);
    state_.length += buffer_.size();
    buffer_.clear();
  }
}

void FileOutput::begin_sync() {
  constexpr std::uint64_t kWorthIt = 1024 * 1024;
  sync_begun_ = std::min(sync_begun_, state_.length);
  if (state_.length - sync_begun_ < kWorthIt) return;
  file_.begin_sync(sync_begun_, state_.length - sync_begun_);
  sync_begun_ = state_.length;
}

bool FileOutput::sync_is_due() const { return now_ - synced_ >= options_.fsync_every; }

void FileOutput::sync_if_due(bool now) {
  if (!dirty_ || !file_ || !(now || sync_is_due())) return;
  file_.sync();
  synced_ = now_;
  dirty_ = false;
}

void FileOutput::settle(Settle why) {
  companion_.require_ours();
  const Positions waiting = std::exchange(unsaved_, Positions());
  for (const auto& [partition, text] : waiting.all()) {
    if (state_.positions.at(partition).text() == text && state_.positions.all().contains(partition)) continue;
    companion_.reach(state_.length, Position(partition, text));
    state_.positions.advance(Position(partition, text));
    dirty_ = true;
  }
  companion_.flush();
  if (why == Settle::CaughtUp) return;  // more may come at once
  const bool rests = std::exchange(at_rest_, true) || why == Settle::End;
  if (dirty_ && (rests || sync_is_due())) {
    sync_if_due(true);
    companion_.sync();
    dirty_ = false;
  }
  rotate_if_due();
}

// --- rotation ------------------------------------------------------------------------------------------

bool FileOutput::rotation_is_due() const {
  if (!file_ || state_.length == 0 || state_.file.empty()) return false;
  const bool full = options_.rotate_bytes && state_.length >= options_.rotate_bytes->count();
  const bool old =
      options_.rotate_every && std::chrono::seconds(wall_seconds() - state_.begun) >= *options_.rotate_every;
  return full || old;
}

void FileOutput::rotate_if_due() {
  look_again();
  if (rotation_is_due()) rotate();
}

// Precondition: every byte of the file counts.
void FileOutput::rotate() {
  file_.sync();
  companion_.sync();
  file_.rename_to(free_name());
  sync_folder(options_.path);
  crash_point("after_rotation");
  file_ = DiskFile();
  state_.length = 0;
}

std::string FileOutput::free_name() const {
  const std::filesystem::path path(options_.path);
  std::string name = options_.rotated;
  const std::string time =
      fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(static_cast<std::time_t>(wall_seconds())));
  name.replace(name.find("{time}"), 6, time);
  std::string full = (path.parent_path() / name).string();
  const std::string first = full;
  for (int i = 2; std::filesystem::exists(std::filesystem::symlink_status(full)); ++i) {
    full = fmt::format("{}-{:03}", first, i);
  }
  return full;
}

}  // namespace syncd::jobs
