// Tables as flat values, for comparing two configurations.
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "config/table.hpp"
#include "config/value.hpp"

namespace syncd::config {
namespace {

std::string as_written(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

// The secret behind { credential = "NAME" }, { env = "NAME" } or { file = "/path" }; nullopt where it is none
// of them, or cannot be fetched.
std::optional<Secret> behind(const toml::table& table) {
  if (table.size() != 1) return std::nullopt;
  const auto only = table.begin();  // what it points to lives in the iterator
  const auto& [key, node] = *only;
  const auto* name = node.as_string();
  if (name == nullptr) return std::nullopt;
  try {
    if (key == "credential") return fetch_secret(SecretOrigin::kCredential, name->get());
    if (key == "env") return fetch_secret(SecretOrigin::kEnvironment, name->get());
    if (key == "file") return fetch_secret(SecretOrigin::kFile, name->get());
  } catch (const ValueError&) {
  }
  return std::nullopt;
}

void gather(const toml::node& node, const std::string& path, Table::Secrets secrets, Leaves& leaves) {
  const toml::table* table = node.as_table();
  const toml::array* array = node.as_array();
  if (table != nullptr && !table->empty()) {
    const auto secret = secrets == Table::Secrets::kFetched ? behind(*table) : std::nullopt;
    if (secret) {
      leaves.emplace(path, *secret);
      return;
    }
    for (const auto& [key, inner] : *table) {
      std::string below = path.empty() ? "" : path + ".";
      gather(inner, below.append(key.str()), secrets, leaves);
    }
  } else if (array != nullptr && array->is_array_of_tables()) {
    std::size_t count = 0;
    for (const toml::node& inner : *array) {
      gather(inner, path + "#" + std::to_string(++count), secrets, leaves);
    }
  } else {
    leaves.emplace(path, Secret(as_written(node)));
  }
}

}  // namespace

Leaves Table::leaves(Secrets secrets) const {
  Leaves leaves;
  if (node_ != nullptr) gather(*static_cast<const toml::table*>(node_), "", secrets, leaves);
  return leaves;
}

std::vector<std::string> changed_keys(const Leaves& before, const Leaves& after) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : before) {
    const auto now = after.find(key);
    if (now == after.end() || !(now->second == value)) keys.push_back(key);
  }
  for (const auto& [key, value] : after) {
    if (!before.contains(key)) keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace syncd::config
