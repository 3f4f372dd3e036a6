// Commands as bytes of the Redis protocol (RESP2), formatted by hand into one buffer: no allocation per
// command.  Format: https://redis.io/docs/reference/protocol-spec/
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>

namespace syncd::redis {

class CommandBuffer {
 public:
  // The header of a command with `arguments` arguments (its name is one of them); then argument() each.
  CommandBuffer& command(std::size_t arguments) {
    bytes_ += '*';
    append_number(arguments);
    ++count_;
    return *this;
  }
  CommandBuffer& argument(std::string_view text) {
    bytes_ += '$';
    append_number(text.size());
    bytes_.append(text);
    bytes_.append("\r\n", 2);
    return *this;
  }
  CommandBuffer& argument(std::uint64_t number) {
    const fmt::format_int digits(number);
    return argument(std::string_view(digits.data(), digits.size()));
  }
  // Bytes that are formatted already, as argument() would.
  CommandBuffer& raw(std::string_view formatted) {
    bytes_.append(formatted);
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
    bytes_.append(other.bytes_);
    count_ += other.count_;
    return *this;
  }
  // Back to what view().size() and commands() were.
  void truncate(std::size_t bytes, std::size_t commands) {
    bytes_.resize(bytes);
    count_ = commands;
  }
  std::string_view view() const noexcept { return bytes_; }
  std::size_t commands() const noexcept { return count_; }
  void clear() noexcept {
    bytes_.clear();
    count_ = 0;
  }

  static std::string formatted(std::string_view text) {
    CommandBuffer buffer;
    buffer.argument(text);
    return std::move(buffer.bytes_);
  }

 private:
  void append_number(std::size_t number) {
    const fmt::format_int digits(number);
    bytes_.append(digits.data(), digits.size());
    bytes_.append("\r\n", 2);
  }
  std::string bytes_;
  std::size_t count_ = 0;
};

}  // namespace syncd::redis
