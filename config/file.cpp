// One open descriptor answers for content and permissions, so that nobody swaps the file in between.
#include "config/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace syncd::config {

namespace {

struct Closer {
  explicit Closer(int descriptor) : fd(descriptor) {}
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;
  ~Closer() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

FileError from_errno() { return FileError(std::generic_category().message(errno)); }

}  // namespace

FileContent read_file(const std::filesystem::path& path) {
  constexpr off_t kMost = off_t{16} << 20;
  const Closer file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.fd < 0) throw from_errno();
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) throw from_errno();
  if (S_ISDIR(status.st_mode)) throw FileError("is a directory, not a file");
  if (!S_ISREG(status.st_mode)) throw FileError("is not a regular file");
  if (status.st_size > kMost) throw FileError("is larger than 16 MiB");
  FileContent content;
  content.mode = status.st_mode & 07777U;
  content.owned_by_root = status.st_uid == 0;
  // One byte more than the size shows its end, and a file of /proc, which says 0, is read too; no
  // reallocation leaves a copy of a secret behind.
  content.text.resize(static_cast<std::size_t>(status.st_size) + 4096);
  std::size_t used = 0;
  while (used < content.text.size()) {
    const ssize_t got = ::read(file.fd, content.text.data() + used, content.text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw from_errno();
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  if (used == content.text.size()) throw FileError("changed while it was read");
  content.text.resize(used);
  return content;
}

}  // namespace syncd::config
