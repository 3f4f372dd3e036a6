// Fingerprints: how a file is known again by its content.  Its head, the first bytes that were read of it,
// tells it from other files; the mark, the bytes just before a position, tells whether what was read is still
// there.  64 bits: enough against chance; who can write the file can fool it, and only with his own lines.
#pragma once
#include <algorithm>
#include <compare>
#include <cstdint>
#include <string_view>

namespace syncd::jobs {

// A head has this many bytes, or as many as were read.
constexpr std::size_t kHead = 1024;
// A mark looks this far back, or to the beginning of the file.
constexpr std::size_t kMark = 256;

// FNV-1a: goes on byte by byte, so that the print of each beginning of a text comes with that of the text.
class Print {
 public:
  void add(std::string_view bytes) noexcept {
    for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325U;
};

inline std::uint64_t print_of(std::string_view bytes) noexcept {
  Print print;
  print.add(bytes);
  return print.value();
}

struct HeadPrint {
  std::uint32_t size = 0;
  std::uint64_t value = 0;
  bool operator==(const HeadPrint&) const = default;
};

// The head of what was read up to `offset`, of a file that begins with `sample` (kHead bytes, or all).
inline HeadPrint head_of(std::string_view sample, std::uint64_t offset) noexcept {
  const auto size =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(offset, std::min(sample.size(), kHead)));
  return HeadPrint{size, print_of(sample.substr(0, size))};
}

// The print of the bytes [offset - kMark, offset), or of all where there are fewer.
struct Mark {
  std::uint64_t offset = 0;
  std::uint64_t value = 0;
  auto operator<=>(const Mark&) const = default;
};

constexpr std::uint64_t mark_size(std::uint64_t offset) noexcept {
  return std::min<std::uint64_t>(offset, kMark);
}

}  // namespace syncd::jobs
