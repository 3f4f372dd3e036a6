#include "jobs/sources/file_bytes.hpp"

#include <fmt/format.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "daemon/base/error.hpp"
#include "daemon/coro/stop.hpp"
#include "jobs/sources/file_decoder.hpp"
#include "jobs/sources/file_print.hpp"

namespace syncd::jobs {
namespace {

class PlainBytes final : public FileBytes {
 public:
  explicit PlainBytes(FileHandle file) noexcept : FileBytes(std::move(file)) {}

  // One call for both: a file that is truncated and written again in between is noticed.
  Read read(std::span<char> to, std::uint64_t offset, std::string_view before) override {
    std::array<char, kMark> found;
    const std::size_t proof = std::min(before.size(), found.size());
    before.remove_prefix(before.size() - proof);
    std::array<iovec, 2> parts{iovec{found.data(), proof}, iovec{to.data(), to.size()}};
    const auto from = static_cast<off_t>(offset - proof);
    ssize_t count = 0;
    do {
      count = ::preadv(file_.fd(), parts.data(), static_cast<int>(parts.size()), from);
    } while (count < 0 && errno == EINTR);
    if (count < 0) throw Error(ErrorKind::Transient, fmt::format("reading: {}", std::strerror(errno)));
    const auto size = static_cast<std::size_t>(count);
    if (size < proof || std::string_view(found.data(), proof) != before) return Read{0, Status::Changed};
    return Read{size - proof, size == proof ? Status::End : Status::Ok};
  }
  bool sequential() const noexcept override { return false; }
};

// --- compressed ----------------------------------------------------------------------------------------

class CompressedBytes final : public FileBytes {
 public:
  CompressedBytes(FileHandle file, std::unique_ptr<Decoder> decoder, const std::atomic<bool>& interrupted)
      : FileBytes(std::move(file)), decoder_(std::move(decoder)), interrupted_(interrupted) {}

  Read read(std::span<char> to, std::uint64_t offset, std::string_view) override {
    if (offset < offset_) rewind();
    std::array<char, 16 * 1024> skipped;
    while (offset_ < offset) {
      if (interrupted_.load(std::memory_order_relaxed)) throw coro::Cancelled();
      const std::size_t most = std::min<std::uint64_t>(skipped.size(), offset - offset_);
      const Read read = decode(std::span(skipped).first(most));
      if (read.size == 0) return read;
    }
    return decode(to);
  }
  bool sequential() const noexcept override { return true; }

 private:
  void rewind() {
    decoder_->reset();
    offset_ = compressed_ = 0;
    input_ = {};
  }

  Read decode(std::span<char> to) {
    while (true) {
      const std::size_t before = input_.size();
      const std::size_t size = decoder_->decode(input_, to);
      offset_ += size;
      if (size != 0) return Read{size, Status::Ok};
      if (before != input_.size()) continue;
      if (refill()) continue;
      const auto facts = look_at(file_);
      if (facts && facts->size < compressed_) return Read{0, Status::Changed};
      return Read{0, decoder_->between() ? Status::End : Status::Torn};
    }
  }
  bool refill() {
    // What the decoder has left is the beginning of something that needs more.
    const std::string left(input_);
    buffer_.resize(left.size() + 64 * 1024);
    std::memcpy(buffer_.data(), left.data(), left.size());
    const std::size_t count =
        read_at(file_, buffer_.data() + left.size(), buffer_.size() - left.size(), compressed_);
    compressed_ += count;
    input_ = std::string_view(buffer_).substr(0, left.size() + count);
    return count != 0;
  }

  std::unique_ptr<Decoder> decoder_;
  const std::atomic<bool>& interrupted_;
  std::uint64_t offset_ = 0;      // of what comes next
  std::uint64_t compressed_ = 0;  // how far the file was read
  std::string buffer_;
  std::string_view input_;  // of buffer_, not yet decoded
};

struct Magic {
  std::string_view bytes;
  Compression compression;
};
constexpr Magic kMagics[] = {{"\x1F\x8B\x08", Compression::Gzip}, {"\x28\xB5\x2F\xFD", Compression::Zstd}};

}  // namespace

std::unique_ptr<FileBytes> open_bytes(FileHandle& file, Compression asked, bool all,
                                      const std::atomic<bool>& interrupted) {
  if (asked == Compression::Auto) {
    std::array<char, 4> first;
    const std::string_view head(first.data(), read_at(file, first.data(), first.size(), 0));
    asked = Compression::None;
    for (const Magic& magic : kMagics) {
      if (head.starts_with(magic.bytes)) asked = magic.compression;
      if (!all && head.size() < magic.bytes.size() && magic.bytes.starts_with(head)) return nullptr;
    }
  }
  if (asked == Compression::None) return std::make_unique<PlainBytes>(std::move(file));
  auto decoder = asked == Compression::Gzip ? gzip_decoder() : zstd_decoder();
  return std::make_unique<CompressedBytes>(std::move(file), std::move(decoder), interrupted);
}

}  // namespace syncd::jobs
