// Names of enumerators as the operator writes them.  An enum becomes a config type by a function that
// is found by its argument, beside the enum:
//   constexpr auto enum_names(Colour) { return std::array{EnumName("red", Colour::kRed), ...}; }
#pragma once

#include <string_view>
#include <type_traits>

namespace syncd::config {

template <class E>
struct EnumName {
  constexpr EnumName(std::string_view n, E v) : name(n), value(v) {}

  std::string_view name;
  E value;
};

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) {
  enum_names(value);
};

// The name of a value; "?" for one without a name.
template <NamedEnum E>
constexpr std::string_view enum_text(E value) {
  for (const auto& entry : enum_names(value)) {
    if (entry.value == value) return entry.name;
  }
  return "?";
}

}  // namespace syncd::config
