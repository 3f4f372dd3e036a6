#include "jobs/connections.hpp"

#include "config/suggest.hpp"
#include "daemon/postgres/options.hpp"
#include "daemon/postgres/pool.hpp"
#include "daemon/redis/options.hpp"
#include "daemon/redis/pool.hpp"

namespace syncd::jobs {

Connections::Connections(loop::EventLoop& loop, const std::map<std::string, config::Connection>& connections)
    : loop_(loop), connections_(connections) {}
Connections::~Connections() = default;

void Connections::check(const std::map<std::string, config::Connection>& connections) {
  for (const auto& [name, connection] : connections) {
    if (connection.type == "postgres") {
      postgres::Options options;
      postgres::option_fields().read(connection.table, options);
    } else if (connection.type == "redis") {
      redis::Options options;
      redis::option_fields().read(connection.table, options);
    } else {
      connection.table.fail("type",
                            config::unknown_text("connection type", connection.type, {"postgres", "redis"}));
    }
  }
}

postgres::Pool& Connections::postgres(const std::string& name) {
  auto& pool = postgres_[name];
  if (!pool) {
    postgres::Options options;
    postgres::option_fields().read(connections_.at(name).table, options);
    pool = std::make_unique<postgres::Pool>(loop_, name, std::move(options));
  }
  return *pool;
}

redis::Pool& Connections::redis(const std::string& name) {
  auto& pool = redis_[name];
  if (!pool) {
    redis::Options options;
    redis::option_fields().read(connections_.at(name).table, options);
    pool = std::make_unique<redis::Pool>(loop_, name, std::move(options));
  }
  return *pool;
}

}  // namespace syncd::jobs
