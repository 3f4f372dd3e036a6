#include "jobs/columns.hpp"

#include <algorithm>
#include <numeric>

#include "config/suggest.hpp"

namespace syncd::jobs {

bool check_columns(const config::Table& table, std::string_view key, const Stream& stream,
                   const std::vector<std::string>& names) {
  if (table.refused(key)) return false;
  if (!stream.columns) return true;
  bool all = true;
  for (const std::string& name : names) {
    if (std::find(stream.columns->begin(), stream.columns->end(), name) != stream.columns->end()) continue;
    table.fail(key, config::unknown_text("column", name, *stream.columns));
    all = false;
  }
  return all;
}

std::vector<std::size_t> resolve_columns(const Schema& schema, const std::vector<std::string>& names,
                                         std::string_view doing) {
  std::vector<std::size_t> found;
  for (const std::string& name : names) {
    const auto index = schema.find(name);
    if (!index) {
      throw Error(ErrorKind::Config,
                  std::string(doing) + ": " + config::unknown_text("column", name, schema.columns()));
    }
    found.push_back(*index);
  }
  return found;
}

std::vector<std::size_t> chosen_columns(const Schema& schema, const std::vector<std::string>& fields) {
  if (!fields.empty()) return resolve_columns(schema, fields, "fields");
  std::vector<std::size_t> columns(schema.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  return columns;
}

}  // namespace syncd::jobs
