// What an object of JSON has, for comparisons with what the interface declares.
#pragma once
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace syncd::control::test {

inline std::set<std::string> keys_of(const nlohmann::json& json) {
  std::set<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.insert(key);
  return keys;
}

}  // namespace syncd::control::test
