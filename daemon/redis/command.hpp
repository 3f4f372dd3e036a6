// Commands as bytes of the Redis protocol (RESP2), formatted by hand into one buffer: no allocation per
// command.  Format: https://redis.io/docs/reference/protocol-spec/
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace syncd::redis {

class CommandBuffer {
 public:
  // The header of a command with `arguments` arguments (its name is one of them); then argument() each.
  CommandBuffer& command(std::size_t arguments) {
    char* out = room(kHeader);
    *out++ = '*';
    filled(put_number(out, arguments));
    ++count_;
    return *this;
  }
  CommandBuffer& argument(std::string_view text) {
    char* out = room(kHeader + text.size() + 2);
    *out++ = '$';
    out = put_number(out, text.size());
    out = put(out, text);
    filled(put(out, "\r\n"));
    return *this;
  }
  CommandBuffer& argument(std::uint64_t number) {
    const fmt::format_int digits(number);
    return argument(std::string_view(digits.data(), digits.size()));
  }
  // Bytes that are formatted already, as argument() would.
  CommandBuffer& raw(std::string_view formatted) {
    filled(put(room(formatted.size()), formatted));
    return *this;
  }
  template <class... Args>
  CommandBuffer& add(const Args&... args) {
    command(sizeof...(args));
    (argument(args), ...);
    return *this;
  }

  // All commands of another buffer.
  CommandBuffer& append(const CommandBuffer& other) {
    raw(other.view());
    count_ += other.count_;
    return *this;
  }
  // Back to what view().size() and commands() were.
  void truncate(std::size_t bytes, std::size_t commands) noexcept {
    size_ = bytes;
    count_ = commands;
  }
  std::string_view view() const noexcept { return {bytes_.data(), size_}; }
  std::size_t commands() const noexcept { return count_; }
  void clear() noexcept { truncate(0, 0); }

  static std::string formatted(std::string_view text) {
    CommandBuffer buffer;
    buffer.argument(text);
    return std::string(buffer.view());
  }

 private:
  static constexpr std::size_t kHeader = 1 + 20 + 2;  // '*' or '$', any number, CRLF

  // At least `bytes` to write to; filled() says how far.  By pointer: appending to a std::string looks at its
  // capacity for every piece, which cost more than the bytes themselves.
  char* room(std::size_t bytes) {
    if (bytes_.size() < size_ + bytes) bytes_.resize(std::max(2 * bytes_.size(), size_ + bytes));
    return bytes_.data() + size_;
  }
  void filled(const char* end) noexcept { size_ = static_cast<std::size_t>(end - bytes_.data()); }

  static char* put(char* out, std::string_view text) noexcept {
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    return out + text.size();
  }
  static char* put_number(char* out, std::size_t number) noexcept {
    if (number < 10) {  // nearly all of them
      *out++ = static_cast<char>('0' + number);
    } else {
      const fmt::format_int digits(number);
      out = put(out, {digits.data(), digits.size()});
    }
    return put(out, "\r\n");
  }

  std::string bytes_;  // all of it may be written to, size_ of it is
  std::size_t size_ = 0;
  std::size_t count_ = 0;
};

}  // namespace syncd::redis
