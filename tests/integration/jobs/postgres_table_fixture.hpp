// What the tests of postgres_table share: a database with sessions that are driven statement by statement,
// and a source whose batches a test takes, in attempts that end where it likes.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/sql_client.hpp"

namespace syncd::jobs::source_test {

using syncd::test::PostgresServer;
using Client = syncd::test::SqlClient;

// What the source has told the operator.
class Told final : public Monitor, public BadRecords {
 public:
  void waiting_for(std::string why) override { waiting = std::move(why); }
  void note(std::string what) override { noted = std::move(what); }
  void lag(std::optional<std::chrono::nanoseconds> time, std::optional<std::uint64_t>) override {
    lag_time = time;
  }
  void warn(std::string text) override { warnings.push_back(std::move(text)); }
  void take(const BadRecord& bad) override { ADD_FAILURE() << bad.error; }

  std::string waiting;
  std::string noted;
  std::optional<std::chrono::nanoseconds> lag_time;
  std::vector<std::string> warnings;
};

using Row = std::vector<std::string>;  // "NULL" for NULL
using Rows = std::vector<Row>;

inline Row row_of(const Batch& batch, std::size_t row) {
  Row out;
  for (std::size_t column = 0; column < batch.schema().size(); ++column) {
    const Cell cell = batch.cell(row, column);
    out.push_back(cell.null() ? "NULL" : std::string(cell.text()));
  }
  return out;
}

// The source of one job on `uri`, over as many attempts as a test likes.
class Reading {
 public:
  // `options`: the lines of [jobs.NAME.source] beside type and connection.
  Reading(const std::string& uri, const std::string& options, bool repeats_harmlessly = true)
      : repeats_(repeats_harmlessly) {
    config::Findings findings;
    connection_["db"].name = "db";
    connection_["db"].type = "postgres";
    connection_["db"].table = parse("uri = \"" + uri + "\"\npool = 2\n", findings);
    options_ = parse("connection = \"db\"\n" + options, findings);
    config_.connections = connection_;
    connections_.emplace(loop_, config_.connections);
  }

  // What the configuration check says against the options; "" for nothing.
  std::string mistakes() {
    config::Findings findings;
    plan(options_.reporting_to(findings));
    return findings.text();
  }

  std::unique_ptr<Source> make(bool continuous = false) {
    config::Findings findings;
    Plan<Source> planned = plan(options_.reporting_to(findings));
    EXPECT_TRUE(findings.empty()) << findings.text();
    context_.emplace(loop_, *connections_, told, told, "job", "instance");
    context_->continuous = continuous;
    return planned.make(*context_);
  }

  // One attempt from `from`; take(batch) says whether it goes on.  Ends by itself unless continuous.
  template <class Take>
  void attempt(const Position& from, Take take, bool continuous = false,
               Duration limit = syncd::test::kPatience) {
    const auto source = make(continuous);
    Positions positions;
    positions.advance(from);
    const auto consume = [](Batches batches, Take& taker) -> Task<> {
      while (auto batch = co_await batches.next()) {
        if (!taker(*batch)) co_return;
      }
    };
    syncd::test::run_task(loop_, consume(source->read(positions), take), limit);
  }

  // A run that goes to its end: its rows; `position` moves on.
  Rows run() {
    Rows rows;
    attempt(position, [&](const Batch& batch) {
      for (std::size_t row = 0; row < batch.rows(); ++row) rows.push_back(row_of(batch, row));
      if (batch.position() != position) ++moved;
      position = batch.position();
      return true;
    });
    return rows;
  }

  // The same, first column only.
  std::vector<std::string> ids() {
    std::vector<std::string> out;
    for (const Row& row : run()) out.push_back(row[0]);
    return out;
  }

  Error failure() {
    try {
      run();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "expected an error";
    return Error(ErrorKind::Config, "");
  }

  CheckNotes check() {
    const auto source = make();
    return syncd::test::run_task(loop_, source->check());
  }
  Position position_at(const std::string& where) {
    const auto source = make();
    return syncd::test::run_task(loop_, source->position_at(where));
  }
  std::string describe() { return make()->describe(position); }

  loop::EventLoop& loop() { return loop_; }

  Told told;
  Position position;
  int moved = 0;  // how often the position was changed

 private:
  static config::Table parse(const std::string& text, const config::Findings& findings) {
    const auto table = config::Table::parse_text(text, "job.toml", findings);
    EXPECT_TRUE(table) << findings.text();
    return *table;
  }
  Plan<Source> plan(const config::Table& table) {
    PlanContext context(config_, job_);
    context.stream.repeats_harmlessly = repeats_;
    return postgres_table().plan(table, context);
  }

  loop::EventLoop loop_;
  std::map<std::string, config::Connection> connection_;
  config::Config config_;
  config::Job job_;
  config::Table options_;
  bool repeats_;
  std::optional<Connections> connections_;
  std::optional<RunContext> context_;
};

// A database of its own for each test.
class PostgresTableTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::installed()) GTEST_SKIP() << "PostgreSQL is not installed";
    server = &PostgresServer::shared();
    database = server->fresh_database();
    uri = server->socket_uri(database);
  }
  void exec(const std::string& sql) { server->exec(sql, database); }

  PostgresServer* server = nullptr;
  std::string database;
  std::string uri;
};

}  // namespace syncd::jobs::source_test
