// The parts of Fields that do not depend on the options; compiled once.
#include "config/fields.hpp"

#include <fmt/format.h>

namespace syncd::config::detail {

void bad_declaration(const std::string& key, const std::string& why) {
  throw std::logic_error(fmt::format("declaration of '{}': {}", key, why));
}

Bound fit_bound(const std::type_info& type, Bound bound, const std::string& key) {
  if (type == typeid(double) && std::holds_alternative<std::int64_t>(bound)) {
    bound = static_cast<double>(std::get<std::int64_t>(bound));
  }
  const bool durations = type == typeid(std::chrono::nanoseconds) || type == typeid(DurationRange);
  const bool integers = type == typeid(int) || type == typeid(unsigned) || type == typeid(long) ||
                        type == typeid(unsigned long) || type == typeid(long long) ||
                        type == typeid(unsigned long long) || type == typeid(short) ||
                        type == typeid(unsigned short) || type == typeid(signed char) ||
                        type == typeid(unsigned char);
  const bool fits = (std::holds_alternative<double>(bound) && type == typeid(double)) ||
                    (std::holds_alternative<Bytes>(bound) && type == typeid(Bytes)) ||
                    (std::holds_alternative<std::chrono::nanoseconds>(bound) && durations) ||
                    (std::holds_alternative<std::int64_t>(bound) && integers);
  if (!fits) bad_declaration(key, "a bound of another kind than its values");
  return bound;
}

std::string as_written(const std::string& type_name, std::string example) {
  for (const char* quoted_type : {"string", "duration", "duration range", "size", "address"}) {
    if (type_name == quoted_type) return '"' + example + '"';
  }
  return example;
}

void append_nested(const FieldDoc& parent, std::vector<FieldDoc> nested, std::vector<FieldDoc>& out) {
  for (FieldDoc& doc : nested) {
    doc.key = parent.key + '.' + doc.key;
    out.push_back(std::move(doc));
  }
}

void fail_required(const Table& table, const std::string& key) {
  table.fail(key, table.path().empty()
                      ? fmt::format("required key '{}' is missing", key)
                      : fmt::format("required key '{}' is missing in [{}]", key, table.path()));
}

}  // namespace syncd::config::detail
