#include "jobs/component.hpp"

#include <fmt/format.h>

#include "config/suggest.hpp"

namespace syncd::jobs {

bool PlanContext::require_connection(const config::Table& table, const std::string& name,
                                     std::string_view type) const {
  const auto found = config.connections.find(name);
  if (found == config.connections.end()) {
    std::vector<std::string> names;
    for (const auto& [known, connection] : config.connections) {
      if (connection.type == type) names.push_back(known);
    }
    table.fail("connection", config::unknown_text(fmt::format("{} connection", type), name, names));
    return false;
  }
  if (found->second.type != type) {
    table.fail("connection", fmt::format("connection {} is of type {}, {} is needed", config::quoted(name),
                                         config::quoted(found->second.type), config::quoted(type)));
    return false;
  }
  return true;
}

}  // namespace syncd::jobs
