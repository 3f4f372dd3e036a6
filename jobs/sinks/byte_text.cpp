#include "jobs/sinks/byte_text.hpp"

#include <fmt/format.h>

#include <charconv>

#include "daemon/base/escape.hpp"

namespace syncd::jobs {

std::string byte_text(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t size = utf8_length(bytes.substr(i));
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (size == 0 || byte < 0x20 || byte == '%') {
      out += fmt::format("%{:02X}", byte);
      ++i;
    } else {
      out += bytes.substr(i, size);
      i += size;
    }
  }
  return out;
}

std::string bytes_of(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 2 >= text.size()) {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

}  // namespace syncd::jobs
