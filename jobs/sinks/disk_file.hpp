// DiskFile: a file that is written, each step with an error that says what was being done to what.  Blocks.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/base/error.hpp"

namespace syncd::jobs {

// Whether waiting may help: a full disk is emptied again, a missing folder is a mistake.
Error file_error(const std::string& doing, const std::string& path, int error);

class DiskFile {
 public:
  DiskFile() = default;
  // Opens or makes a regular file; `flags` as of open(2).  Throws.
  DiskFile(std::string path, int flags, mode_t mode = 0640);
  // The same; nullopt where there is none.
  static std::optional<DiskFile> existing(std::string path, int flags);
  DiskFile(DiskFile&& other) noexcept
      : path_(std::move(other.path_)),
        fd_(std::exchange(other.fd_, -1)),
        identity_(std::move(other.identity_)) {}
  DiskFile& operator=(DiskFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(fd_, other.fd_);
    std::swap(identity_, other.identity_);
    return *this;
  }
  ~DiskFile();

  explicit operator bool() const noexcept { return fd_ >= 0; }
  const std::string& path() const noexcept { return path_; }

  struct Facts {
    std::string identity;  // device, inode and time of birth: an inode alone is used again at once
    std::uint64_t size = 0;
    bool linked = true;  // still has a name
  };
  Facts facts() const;
  // As facts() has it; asked for once, because it stays what it is.
  const std::string& identity() const;
  // Of what is at `path` now; nullopt: nothing.
  static std::optional<Facts> look_at(const std::string& path);

  std::string read_all() const;
  void write_at(std::uint64_t offset, std::string_view text) const;
  void truncate(std::uint64_t size) const;
  void sync() const;  // data, and what is needed to find it
  // The disk begins to write these bytes: a later sync() waits less.  Waits for nothing, promises nothing.
  void begin_sync(std::uint64_t offset, std::uint64_t bytes) const noexcept;
  // False: another open file of this one holds the lock.
  bool lock_shared() const;
  bool lock_alone() const;
  // Gives the file another name, in place of what has that name.
  void rename_to(const std::string& path);

 private:
  std::string path_;
  int fd_ = -1;
  mutable std::string identity_;  // "" where nobody has asked yet
};

// The names in the folder of `path` are durable afterwards.
void sync_folder(const std::string& path);

}  // namespace syncd::jobs
