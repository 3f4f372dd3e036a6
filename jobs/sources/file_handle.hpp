// An open file, and what the system says about it.  Paths may be chosen by others: only regular files are
// opened, without waiting and without following a symbolic link unless that was asked for.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace syncd::jobs {

class FileHandle {
 public:
  explicit FileHandle(int fd = -1) noexcept : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileHandle();

  int fd() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

// What tells a file from another one, whatever they are called.  An inode is used again at once (ext4), so
// its time of birth belongs to it; where the file system knows none, the inode's generation takes its place,
// and where there is none either it is 0: then only the content tells.
struct FileKey {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t birth = 0;
  bool operator==(const FileKey&) const = default;
};

struct FileFacts {
  FileKey key;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // ns since the epoch
  std::uint64_t links = 0;    // 0: deleted
  bool regular = false;
  bool folder = false;
  bool symlink = false;
};

// Of a path; nullopt with errno where it cannot be looked at.
std::optional<FileFacts> look_at(const std::string& path, bool follow_symlinks);
std::optional<FileFacts> look_at(const FileHandle& file);

// Invalid with errno where that fails; EINVAL: no regular file.
FileHandle open_regular(const std::string& path, bool follow_symlinks);

// pread() until `size` bytes are there or the file ends; throws a Transient error where the system fails.
std::size_t read_at(const FileHandle& file, char* to, std::size_t size, std::uint64_t offset);

}  // namespace syncd::jobs

template <>
struct std::hash<syncd::jobs::FileKey> {
  std::size_t operator()(const syncd::jobs::FileKey& key) const noexcept {
    return (key.inode * 0x9E3779B97F4A7C15U) ^ key.device ^ (key.birth << 1);
  }
};
