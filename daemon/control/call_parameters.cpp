#include "daemon/control/call_parameters.hpp"

#include <algorithm>

namespace syncd::control {

Parameters::Parameters(const Json& json, const std::vector<std::string>& known) : json_(json) {
  for (const auto& [name, value] : json.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) throw InvalidParameter(name, "unknown");
  }
}

const Json* Parameters::member(const char* name) const {
  const auto found = json_.find(name);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> Parameters::optional_text(const char* name) const {
  const Json* found = member(name);
  if (!found) return std::nullopt;
  if (!found->is_string()) throw InvalidParameter(name, "not a string");
  return found->get<std::string>();
}

std::string Parameters::text(const char* name) const {
  auto found = optional_text(name);
  if (!found) throw InvalidParameter(name, "missing");
  return *std::move(found);
}

bool Parameters::flag(const char* name) const {
  const Json* found = member(name);
  if (!found) return false;
  if (!found->is_boolean()) throw InvalidParameter(name, "not true or false");
  return found->get<bool>();
}

const Json& Parameters::object(const char* name) const {
  const Json* found = member(name);
  if (!found) throw InvalidParameter(name, "missing");
  if (!found->is_object()) throw InvalidParameter(name, "not an object");
  return *found;
}

std::uint64_t Parameters::count(const char* name, std::uint64_t fallback, std::uint64_t least,
                                std::uint64_t most) const {
  const Json* found = member(name);
  if (!found) return fallback;
  const bool whole = found->is_number_unsigned();
  if (!whole || found->get<std::uint64_t>() < least || found->get<std::uint64_t>() > most) {
    throw InvalidParameter(
        name, "not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return found->get<std::uint64_t>();
}

std::optional<WallTime> Parameters::time(const char* name) const {
  const Json* found = member(name);
  if (!found) return std::nullopt;
  const auto time = wall_time_from_json(*found);
  if (!time) throw InvalidParameter(name, "not microseconds since 1970");
  return time;
}

}  // namespace syncd::control
