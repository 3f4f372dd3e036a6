// postgres_table: rows into a table, exactly once: rows and position are one transaction.  Inserts, or with a
// key inserts, updates and deletes.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/crash_point.hpp"
#include "daemon/postgres/pool.hpp"
#include "daemon/postgres/transaction.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/connections.hpp"
#include "jobs/row_json.hpp"
#include "jobs/sinks/lease.hpp"
#include "jobs/sinks/postgres_checkpoint.hpp"
#include "jobs/sinks/postgres_table_check.hpp"
#include "jobs/sinks/postgres_target.hpp"

namespace syncd::jobs {
namespace {

using postgres::Session;
using postgres::TableName;

std::optional<std::string> wrong_table(const std::string& table) {
  if (TableName::parse(table)) return std::nullopt;
  return "must be table or schema.table; put \" around a part with other characters";
}

const config::Fields<PostgresSinkOptions>& postgres_table_options() {
  using O = PostgresSinkOptions;
  static const auto all =
      config::Fields<O>()
          .required("connection", &O::connection, "a connection of type postgres")
          .example("app")
          .required("table", &O::table, "the table to write; it must be there")
          .example("public.requests")
          .check(&wrong_table)
          .add("columns", &O::columns, "columns to write, named as in the table; default: all of the row")
          .example("id")
          .add("key", &O::key,
               "columns that tell rows apart, with a unique index: a row whose key is there replaces it. "
               "Default: every row is inserted")
          .example("id")
          .add("delete_if", &O::delete_if, predicate_fields(),
               "rows that delete the row of their key instead of writing it")
          .add("checkpoint_table", &O::checkpoint_table,
               "where the position is kept, in the transaction of the rows; made where it is missing")
          .check(&wrong_table);
  return all;
}

class PostgresTableSink final : public Sink {
 public:
  PostgresTableSink(PostgresSinkOptions options, std::optional<Predicate> rule, RunContext& context)
      : options_(std::move(options)),
        context_(context),
        checkpoint_(context, *TableName::parse(options_.checkpoint_table)),
        table_(TableName::parse(options_.table)->quoted()),
        target_(table_, options_.columns, options_.key, std::move(rule)),
        pool_(context.connections.postgres(options_.connection)) {}

  Task<CheckNotes> check() override {
    auto lease = co_await pool_.acquire();
    auto look = lease->run(pool_.options().timeout, "checking " + options_.table,
                           [this](Session& session) { return check_target(session, options_, checkpoint_); });
    co_return co_await std::move(look);
  }

  Task<std::optional<Positions>> open() override {
    auto lease = co_await pool_.acquire(postgres::kWriter);
    lease_.emplace(std::move(lease));
    auto taking = connection().run(pool_.options().timeout, "taking over " + checkpoint_.table(),
                                   [this](Session& session) { return checkpoint_.take_over(session); });
    Positions positions = co_await std::move(taking);
    saved_ = positions;
    renewed_ = context_.clock.now();
    co_return std::optional<Positions>(std::move(positions));
  }

  Task<std::optional<Positions>> recall() override {
    auto lease = co_await pool_.acquire();
    auto looking = lease->run(pool_.options().timeout, "reading " + checkpoint_.table(),
                              [this](Session& session) { return checkpoint_.recall(session); });
    Positions positions = co_await std::move(looking);
    co_return std::optional<Positions>(std::move(positions));
  }

  Task<> assign(const Positions& positions) override {
    auto lease = co_await pool_.acquire(postgres::kWriter);
    auto assigning = lease->run(pool_.options().timeout, "writing " + checkpoint_.table(),
                                [this, &positions](Session& session) {
                                  checkpoint_.assign(session, positions);
                                  return true;
                                });
    co_await std::move(assigning);
  }

  Task<> commit(const Batch& batch, const Position&) override;
  Task<> settle(Settle why) override;
  Task<std::vector<std::string>> preview(const Batch& batch) override;

