#include "config/packed_leaves.hpp"

#include <charconv>
#include <cstring>

namespace syncd::config {
namespace {

void append(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

std::string_view take(std::string_view& rest) {
  std::size_t size = 0;
  const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), size).ptr;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
  const std::string_view text = rest.substr(0, size);
  rest.remove_prefix(size);
  return text;
}

}  // namespace

PackedLeaves::PackedLeaves(const Leaves& leaves) {
  constexpr std::size_t kLengths = 2 * 21;
  std::size_t most = 0;
  for (const auto& [key, value] : leaves) most += key.size() + value.reveal().size() + kLengths;
  std::string text;
  text.reserve(most);  // a buffer that grows would leave secrets behind
  for (const auto& [key, value] : leaves) {
    append(text, key);
    append(text, value.reveal());
  }
  text_ = Secret(text);
  explicit_bzero(text.data(), text.size());
}

Leaves PackedLeaves::unpacked() const {
  Leaves leaves;
  for (std::string_view rest = text_.reveal(); !rest.empty();) {
    const std::string_view key = take(rest);
    leaves.emplace(key, take(rest));
  }
  return leaves;
}

}  // namespace syncd::config
