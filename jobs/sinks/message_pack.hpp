// Values in MessagePack, as Redis' Lua reads them with cmsgpack.  Format:
// https://github.com/msgpack/msgpack/blob/master/spec.md
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace syncd::jobs {

class MessagePack {
 public:
  void text(std::string_view text) {
    if (text.size() < 32) {
      bytes_ += static_cast<char>(0xA0 | text.size());
    } else if (text.size() < 0x100) {
      head(0xD9, text.size(), 1);
    } else if (text.size() < 0x10000) {
      head(0xDA, text.size(), 2);
    } else {
      head(0xDB, text.size(), 4);
    }
    bytes_.append(text);
  }
  void number(std::uint32_t number) {
    if (number < 0x80) {
      bytes_ += static_cast<char>(number);
    } else {
      head(0xCE, number, 4);
    }
  }
  void nil() { bytes_ += static_cast<char>(0xC0); }

  std::string_view view() const noexcept { return bytes_; }
  void clear() noexcept { bytes_.clear(); }

 private:
  // A type, and `width` bytes of its length or value, the highest first.
  void head(unsigned type, std::size_t value, int width) {
    bytes_ += static_cast<char>(type);
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) {
      bytes_ += static_cast<char>((value >> shift) & 0xFF);
    }
  }
  std::string bytes_;
};

}  // namespace syncd::jobs
