#include "jobs/component.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/suggest.hpp"
#include "daemon/loop/worker.hpp"
#include "jobs/connections.hpp"

namespace syncd::jobs {

std::shared_ptr<loop::Worker> RunContext::worker() {
  auto worker = worker_.lock();
  if (!worker) {
    worker = std::make_shared<loop::Worker>(connections.loop(), "work");
    worker_ = worker;
  }
  return worker;
}

Batches Source::read_range(Positions, Range) {
  throw Error(ErrorKind::Config, "this source cannot read a part of itself");
}

Task<Rewind> Source::rewind(std::string where, Positions) {
  Position to = co_await position_at(std::move(where));
  co_return Rewind(std::move(to));
}

bool PlanContext::require_connection(const config::Table& table, const std::string& name,
                                     std::string_view type) const {
  if (table.refused("connection")) return false;
  std::vector<std::string> fitting;
  for (const auto& [known, connection] : config.connections) {
    if (connection.type == type) fitting.push_back(known);
  }
  const auto found = config.connections.find(name);
  if (found == config.connections.end()) {
    table.fail("connection", config::unknown_text(fmt::format("{} connection", type), name, fitting));
    return false;
  }
  if (found->second.table.refused("type")) return false;
  if (found->second.type != type) {
    table.fail("connection",
               fmt::format("connection {} is of type {}, {} is needed{}{}", config::quoted(name),
                           config::quoted(found->second.type), config::quoted(type),
                           fitting.empty() ? "" : "; known: ", fmt::join(fitting, ", ")));
    return false;
  }
  return true;
}

}  // namespace syncd::jobs
