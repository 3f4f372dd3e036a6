#include "jobs/sinks/disk_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace syncd::jobs {
namespace {

int open_file(const std::string& path, int flags, mode_t mode) {
  // O_NONBLOCK: a pipe that nobody reads must not hold us before we can refuse it.
  return ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
}

void require_regular(int fd, const std::string& path) {
  struct stat facts {};
  if (::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode)) return;
  ::close(fd);
  throw Error(ErrorKind::Permanent, fmt::format("{} is no regular file", path));
}

// nullopt: errno says why.
std::optional<DiskFile::Facts> facts_of(int folder, const std::string& path, int flags) {
  struct statx all {};
  if (::statx(folder, path.c_str(), flags, STATX_BASIC_STATS | STATX_BTIME, &all) != 0) return std::nullopt;
  DiskFile::Facts facts;
  facts.identity = fmt::format("{}.{}.{}.{}.{}", all.stx_dev_major, all.stx_dev_minor, all.stx_ino,
                               all.stx_btime.tv_sec, all.stx_btime.tv_nsec);
  facts.size = all.stx_size;
  facts.linked = all.stx_nlink > 0;
  return facts;
}

}  // namespace

Error file_error(const std::string& doing, const std::string& path, int error) {
  const bool passes = error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO ||
                      error == EMFILE || error == ENFILE || error == ENOMEM || error == ESTALE ||
                      error == EAGAIN;
  return Error(passes ? ErrorKind::Transient : ErrorKind::Permanent,
               fmt::format("{} {}: {}", doing, path, std::strerror(error)));
}

DiskFile::DiskFile(std::string path, int flags, mode_t mode) : path_(std::move(path)) {
  const int fd = open_file(path_, flags, mode);
  if (fd < 0) throw file_error("opening", path_, errno);
  require_regular(fd, path_);
  fd_ = fd;
}

std::optional<DiskFile> DiskFile::existing(std::string path, int flags) {
  const int fd = open_file(path, flags & ~O_CREAT, 0);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) throw file_error("opening", path, errno);
  require_regular(fd, path);
  DiskFile file;
  file.path_ = std::move(path);
  file.fd_ = fd;
  return file;
}

DiskFile::~DiskFile() {
  if (fd_ >= 0) ::close(fd_);
}

DiskFile::Facts DiskFile::facts() const {
  auto facts = facts_of(fd_, "", AT_EMPTY_PATH);
  if (!facts) throw file_error("looking at", path_, errno);
  return std::move(*facts);
}

const std::string& DiskFile::identity() const {
  if (identity_.empty()) identity_ = facts().identity;
  return identity_;
}

std::optional<DiskFile::Facts> DiskFile::look_at(const std::string& path) {
  auto facts = facts_of(AT_FDCWD, path, 0);
  if (!facts && errno != ENOENT) throw file_error("looking at", path, errno);
  return facts;
}

std::string DiskFile::read_all() const {
  std::string text(facts().size, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = ::pread(fd_, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw file_error("reading", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  text.resize(done);
  return text;
}

void DiskFile::write_at(std::uint64_t offset, std::string_view text) const {
  while (!text.empty()) {
    const ssize_t put = ::pwrite(fd_, text.data(), text.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw file_error("writing", path_, errno);
    text.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
}

void DiskFile::truncate(std::uint64_t size) const {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) throw file_error("truncating", path_, errno);
}

void DiskFile::sync() const {
  if (::fdatasync(fd_) != 0) throw file_error("syncing", path_, errno);
}

void DiskFile::begin_sync(std::uint64_t offset, std::uint64_t bytes) const noexcept {
  ::sync_file_range(fd_, static_cast<off64_t>(offset), static_cast<off64_t>(bytes), SYNC_FILE_RANGE_WRITE);
}

bool DiskFile::lock_shared() const { return ::flock(fd_, LOCK_SH | LOCK_NB) == 0; }
bool DiskFile::lock_alone() const { return ::flock(fd_, LOCK_EX | LOCK_NB) == 0; }

void DiskFile::rename_to(const std::string& path) {
  if (::rename(path_.c_str(), path.c_str()) != 0) {
    throw file_error(fmt::format("renaming {} to", path_), path, errno);
  }
  path_ = path;
}

void sync_folder(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? std::string(1, '.') : parent.string();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw file_error("opening", folder, errno);
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (result != 0 && error != EINVAL) throw file_error("syncing", folder, error);  // EINVAL: not supported
}

}  // namespace syncd::jobs
