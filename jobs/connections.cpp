#include "jobs/connections.hpp"

#include "config/suggest.hpp"
#include "daemon/policy/circuit_breaker.hpp"
#include "daemon/postgres/options.hpp"
#include "daemon/postgres/pool.hpp"
#include "daemon/redis/options.hpp"
#include "daemon/redis/pool.hpp"
#include "daemon/status/relay.hpp"
#include "daemon/store/llm_journal.hpp"
#include "jobs/llm/provider.hpp"

namespace syncd::jobs {

struct Connections::One {
  explicit One(const config::Connection& connection)
      : type(connection.type),
        table(connection.table),
        leaves(table.leaves(config::Table::Secrets::kFetched)) {}
  std::string type;
  config::Table table;
  config::Leaves leaves;  // with `type`
  std::unique_ptr<postgres::Pool> postgres;
  std::unique_ptr<redis::Pool> redis;
  std::unique_ptr<llm::Provider> model;
  policy::CircuitBreaker breaker;
};

Connections::Connections(loop::EventLoop& loop, const std::map<std::string, config::Connection>& connections,
                         const Connections* before)
    : loop_(loop),
      llm_journal_(before == nullptr ? nullptr : before->llm_journal_),
      relay_(before == nullptr ? std::make_shared<status::Relay>() : before->relay_) {
  for (const auto& [name, connection] : connections) {
    auto one = std::make_shared<One>(connection);
    if (before != nullptr) {
      const auto old = before->all_.find(name);
      if (old != before->all_.end() && old->second->leaves == one->leaves) one = old->second;
    }
    all_.emplace(name, std::move(one));
  }
}
Connections::~Connections() = default;

void Connections::check(const std::map<std::string, config::Connection>& connections) {
  for (const auto& [name, connection] : connections) {
    if (connection.table.refused("type")) continue;
    if (connection.type == "postgres") {
      postgres::Options options;
      postgres::option_fields().read(connection.table, options);
    } else if (connection.type == "redis") {
      redis::Options options;
      redis::option_fields().read(connection.table, options);
    } else if (const llm::Vendor* vendor = llm::find_vendor(connection.type)) {
      llm::Options options;
      vendor->make(connection.table, options);
      llm::read_prices(options.prices);
    } else {
      std::vector<std::string> known = {"postgres", "redis"};
      for (const llm::Vendor* each : llm::vendors()) known.emplace_back(each->type);
      connection.table.fail("type", config::unknown_text("connection type", connection.type, known));
    }
  }
}

postgres::Pool& Connections::postgres(const std::string& name) {
  One& one = *all_.at(name);
  if (!one.postgres) {
    postgres::Options options;
    postgres::option_fields().read(one.table, options);
    one.postgres = std::make_unique<postgres::Pool>(loop_, name, std::move(options));
  }
  return *one.postgres;
}

redis::Pool& Connections::redis(const std::string& name) {
  One& one = *all_.at(name);
  if (!one.redis) {
    redis::Options options;
    redis::option_fields().read(one.table, options);
    one.redis = std::make_unique<redis::Pool>(loop_, name, std::move(options));
  }
  return *one.redis;
}

llm::Provider& Connections::model(const std::string& name) {
  One& one = *all_.at(name);
  if (!one.model) one.model = std::make_unique<llm::Provider>(loop_, name, one.type, one.table);
  return *one.model;
}

std::shared_ptr<store::LlmJournal> Connections::llm_journal(const std::filesystem::path& state_dir) {
  if (!llm_journal_) {
    llm_journal_ = std::make_shared<store::LlmJournal>(state_dir.empty() ? ":memory:" : state_dir / "llm.db");
  }
  return llm_journal_;
}

policy::CircuitBreaker& Connections::breaker(const std::string& name) const { return all_.at(name)->breaker; }

std::vector<std::string> Connections::names() const {
  std::vector<std::string> names;
  for (const auto& [name, one] : all_) names.push_back(name);
  return names;
}

std::vector<std::string> Connections::changed_keys(const Connections& before, const std::string& name) const {
  return config::changed_keys(before.all_.at(name)->leaves, all_.at(name)->leaves);
}

}  // namespace syncd::jobs
