// The words of findings about values.
#include <fmt/format.h>

#include "config/table.hpp"

namespace syncd::config {

std::string_view with_article(Type type) {
  switch (type) {
    case Type::kString:
      return "a string";
    case Type::kInteger:
      return "an integer";
    case Type::kFloat:
      return "a number";
    case Type::kBoolean:
      return "a boolean";
    case Type::kTable:
      return "a table";
    case Type::kArray:
      return "a list";
    case Type::kDateTime:
      return "a date or time";
    case Type::kAbsent:
      break;
  }
  return "nothing";
}

std::string wrong_type(std::string_view key, std::string_view wanted, Type found) {
  return fmt::format("'{}' must be {}, found {}", key, wanted, with_article(found));
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string clean = redact_uri(text);
  if (clean.size() > kShown) {
    std::size_t end = kShown;
    while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xC0U) == 0x80U) --end;
    clean = clean.substr(0, end) + "...";
  }
  return '\'' + clean + '\'';
}

}  // namespace syncd::config
