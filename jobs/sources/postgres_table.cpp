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
  Batches read_range(Positions held, Range range) override {
    return part(*this, held.at(""), std::move(range));
  }
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

  static Batches part(PostgresTable& self, Position held, Range range) {
    const auto doing = "reading " + self.options_.table;
    const auto shape = co_await self.reader_.call(doing, [&](postgres::Session& session) {
      return std::make_optional(resolve(session, self.options_));
    });
    PageBounds bounds = co_await self.reader_.call(
        doing, [&](postgres::Session& session) { return self.bounds_of(session, *shape, range); });
    for (bool more = true; more;) {
      Page page = co_await self.reader_.call(
          doing, [&](postgres::Session& session) { return read_page(session, *shape, bounds, nullptr); });
      more = page.rows.size() == shape->page.rows;
      if (page.reached) bounds.after.emplace(*page.reached);
      page.batch.set_position(held);
      page.batch.set_caught_up(!more);
      co_yield std::move(page.batch);
    }
  }
  PageBounds bounds_of(postgres::Session& session, const TableShape& shape, const Range& range) const;
  std::string value_of(postgres::Session& session, const TableShape& shape, const std::string& where) const;

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
    PostgresPosition found;
    found.identity = shape.info.identity;
    found.key = options_.cursor;
    found.cursor.emplace(CursorValues(1, value_of(session, shape, where)), true);
    return found;
  });
  co_return Position("", encode(position));
}

// The server's own text of a value of the first cursor column, as pages will bring it.
std::string PostgresTable::value_of(postgres::Session& session, const TableShape& shape,
                                    const std::string& where) const {
  const CursorColumn& first = shape.page.cursor.front();
  try {
    return std::string(session.exec(fmt::format("SELECT ($1::{})::text", first.type), {where}).text(0, 0));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::Transient) throw;
    throw Error(ErrorKind::Config, fmt::format("'{}' is neither \"start\" nor a value of {} ({}): {}", where,
                                               first.name, first.type, error.what()));
  }
}

PageBounds PostgresTable::bounds_of(postgres::Session& session, const TableShape& shape,
                                    const Range& range) const {
  const auto is_position = [](const std::string& text) { return text.starts_with('{'); };
  PageBounds bounds;
  if (range.from && is_position(*range.from)) {
    bounds.after = decode_postgres_position(*range.from).cursor;
  } else if (range.from && *range.from != "start") {
    bounds.after.emplace(CursorValues(1, value_of(session, shape, *range.from)), true);
  }
  if (range.to && is_position(*range.to)) {
    const auto last = decode_postgres_position(*range.to).cursor;
    if (last) bounds.until = last->values;
  } else if (range.to) {
    bounds.upper = value_of(session, shape, *range.to);
  }
  return bounds;
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

Plan<Source> plan_postgres_table(const config::Table& table, PlanContext& context) {
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
                               [] { return postgres_table_fields().docs(); },
                               &plan_postgres_table,
                               /*repeats_harmlessly=*/true,
                               /*ranges=*/true};
  return kind;
}

}  // namespace syncd::jobs
