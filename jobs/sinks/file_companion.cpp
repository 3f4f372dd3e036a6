#include "jobs/sinks/file_companion.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <random>

#include "daemon/base/crash_point.hpp"
#include "daemon/base/host.hpp"
#include "jobs/sinks/byte_text.hpp"

namespace syncd::jobs {
namespace {

// FNV-1a: finds torn and zeroed records; nobody attacks his own files.
std::uint64_t checksum(std::string_view text) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return sum;
}

using Fields = std::vector<std::string>;

std::string record(const Fields& fields) {
  std::string body;
  for (const std::string& field : fields) body += (body.empty() ? "" : "\t") + byte_text(field);
  return fmt::format("{:016x}\t{}\n", checksum(body), body);
}

// The records up to the first that is not whole.
std::vector<Fields> records_of(std::string_view text) {
  constexpr std::size_t kSum = 16;
  std::vector<Fields> records;
  while (true) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || end <= kSum) return records;
    std::string_view body = text.substr(kSum + 1, end - kSum - 1);
    if (text.substr(0, kSum) != fmt::format("{:016x}", checksum(body))) return records;
    text.remove_prefix(end + 1);
    Fields& fields = records.emplace_back();
    while (true) {
      const std::size_t tab = body.find('\t');
      fields.push_back(bytes_of(body.substr(0, tab)));
      if (tab == std::string_view::npos) break;
      body.remove_prefix(tab + 1);
    }
  }
}

template <class T>
T number(const std::string& text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

FileCompanion::FileCompanion(std::string path, std::string job, std::string instance)
    : data_path_(std::move(path)),
      path_(companion_path(data_path_)),
      job_(std::move(job)),
      instance_(std::move(instance)) {}

// owner JOB EPOCH WHO, file IDENTITY SECONDS LENGTH, at LENGTH PARTITION POSITION.
FileCompanion::Content FileCompanion::read(const std::string& text) const {
  Content content;
  const auto records = records_of(text);
  const auto is_file = [](const Fields& fields) { return fields[0] == "file" && fields.size() == 4; };
  const auto last_file = std::find_if(records.rbegin(), records.rend(), is_file);
  // What the file does not hold has not been reached: after a power cut it may be shorter than what is said
  // here.  Of files before the last one all is there: they were synced.
  std::optional<std::uint64_t> size;
  if (last_file != records.rend()) {
    const auto facts = DiskFile::look_at(data_path_);
    if (facts && facts->identity == (*last_file)[1]) size = facts->size;
  }
  const std::size_t current = static_cast<std::size_t>(records.rend() - last_file);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Fields& fields = records[i];
    if (fields[0] == "owner" && fields.size() == 4) {
      content.job = fields[1];
      content.epoch = fields[2];
      content.owner = fields[3];
    } else if (is_file(fields)) {
      content.state.file = fields[1];
      content.state.begun = number<std::int64_t>(fields[2]);
      content.state.length = number<std::uint64_t>(fields[3]);
    } else if (fields[0] == "at" && fields.size() == 4) {
      const auto length = number<std::uint64_t>(fields[1]);
      if (i >= current && size && length > *size) break;
      content.state.length = length;
      content.state.positions.advance(Position(fields[2], fields[3]));
    }
  }
  return content;
}

FileState FileCompanion::recall() const {
  const auto file = DiskFile::existing(path_, O_RDONLY);
  if (!file) return {};
  Content content = read(file->read_all());
  if (!content.job.empty() && content.job != job_) return {};
  return std::move(content.state);
}

// A lock of the kernel says which daemon lives: it is shared by the runs of one, and goes with the process.
void FileCompanion::lock(const DiskFile& file) {
  const Content content = read(file.read_all());
  if (!content.job.empty() && content.job != job_) {
    throw Error(
        ErrorKind::Permanent,
        fmt::format("{} is written by the job '{}': name another path, or remove {} if that job is gone",
                    data_path_, content.job, path_));
  }
  const bool same = content.epoch.starts_with(instance_ + ":");
  if (same ? file.lock_shared() : file.lock_alone()) return;
  throw Error(ErrorKind::Fenced, fmt::format("job '{}' is run by another syncd ({}), which writes {}", job_,
                                             content.owner.empty() ? "unknown" : content.owner, data_path_));
}

FileState FileCompanion::take_over() {
  while (true) {
    DiskFile held(path_, O_RDWR | O_CREAT);
    lock(held);
    const auto now = DiskFile::look_at(path_);
    if (!now || now->identity != held.identity()) continue;  // replaced while we waited for nothing
    Content content = read(held.read_all());
    // What is written anew has no history to fall back to: it must be true on the disk.
    if (const auto data = DiskFile::existing(data_path_, O_RDWR)) data->sync();
    std::random_device random;
    epoch_ = fmt::format("{}:{:08x}{:08x}", instance_, random(), random());
    rewrite(content.state);
    return std::move(content.state);
  }
}

void FileCompanion::rewrite(const FileState& state) {
  const std::string path = path_ + ".new";
  ::unlink(path.c_str());
  DiskFile fresh(path, O_RDWR | O_CREAT | O_EXCL);
  std::string text = record({"owner", job_, epoch_, this_process()});
  if (!state.file.empty()) {
    text += record({"file", state.file, std::to_string(state.begun), std::to_string(state.length)});
  }
  for (const auto& [partition, position] : state.positions.all()) {
    text += record({"at", std::to_string(state.length), partition, position});
  }
  fresh.write_at(0, text);
  fresh.sync();
  fresh.lock_shared();
  fresh.rename_to(path_);
  sync_folder(path_);
  file_ = std::move(fresh);
  size_ = rewritten_ = text.size();
  pending_.clear();
}

void FileCompanion::require_ours() const {
  const auto facts = file_.facts();
  if (facts.linked && facts.size == size_) return;
  throw Error(
      ErrorKind::Fenced,
      fmt::format("job '{}' was taken over by another run: nothing was written to {}", job_, data_path_));
}

void FileCompanion::begin_file(const std::string& identity, std::int64_t now) {
  pending_ += record({"file", identity, std::to_string(now), "0"});
}

void FileCompanion::reach(std::uint64_t length, const Position& position) {
  pending_ += record({"at", std::to_string(length), position.partition(), position.text()});
}

void FileCompanion::flush() {
  if (pending_.empty()) return;
  crash_point("before_position_save");
  file_.write_at(size_, pending_);
  size_ += pending_.size();
  pending_.clear();
}

}  // namespace syncd::jobs
