#include "jobs/sources/file_window.hpp"

#include <cassert>
#include <cstring>

namespace syncd::jobs {
namespace {

constexpr std::size_t kBlock = 64 * 1024;

}  // namespace

FileWindow::FileWindow(std::uint64_t offset, std::string_view before) : end_(offset) {
  assert(before.size() <= offset);
  if (before.empty()) return;
  end_ -= before.size();
  std::memcpy(room(before.size(), end_).data(), before.data(), before.size());
  filled(before.size());
}

std::span<char> FileWindow::room(std::size_t wanted, std::uint64_t keep) {
  if (capacity_ - filled_ < std::max<std::size_t>(wanted / 4, 1)) {
    const std::size_t kept = static_cast<std::size_t>(end_ - first_needed(keep));
    // A line that is longer than any block is not copied for each piece that is read of it.
    move_to(std::max(kBlock, std::max(wanted, kept) + kept), keep);
  }
  return {block_.get() + filled_, std::min(wanted, capacity_ - filled_)};
}

void FileWindow::shrink(std::uint64_t keep) {
  const auto kept = static_cast<std::size_t>(end_ - first_needed(keep));
  if (capacity_ > kept) move_to(kept, keep);
}

void FileWindow::move_to(std::size_t capacity, std::uint64_t keep) {
  const std::string_view kept = bytes(first_needed(keep), end_);
  auto block = capacity == 0 ? nullptr : std::make_shared_for_overwrite<char[]>(capacity);
  if (!kept.empty()) std::memcpy(block.get(), kept.data(), kept.size());
  filled_ = kept.size();
  block_ = std::move(block);
  capacity_ = capacity;
}

std::uint64_t FileWindow::first_needed(std::uint64_t keep) const noexcept {
  return std::max(begin(), keep - mark_size(keep));
}

}  // namespace syncd::jobs