 private:
  struct Bad {
    std::uint32_t row;
    std::string error;
  };

  postgres::Connection& connection() { return *lease_->operator->(); }

  void bind(Session& session, const Batch& batch);
  std::vector<Bad> try_commit(Session& session, const Batch& batch);
  void write(Session& session, const Batch* batch, const std::vector<std::uint32_t>& rows);
  std::vector<Bad> find_bad(Session& session, const Batch& batch, const std::vector<std::uint32_t>& rows);
  void narrow(Session& session, const Batch& batch, const std::vector<std::uint32_t>& rows,
              std::vector<Bad>& bad);

  PostgresSinkOptions options_;
  RunContext& context_;
  PostgresCheckpoint checkpoint_;
  std::string table_;
  PostgresTarget target_;
  postgres::Pool& pool_;
  std::optional<postgres::Pool::Lease> lease_;
  Positions saved_;
  Positions unsaved_;  // of batches without rows, and of the one under way
  TimePoint renewed_{};
  std::vector<bool> skip_;  // rows of the batch that are dealt with
};

Task<> PostgresTableSink::commit(const Batch& batch, const Position&) {
  unsaved_.advance(batch.position());
  if (batch.empty()) co_return;
  skip_.assign(batch.rows(), false);
  while (true) {
    auto writing = connection().run(pool_.options().timeout, "writing " + table_,
                                    [this, &batch](Session& session) { return try_commit(session, batch); });
    const std::vector<Bad> bad = co_await std::move(writing);
    if (bad.empty()) break;
    for (const Bad& one : bad) {
      skip_[one.row] = true;
      context_.bad_records.take(BadRecord{row_json(batch, one.row), one.error});
    }
  }
  for (const auto& [partition, text] : unsaved_.all()) saved_.advance(Position(partition, text));
  unsaved_ = Positions();
  renewed_ = context_.clock.now();
}

// The table is looked at, as its columns are part of the statement.
Task<std::vector<std::string>> PostgresTableSink::preview(const Batch& batch) {
  auto lease = co_await pool_.acquire();
  auto looking =
      lease->run(pool_.options().timeout, "looking at " + table_, [this, &batch](Session& session) {
        bind(session, batch);
        return true;
      });
  co_await std::move(looking);
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < batch.rows(); ++row) {
    const std::string wrong = target_.wrong(batch, row);
    if (wrong.empty()) {
      rows.push_back(row);
    } else {
      context_.bad_records.take(BadRecord{row_json(batch, row), wrong});
    }
  }
  std::vector<std::string> lines;
  if (rows.empty()) co_return lines;
  lines = target_.preview(batch, rows);
  co_return lines;
}

void PostgresTableSink::bind(Session& session, const Batch& batch) {
  if (!target_.bound(batch)) target_.bind(batch, load_target(session, table_));
}

// On the session's thread.  Returns rows that are bad, and has written nothing then.
std::vector<PostgresTableSink::Bad> PostgresTableSink::try_commit(Session& session, const Batch& batch) {
  bind(session, batch);
  std::vector<Bad> bad;
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < batch.rows(); ++row) {
    if (skip_[row]) continue;
    if (std::string wrong = target_.wrong(batch, row); !wrong.empty()) {
      bad.push_back(Bad{row, std::move(wrong)});
    } else {
      rows.push_back(row);
    }
  }
  if (!bad.empty()) return bad;
  try {
    write(session, &batch, rows);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Data) throw;
    bad = find_bad(session, batch, rows);
    // A constraint that looks at the table as a whole: no row is to blame.
    if (bad.empty()) throw Error(ErrorKind::Permanent, error.what());
  }
  return bad;
}

void PostgresTableSink::write(Session& session, const Batch* batch, const std::vector<std::uint32_t>& rows) {
  postgres::Transaction transaction(session);
  checkpoint_.hold(session);
  if (batch != nullptr) target_.write(session, *batch, rows);
  checkpoint_.save(session, unsaved_);
  crash_point("before_commit");
  transaction.commit();
  crash_point("after_commit_before_reply");
}

