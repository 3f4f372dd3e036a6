#include "daemon/http/headers.hpp"

#include <algorithm>
#include <cctype>

namespace syncd::http {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

void Headers::add_line(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(trimmed(line.substr(0, colon)));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  fields_.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
}

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept {
  for (const auto& [known, value] : fields_) {
    if (known == name) return std::string_view(value);
  }
  return std::nullopt;
}

}  // namespace syncd::http
