#include "daemon/postgres/name.hpp"

namespace syncd::postgres {
namespace {

bool plain_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool plain(char c) { return plain_start(c) || (c >= '0' && c <= '9') || c == '$'; }

}  // namespace

std::string quote_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::optional<TableName> TableName::parse(std::string_view text) {
  TableName name;
  std::size_t i = 0;
  while (true) {
    std::string part;
    if (i < text.size() && text[i] == '"') {
      for (++i;; ++i) {
        if (i >= text.size() || text[i] == '\0') return std::nullopt;
        if (text[i] != '"') {
          part += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == '"') {
          part += text[i++];
        } else {
          break;
        }
      }
      ++i;
    } else {
      if (i >= text.size() || !plain_start(text[i])) return std::nullopt;
      for (; i < text.size() && plain(text[i]); ++i) {
        part += text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
      }
    }
    if (part.empty()) return std::nullopt;
    name.parts_.push_back(std::move(part));
    if (i == text.size()) break;
    if (text[i] != '.' || name.parts_.size() == 2) return std::nullopt;
    ++i;
  }
  return name;
}

std::string TableName::quoted() const {
  std::string out;
  for (const std::string& part : parts_) out += (out.empty() ? "" : ".") + quote_identifier(part);
  return out;
}

}  // namespace syncd::postgres
