// FileWindow: the part of a file that is in memory, around the place where it is read: what is not yet cut
// into records, and kMark bytes before that.  It grows at the end; a new block of memory is begun when the
// old one is full, and batches keep the old one alive as long as they point into it.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "jobs/sources/file_print.hpp"

namespace syncd::jobs {

class FileWindow {
 public:
  // At `offset` of a file, with nothing in it but the bytes `before` it.
  explicit FileWindow(std::uint64_t offset = 0, std::string_view before = {});

  // Offsets in the file.
  std::uint64_t begin() const noexcept { return end_ - filled_; }
  std::uint64_t end() const noexcept { return end_; }
  // Precondition: begin() <= from <= to <= end().  Valid as long as the block.
  std::string_view bytes(std::uint64_t from, std::uint64_t to) const noexcept {
    return {block_.get() + (from - begin()), static_cast<std::size_t>(to - from)};
  }
  const char* at(std::uint64_t offset) const noexcept { return block_.get() + (offset - begin()); }

  // Memory behind end(): `wanted` bytes, or what is left of a block that is not nearly full.  What is before
  // `keep`, but for a mark, may go.
  std::span<char> room(std::size_t wanted, std::uint64_t keep);
  void filled(std::size_t size) noexcept {
    filled_ += size;
    end_ += size;
  }
  // Gives back the memory that is not needed until there is more to read.
  void shrink(std::uint64_t keep);

  std::size_t capacity() const noexcept { return capacity_; }
  // What keeps the bytes alive.
  const std::shared_ptr<char[]>& block() const noexcept { return block_; }

  // The mark at `offset`; precondition: its bytes are there.
  Mark mark(std::uint64_t offset) const noexcept {
    return Mark{offset, print_of(bytes(offset - mark_size(offset), offset))};
  }

 private:
  void move_to(std::size_t capacity, std::uint64_t keep);
  std::uint64_t first_needed(std::uint64_t keep) const noexcept;

  std::shared_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t filled_ = 0;  // of the block
  std::uint64_t end_ = 0;
};

}  // namespace syncd::jobs