// Tries the rows by halves; whatever happens, nothing is written.
std::vector<PostgresTableSink::Bad> PostgresTableSink::find_bad(Session& session, const Batch& batch,
                                                                const std::vector<std::uint32_t>& rows) {
  postgres::Transaction transaction(session);
  session.exec("SET CONSTRAINTS ALL IMMEDIATE");
  std::vector<Bad> bad;
  narrow(session, batch, rows, bad);
  return bad;
}

void PostgresTableSink::narrow(Session& session, const Batch& batch, const std::vector<std::uint32_t>& rows,
                               std::vector<Bad>& bad) {
  session.exec("SAVEPOINT half");
  try {
    target_.write(session, batch, rows);
    session.exec("RELEASE SAVEPOINT half");
    return;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Data || session.broken()) throw;
    if (rows.size() == 1) bad.push_back(Bad{rows.front(), fmt::format("{}: {}", table_, error.what())});
  }
  session.exec("ROLLBACK TO SAVEPOINT half");
  session.exec("RELEASE SAVEPOINT half");
  if (rows.size() == 1) return;
  const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2);
  narrow(session, batch, {rows.begin(), middle}, bad);
  narrow(session, batch, {middle, rows.end()}, bad);
}

Task<> PostgresTableSink::settle(Settle) {
  bool changed = false;
  for (const auto& [partition, text] : unsaved_.all()) {
    changed = changed || saved_.at(partition).text() != text || !saved_.all().contains(partition);
  }
  if (!changed) unsaved_ = Positions();
  if (!changed && context_.clock.now() - renewed_ < kRenewLease) co_return;
  auto writing =
      connection().run(pool_.options().timeout, "writing " + checkpoint_.table(), [this](Session& session) {
        write(session, nullptr, {});
        return true;
      });
  co_await std::move(writing);
  for (const auto& [partition, text] : unsaved_.all()) saved_.advance(Position(partition, text));
  unsaved_ = Positions();
  renewed_ = context_.clock.now();
}

Plan<Sink> plan_postgres_table(const config::Table& table, PlanContext& context) {
  PostgresSinkOptions options;
  Plan<Sink> plan;
  plan.guarantees = {"exactly once: rows and position are one transaction in PostgreSQL",
                     "one writer: a second or stale daemon writes nothing"};
  if (!postgres_table_options().read(table, options)) return plan;
  context.require_connection(table, options.connection, "postgres");
  check_columns(table, "columns", context.stream, options.columns);
  check_columns(table, "key", context.stream, options.key);
  for (const std::string& key : options.key) {
    const auto& columns = options.columns;
    if (!columns.empty() && std::find(columns.begin(), columns.end(), key) == columns.end()) {
      table.fail("key", fmt::format("'key' has '{}', which is not among 'columns'", key));
    }
  }
  std::optional<Predicate> rule;
  if (options.delete_if) {
    if (options.key.empty()) table.fail("delete_if", "'delete_if' needs 'key': it says which row to delete");
    rule = read_predicate(table, "delete_if", *options.delete_if, context.stream);
    plan.guarantees.emplace_back("rows that meet delete_if delete the row of their key");
  }
  options.stream = context.stream.columns;
  plan.make = [options, rule](RunContext& run) {
    return std::make_unique<PostgresTableSink>(options, rule, run);
  };
  return plan;
}

}  // namespace

const SinkKind& postgres_table_sink() {
  static const SinkKind kind{"postgres_table",
                             "Rows into a table, exactly once: inserts, or with a key upserts and deletes.",
                             [] { return postgres_table_options().docs(); },
                             &plan_postgres_table,
                             /*repeats_harmlessly=*/false,
                             /*ranges=*/false,
                             /*replaces_with=*/"key"};
  return kind;
}

}  // namespace syncd::jobs
