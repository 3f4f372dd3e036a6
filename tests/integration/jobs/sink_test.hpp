// A sink by itself, as its configuration makes it, against a real Redis.
#pragma once
#include <gtest/gtest.h>

#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs::test {

class SinkTest : public ::testing::Test, public Monitor, public BadRecords {
 protected:
  SinkTest() { use(redis_.uri(), "10s"); }

  // The address and the reply deadline of the connection that new sinks use.
  void use(const std::string& uri, const std::string& timeout) {
    connections_.reset();
    tables_.clear();
    config::Connection connection;
    connection.name = "cache";
    connection.type = "redis";
    connection.table = parsed("uri = \"" + uri + "\"\ntimeout = \"" + timeout + "\"\npool = 8");
    tables_.emplace("cache", std::move(connection));
    connections_ = std::make_unique<Connections>(loop_, tables_);
  }

  config::Table parsed(const std::string& toml) {
    const config::Findings findings;
    const auto table = config::Table::parse_text(toml, "job.toml", findings);
    EXPECT_TRUE(table.has_value()) << findings.text();
    return *table;
  }

  // The options of a sink that has one begin with its connection.
  std::string with_connection(const SinkKind& kind, const std::string& toml) {
    if (kind.type.starts_with("redis_")) return "connection = \"cache\"\n" + toml;
    if (!kind.type.starts_with("postgres_")) return toml;
    database();
    return "connection = \"app\"\n" + toml;
  }

  // The findings of planning `toml`, "" for none.
  std::string findings_of(const SinkKind& kind, const std::string& toml) {
    const config::Table table = parsed(with_connection(kind, toml));
    make_plan(kind, table);
    return table.findings().text();
  }

  std::unique_ptr<Sink> make(const SinkKind& kind, const std::string& toml, std::string instance = "one") {
    const config::Table table = parsed(with_connection(kind, toml));
    const auto plan = make_plan(kind, table);
    EXPECT_TRUE(table.findings().empty()) << table.findings().text();
    contexts_.push_back(
        std::make_unique<RunContext>(loop_, *connections_, *this, *this, "users", std::move(instance)));
    return plan.make(*contexts_.back());
  }

  // A sink that is open, and where it stands.
  std::unique_ptr<Sink> opened(const SinkKind& kind, const std::string& toml, std::string instance = "one") {
    auto sink = make(kind, toml, std::move(instance));
    positions_ = *syncd::test::run_task(loop_, sink->open());
    return sink;
  }

  void commit(Sink& sink, const Batch& batch) {
    syncd::test::run_task(loop_, sink.commit(batch, positions_.at("")));
    positions_.advance(batch.position());
  }
  void settle(Sink& sink, Settle why = Settle::CaughtUp) { syncd::test::run_task(loop_, sink.settle(why)); }
  Error commit_error(Sink& sink, const Batch& batch) {
    return syncd::test::error_of(loop_, sink.commit(batch, positions_.at("")));
  }

  std::string checkpoint() { return redis_.command({"HGET", "syncd:{users}:cp", "position"}).text; }
  std::string hash(const std::string& key) {
    std::string all;
    for (const std::string& text : redis_.command({"HGETALL", key}).texts())
      all += (all.empty() ? "" : " ") + text;
    return all;
  }

  void waiting_for(std::string) override {}
  void lag(std::optional<std::chrono::nanoseconds>, std::optional<std::uint64_t>) override {}
  void warn(std::string) override {}
  void take(const BadRecord& bad) override {
    bad_.push_back(bad);
    if (halt_) throw Error(ErrorKind::Data, bad.error);
  }

  Plan<Sink> make_plan(const SinkKind& kind, const config::Table& table) {
    config::Config config;
    config.connections = tables_;
    const config::Job job;
    PlanContext context(config, job);
    context.stream.columns = stream_columns_;
    return kind.plan(table, context);
  }

  // A database of this test with an empty table users(id, name), reached by the connection "app".
  const std::string& database() {
    if (!database_.empty()) return database_;
    auto& server = syncd::test::PostgresServer::shared();
    database_ = server.fresh_database();
    server.exec("CREATE TABLE users (id bigint PRIMARY KEY, name text)", database_);
    use_postgres(server.socket_uri(database_));
    return database_;
  }
  // The address of the connection "app" that sinks use which are made from now on.
  void use_postgres(const std::string& uri) {
    config::Connection connection;
    connection.name = "app";
    connection.type = "postgres";
    connection.table = parsed("uri = \"" + uri + "\"\npool = 8");
    tables_.insert_or_assign("app", std::move(connection));
    connections_ = std::make_unique<Connections>(loop_, tables_);
  }

  std::vector<std::string> stream_columns_{"id", "name"};
  syncd::test::RedisServer redis_;
  syncd::test::TempDir folder_;
  std::string database_;
  loop::EventLoop loop_;
  std::map<std::string, config::Connection> tables_;
  std::unique_ptr<Connections> connections_;
  std::vector<std::unique_ptr<RunContext>> contexts_;
  Positions positions_;
  std::vector<BadRecord> bad_;
  bool halt_ = false;
};

// Rows (id, name), NULL where the name is nullopt, reaching "pN" after row N.
inline Batch users(std::size_t first, const std::vector<std::optional<std::string>>& names) {
  static const auto columns = std::make_shared<const Schema>(
      std::vector<std::string>{"id", "name"}, std::vector<ColumnKind>{ColumnKind::Number, ColumnKind::Text});
  Batch batch(columns, Position("", "p" + std::to_string(first + names.size())));
  for (std::size_t i = 0; i < names.size(); ++i) {
    batch.push_copy(std::to_string(first + i));
    if (names[i]) {
      batch.push_copy(*names[i]);
    } else {
      batch.push_null();
    }
  }
  batch.set_row_positions(std::make_shared<CountedRows>(first));
  return batch;
}

}  // namespace syncd::jobs::test
