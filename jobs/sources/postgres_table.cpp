// postgres_table: walks a table by keyset pages in the order of its cursor columns, and never misses a row of
// a transaction that commits late (fence.hpp).
#include "jobs/sources/postgres_table.hpp"

#include <fmt/format.h>

#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "jobs/sources/postgres_check.hpp"
#include "jobs/sources/postgres_walk.hpp"

namespace syncd::jobs {
namespace {

class PostgresTable final : public Source {
 public:
  PostgresTable(PostgresTableOptions options, RunContext& context)
      : options_(std::move(options)),
        context_(context),
        reader_(context.connections.postgres(options_.connection), options_) {}

  Batches read(Positions from) override { return stream(*this, from.at("").text()); }
  Task<CheckNotes> check() override;
  Task<Position> position_at(std::string where) override;
  std::string describe(const Position& position) const override;

 private:
  static Batches stream(PostgresTable& self, std::string from) {
    Walk walk(self.options_, self.context_, self.reader_);
    co_await walk.open(std::move(from));
    while (true) {
      co_await walk.look();
      while (auto batch = co_await walk.late()) co_yield std::move(*batch);
      while (auto batch = co_await walk.next()) co_yield std::move(*batch);
      if (auto idle = co_await walk.rest()) co_yield std::move(*idle);
      if (!walk.pause()) break;
      co_await sleep_for(self.context_.clock, *walk.pause());
    }
  }

  PostgresTableOptions options_;
  RunContext& context_;
  PostgresReader reader_;
};

Task<CheckNotes> PostgresTable::check() {
  auto notes = co_await reader_.call("checking " + options_.table, [this](postgres::Session& session) {
    return check_table(session, options_);
  });
  co_return notes;
}

Task<Position> PostgresTable::position_at(std::string where) {
  if (where == "start") co_return Position();
  auto position = co_await reader_.call("reading " + options_.table, [&](postgres::Session& session) {
    const TableShape shape = resolve(session, options_);
    const CursorColumn& first = shape.page.cursor.front();
    PostgresPosition found;
    found.identity = shape.info.identity;
    found.key = options_.cursor;
    try {
      // The server's own text of the value, as pages will bring it.
      const auto rows = session.exec(fmt::format("SELECT ($1::{})::text", first.type), {where});
      found.cursor.emplace(CursorValues(1, std::string(rows.text(0, 0))), true);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::Transient) throw;
      throw Error(ErrorKind::Config, fmt::format("'{}' is neither \"start\" nor a value of {} ({}): {}",
                                                 where, first.name, first.type, error.what()));
    }
    return found;
  });
  co_return Position("", encode(position));
}

std::string PostgresTable::describe(const Position& position) const {
  const PostgresPosition decoded = decode_postgres_position(position.text());
  std::string text;
  for (std::size_t i = 0; decoded.cursor && i < decoded.cursor->values.size(); ++i) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", decoded.key[i], decoded.cursor->values[i]);
  }
  if (text.empty()) text = "at the beginning";
  const std::size_t open = decoded.fence.ranges().size();
  if (open > 0) text += fmt::format("; {} range{} open to late commits", open, open == 1 ? "" : "s");
  return text;
}

Plan<Source> plan(const config::Table& table, PlanContext& context) {
  PostgresTableOptions options = read_options(table, context.stream.repeats_harmlessly);
  options.deletes = context.job.sink.has("delete_if");
  context.require_connection(table, options.connection, "postgres");
  if (!options.columns.empty()) context.stream.columns = options.columns;
  Plan<Source> plan;
  plan.guarantees = guarantees(options);
  plan.make = [options = std::move(options)](RunContext& run) {
    return std::make_unique<PostgresTable>(options, run);
  };
  return plan;
}

}  // namespace

const SourceKind& postgres_table() {
  static const SourceKind kind{"postgres_table",
                               "Walks a PostgreSQL table in the order of its cursor columns, page by page, "
                               "and goes on where it stopped. "
                               "`where` is your own SQL and runs as it is, read-only.",
                               [] { return postgres_table_fields().docs(); }, &plan};
  return kind;
}

}  // namespace syncd::jobs
