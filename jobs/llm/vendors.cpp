#include "jobs/llm/vendors.hpp"

#include <algorithm>
#include <array>

namespace syncd::llm {

std::span<const Vendor* const> vendors() {
  static const std::array all = {&anthropic(), &openai()};
  return all;
}

const Vendor* find_vendor(std::string_view type) {
  const auto all = vendors();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Vendor* each) { return each->type == type; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace syncd::llm
