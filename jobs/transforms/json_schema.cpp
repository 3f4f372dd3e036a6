#include "jobs/transforms/json_schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "daemon/base/error.hpp"

namespace syncd::jobs {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kShown = 60;  // of a value, in a complaint

// Say nothing about what is allowed.
constexpr std::array kAnnotations = {"$schema", "$id",     "$comment", "title",
                                     "format",  "default", "examples", "description"};
constexpr std::array kCounts = {"minItems", "maxItems", "minLength", "maxLength"};
constexpr std::array kBounds = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
constexpr std::array kAlternatives = {"anyOf", "oneOf", "allOf"};
constexpr std::array kTypes = {"null", "boolean", "object", "array", "string", "number", "integer"};

template <std::size_t N>
bool among(const std::array<const char*, N>& all, const std::string& name) {
  return std::any_of(all.begin(), all.end(), [&](const char* one) { return name == one; });
}

std::string at(const std::string& path) { return path.empty() ? "at the top" : "at " + path; }

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  return text;
}

// --- reading the schema -------------------------------------------------------------------------------

void demand(bool good, const std::string& path, const std::string& what) {
  if (!good) throw Error(ErrorKind::Config, fmt::format("{} {}", at(path), what));
}

bool is_type(const Json& json) { return json.is_string() && among(kTypes, json.get<std::string>()); }

template <class F>
bool list_of(const Json& json, F good) {
  return json.is_array() && !json.empty() && std::all_of(json.begin(), json.end(), good);
}

void check(const Json& schema, const std::string& path);

void check_all(const Json& schemas, const std::string& path) {
  for (const auto& [key, each] : schemas.items()) check(each, path + "/" + key);
}

void check_keyword(const std::string& name, const Json& value, const std::string& path) {
  const std::string here = path + "/" + name;
  if (name == "type") {
    demand(is_type(value) || list_of(value, is_type), here, "must be a type, or a list of types");
  } else if (name == "enum") {
    demand(value.is_array() && !value.empty(), here, "must be a list of values");
  } else if (name == "required") {
    demand(value.is_array() &&
               std::all_of(value.begin(), value.end(), [](const Json& s) { return s.is_string(); }),
           here, "must be a list of names");
  } else if (name == "properties") {
    demand(value.is_object(), here, "must be an object");
    check_all(value, here);
  } else if (name == "items" || name == "additionalProperties") {
    check(value, here);
  } else if (among(kAlternatives, name)) {
    demand(value.is_array() && !value.empty(), here, "must be a list of schemas");
    check_all(value, here);
  } else if (among(kCounts, name)) {
    demand(value.is_number_unsigned(), here, "must be a count");
  } else if (among(kBounds, name)) {
    demand(value.is_number(), here, "must be a number");
  } else {
    demand(name == "const" || among(kAnnotations, name), here, "is a keyword that is not known");
  }
}

void check(const Json& schema, const std::string& path) {
  demand(schema.is_object() || schema.is_boolean(), path, "must be a schema: an object, true or false");
  if (!schema.is_object()) return;
  for (const auto& [name, value] : schema.items()) check_keyword(name, value, path);
}

// --- reading an answer --------------------------------------------------------------------------------

bool is_integer(const Json& value) {
  if (value.is_number_integer()) return true;
  return value.is_number() && std::floor(value.get<double>()) == value.get<double>();
}

bool is_a(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  return is_integer(value);
}

