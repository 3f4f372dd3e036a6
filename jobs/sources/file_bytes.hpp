// FileBytes: the bytes of a file, decompressed where it is compressed.  Offsets are those of the decompressed
// bytes: they stay the same when a log is compressed after its rotation.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/names.hpp"
#include "jobs/sources/file_handle.hpp"

namespace syncd::jobs {

enum class Compression : std::uint8_t { Auto, None, Gzip, Zstd };
constexpr auto enum_names(Compression) {
  return std::array{config::EnumName("auto", Compression::Auto), config::EnumName("none", Compression::None),
                    config::EnumName("gzip", Compression::Gzip), config::EnumName("zstd", Compression::Zstd)};
}

class FileBytes {
 public:
  virtual ~FileBytes() = default;

  enum class Status : std::uint8_t {
    Ok,
    End,      // nothing more for now
    Torn,     // the same, in the middle of something compressed
    Changed,  // what was read before is not there any more
  };
  struct Read {
    std::size_t size = 0;
    Status status = Status::Ok;
  };
  // Reads on at `offset`, `to.size()` bytes at most; what comes with End and Torn is 0 bytes.  `before` must
  // still stand in front of them.  Throws a Transient error where the system fails, a Data error where
  // something compressed is damaged.
  virtual Read read(std::span<char> to, std::uint64_t offset, std::string_view before) = 0;

  // True where bytes are reached only by way of all those before them.
  virtual bool sequential() const noexcept = 0;
  const FileHandle& file() const noexcept { return file_; }
  // Gives the file away; the object is of no use any more.
  FileHandle release() noexcept { return std::move(file_); }

 protected:
  explicit FileBytes(FileHandle file) noexcept : file_(std::move(file)) {}
  FileHandle file_;
};

// By its first bytes, unless `asked` says it.  nullptr, with `file` untouched: too few of them to tell.
// `all`: no more will come.  `interrupted` makes a long way to an offset end with Cancelled.
std::unique_ptr<FileBytes> open_bytes(FileHandle& file, Compression asked, bool all,
                                      const std::atomic<bool>& interrupted);

}  // namespace syncd::jobs
