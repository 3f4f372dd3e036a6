// JsonSchema: the part of JSON Schema that describes an answer: types, values, objects, arrays, limits,
// alternatives.  What it does not know it refuses when it is read, so that nothing is left unchecked.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace syncd::jobs {

class JsonSchema {
 public:
  // Throws a Config error that names the place.
  explicit JsonSchema(std::string_view text);

  // The first place where `value` is not as it should be, and why: "/items/0: ..."; "" where all is well.
  std::string complaint(const nlohmann::json& value) const;

 private:
  nlohmann::json schema_;
};

}  // namespace syncd::jobs
