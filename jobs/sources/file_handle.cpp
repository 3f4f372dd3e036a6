#include "jobs/sources/file_handle.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemon/base/error.hpp"

namespace syncd::jobs {
namespace {

constexpr std::uint64_t kNano = 1'000'000'000;

// One look for all: the same question whether there is a path or a descriptor.
std::optional<FileFacts> facts(int fd, const char* path, int flags) {
  struct statx found {};
  if (::statx(fd, path, flags | AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) {
    return std::nullopt;
  }
  FileFacts facts;
  facts.key.device = ::makedev(found.stx_dev_major, found.stx_dev_minor);
  facts.key.inode = found.stx_ino;
  if ((found.stx_mask & STATX_BTIME) != 0) {
    facts.key.birth = static_cast<std::uint64_t>(found.stx_btime.tv_sec) * kNano + found.stx_btime.tv_nsec;
  }
  facts.size = found.stx_size;
  facts.modified = found.stx_mtime.tv_sec * static_cast<std::int64_t>(kNano) + found.stx_mtime.tv_nsec;
  facts.links = found.stx_nlink;
  facts.regular = S_ISREG(found.stx_mode);
  facts.folder = S_ISDIR(found.stx_mode);
  facts.symlink = S_ISLNK(found.stx_mode);
  return facts;
}

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<FileFacts> look_at(const std::string& path, bool follow_symlinks) {
  return facts(AT_FDCWD, path.c_str(), follow_symlinks ? 0 : AT_SYMLINK_NOFOLLOW);
}

std::optional<FileFacts> look_at(const FileHandle& file) { return facts(file.fd(), "", AT_EMPTY_PATH); }

FileHandle open_regular(const std::string& path, bool follow_symlinks) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow_symlinks ? 0 : O_NOFOLLOW);
  FileHandle file(::open(path.c_str(), flags));
  if (!file) return file;
  const auto found = look_at(file);
  if (found && found->regular) return file;
  errno = EINVAL;
  return FileHandle();
}

std::size_t read_at(const FileHandle& file, char* to, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::pread(file.fd(), to + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(ErrorKind::Transient, fmt::format("reading: {}", std::strerror(errno)));
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace syncd::jobs
