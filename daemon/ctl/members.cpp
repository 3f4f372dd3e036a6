#include "daemon/ctl/members.hpp"

#include "daemon/base/escape.hpp"

namespace syncd::ctl {

using control::Json;

namespace {

// Null where there is none.
const Json& member(const Json& json, const char* key) {
  static const Json kNone;
  if (!json.is_object()) return kNone;
  const auto found = json.find(key);
  return found == json.end() ? kNone : *found;
}

}  // namespace

std::string text_of(const Json& json, const char* key) {
  const Json& found = member(json, key);
  return found.is_string() ? escaped(found.get<std::string>()) : std::string();
}

std::uint64_t count_of(const Json& json, const char* key) {
  const Json& found = member(json, key);
  return found.is_number_unsigned() ? found.get<std::uint64_t>() : 0;
}

std::optional<WallTime> time_of(const Json& json, const char* key) {
  return control::wall_time_from_json(member(json, key));
}

bool flag_of(const Json& json, const char* key) {
  const Json& found = member(json, key);
  return found.is_boolean() && found.get<bool>();
}

const Json& list_of(const Json& json, const char* key) {
  static const Json kNone = Json::array();
  const Json& found = member(json, key);
  return found.is_array() ? found : kNone;
}

const Json& object_of(const Json& json, const char* key) {
  static const Json kNone = Json::object();
  const Json& found = member(json, key);
  return found.is_object() ? found : kNone;
}

}  // namespace syncd::ctl
