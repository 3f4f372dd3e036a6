#include "daemon/redis/command_text.hpp"

#include <charconv>

#include "daemon/base/escape.hpp"

namespace syncd::redis {
namespace {

// Reads what CommandBuffer wrote, which is trusted.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  bool done() const noexcept { return left_.empty(); }
  // The number behind '*' or '$', up to its line end.
  std::size_t number() {
    std::size_t value = 0;
    const char* end = std::from_chars(left_.data() + 1, left_.data() + left_.size(), value).ptr;
    left_.remove_prefix(static_cast<std::size_t>(end - left_.data()) + 2);
    return value;
  }
  std::string_view text() {
    const std::size_t size = number();
    const std::string_view found = left_.substr(0, size);
    left_.remove_prefix(size + 2);
    return found;
  }

 private:
  std::string_view left_;
};

bool plain(std::string_view word) {
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || c == '"' || c == '\'' || c == '\\') return false;
  }
  return !word.empty();
}

void append_hex(std::string& out, std::string_view bytes) {
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
}

std::string quoted(std::string_view word) {
  std::string out = "\"";
  while (!word.empty()) {
    const std::string_view character = word.substr(0, std::max<std::size_t>(utf8_length(word), 1));
    word.remove_prefix(character.size());
    if (character == "\"" || character == "\\") {
      out += '\\';
      out += character;
    } else if (character == "\n") {
      out += "\\n";
    } else if (character == "\t") {
      out += "\\t";
    } else if (character == "\r") {
      out += "\\r";
    } else if (escaped(character) == character) {
      out += character;
    } else {
      append_hex(out, character);
    }
  }
  return out + '"';
}

}  // namespace

std::vector<std::string> command_lines(const CommandBuffer& commands) {
  std::vector<std::string> lines;
  Reader bytes(commands.view());
  while (!bytes.done()) {
    std::string line;
    for (std::size_t words = bytes.number(); words > 0; --words) {
      const std::string_view word = bytes.text();
      if (!line.empty()) line += ' ';
      line += plain(word) ? std::string(word) : quoted(word);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace syncd::redis