// Characters of UTF-8.
std::size_t length(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

std::string complaint_of(const Json& schema, const Json& value, const std::string& path);

std::string wrong_size(const Json& schema, const char* least, const char* most, std::size_t size,
                       const char* what) {
  if (schema.contains(least) && size < schema[least].get<std::size_t>())
    return fmt::format("has {} {}, at least {} are wanted", size, what, schema[least].get<std::size_t>());
  if (schema.contains(most) && size > schema[most].get<std::size_t>())
    return fmt::format("has {} {}, at most {} are allowed", size, what, schema[most].get<std::size_t>());
  return "";
}

std::string wrong_number(const Json& schema, const Json& value) {
  const auto beyond = [&](const char* name, auto outside) {
    return schema.contains(name) && outside(value, schema[name]);
  };
  const auto less = [](const Json& a, const Json& b) { return a < b; };
  const auto more = [](const Json& a, const Json& b) { return a > b; };
  const auto at_most = [](const Json& a, const Json& b) { return a <= b; };
  const auto at_least = [](const Json& a, const Json& b) { return a >= b; };
  if (beyond("minimum", less) || beyond("exclusiveMinimum", at_most)) return shown(value) + " is too small";
  if (beyond("maximum", more) || beyond("exclusiveMaximum", at_least)) return shown(value) + " is too large";
  return "";
}

// About the value by itself.
std::string wrong_value(const Json& schema, const Json& value) {
  if (schema.contains("type")) {
    const Json& type = schema["type"];
    const bool fits = type.is_string() ? is_a(value, type.get<std::string>())
                                       : std::any_of(type.begin(), type.end(), [&](const Json& one) {
                                           return is_a(value, one.get<std::string>());
                                         });
    if (!fits) return fmt::format("{} is not of type {}", shown(value), type.dump());
  }
  if (schema.contains("const") && value != schema["const"])
    return fmt::format("{} is not {}", shown(value), shown(schema["const"]));
  if (schema.contains("enum")) {
    const Json& all = schema["enum"];
    if (std::find(all.begin(), all.end(), value) == all.end())
      return fmt::format("{} is none of {}", shown(value), shown(all));
  }
  if (value.is_number()) return wrong_number(schema, value);
  if (value.is_string())
    return wrong_size(schema, "minLength", "maxLength", length(value.get_ref<const std::string&>()),
                      "characters");
  if (value.is_array()) return wrong_size(schema, "minItems", "maxItems", value.size(), "items");
  return "";
}

std::string wrong_object(const Json& schema, const Json& value, const std::string& path) {
  if (schema.contains("required")) {
    for (const Json& name : schema["required"]) {
      if (!value.contains(name.get<std::string>()))
        return fmt::format("{}: {} is missing", at(path), name.dump());
    }
  }
  const Json none = Json::object();
  const Json& known = schema.contains("properties") ? schema["properties"] : none;
  for (const auto& [name, member] : value.items()) {
    const std::string here = path + "/" + name;
    std::string wrong;
    if (known.contains(name)) {
      wrong = complaint_of(known[name], member, here);
    } else if (schema.contains("additionalProperties")) {
      wrong = complaint_of(schema["additionalProperties"], member, here);
    }
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::string wrong_alternatives(const Json& schema, const Json& value, const std::string& path) {
  for (const char* name : kAlternatives) {
    if (!schema.contains(name)) continue;
    std::size_t met = 0;
    std::string first;
    for (const Json& one : schema[name]) {
      const std::string wrong = complaint_of(one, value, path);
      if (wrong.empty()) ++met;
      if (first.empty()) first = wrong;
    }
    const std::string word = name;
    if (word == "allOf" && met < schema[name].size()) return first;
    if (met == 0) return first;
    if (word == "oneOf" && met > 1) return fmt::format("{}: {} of oneOf are met", at(path), met);
  }
  return "";
}

std::string complaint_of(const Json& schema, const Json& value, const std::string& path) {
  if (schema.is_boolean()) return schema.get<bool>() ? "" : at(path) + ": nothing is allowed here";
  if (std::string wrong = wrong_value(schema, value); !wrong.empty())
    return fmt::format("{}: {}", at(path), wrong);
  if (value.is_object()) {
    if (std::string wrong = wrong_object(schema, value, path); !wrong.empty()) return wrong;
  }
  if (value.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string wrong = complaint_of(schema["items"], value[i], fmt::format("{}/{}", path, i));
      if (!wrong.empty()) return wrong;
    }
  }
  return wrong_alternatives(schema, value, path);
}

}  // namespace

JsonSchema::JsonSchema(std::string_view text) : schema_(Json::parse(text, nullptr, false)) {
  demand(!schema_.is_discarded(), "", "is no JSON");
  check(schema_, "");
}

std::string JsonSchema::complaint(const Json& value) const { return complaint_of(schema_, value, ""); }

}  // namespace syncd::jobs
