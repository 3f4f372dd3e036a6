// postgres_table: walks a table by keyset pages in the order of its cursor columns, and never misses a row of
// a transaction that commits late (fence.hpp).
#include "jobs/sources/postgres_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/duration.hpp"
#include "config/suggest.hpp"
#include "daemon/base/crash_point.hpp"
#include "daemon/postgres/pool.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "jobs/sources/postgres_check.hpp"

namespace syncd::jobs {
namespace {

constexpr Duration kFenceLook = std::chrono::milliseconds(50);  // while a run waits for its fence
constexpr Duration kNullLook = std::chrono::minutes(1);         // how often NULL cursors are looked for

// The positions after each row of a page.
class PagePositions final : public RowPositions {
 public:
  PagePositions(postgres::Rows rows, std::vector<std::size_t> cursor, PostgresPosition base,
                std::optional<std::size_t> range)
      : rows_(std::move(rows)), cursor_(std::move(cursor)), base_(std::move(base)), range_(range) {}
  Position after(std::size_t row) const override {
    PostgresPosition reached = base_;
    CursorValues values;
    for (const std::size_t column : cursor_) values.emplace_back(rows_.text(row, column));
    if (range_) {
      reached.fence.ranges()[*range_].at = std::move(values);
    } else {
      reached.cursor = std::move(values);
    }
    return Position("", encode(reached));
  }

 private:
  postgres::Rows rows_;
  std::vector<std::size_t> cursor_;
  PostgresPosition base_;
  std::optional<std::size_t> range_;  // of the fence, during a second read
};

// A page as it was fetched; its batch has no position yet.
class Page {
 public:
  Page(postgres::Rows rows_in, Batch batch_in, std::optional<CursorValues> last_in)
      : rows(std::move(rows_in)), batch(std::move(batch_in)), last(std::move(last_in)) {}
  postgres::Rows rows;
  Batch batch;
  std::optional<CursorValues> last;  // the cursor of its last row
};

Page read_page(postgres::Session& session, const TableShape& shape, const PageBounds& bounds) {
  const PageQuery query = page_query(shape.page, bounds);
  postgres::Rows rows = session.exec(query.sql, query.params);
  crash_point("after_fetch");
  Batch batch(shape.schema, Position());
  batch.reserve(rows.size());
  batch.keep_alive(rows.owner());
  const std::size_t width = shape.schema->size();
  std::vector<std::string_view> cells(rows.columns());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    rows.read_row(row, cells.data());
    for (std::size_t column = 0; column < width; ++column) {
      batch.push(cells[column].data() == nullptr ? Cell() : Cell(cells[column]));
    }
  }
  std::optional<CursorValues> last;
  if (rows.size() > 0) {
    last.emplace();
    for (const std::size_t column : shape.cursor) last->emplace_back(rows.text(rows.size() - 1, column));
  }
  return Page(std::move(rows), std::move(batch), std::move(last));
}

bool has_null_cursor(postgres::Session& session, const TableShape& shape) {
  std::vector<std::string> nulls;
  for (const CursorColumn& column : shape.page.cursor) {
    if (column.nullable) nulls.push_back(quote_identifier(column.name) + " IS NULL");
  }
  if (nulls.empty()) return false;
  const auto rows = session.exec(
      fmt::format("SELECT EXISTS (SELECT 1 FROM {} WHERE ({}){})", shape.page.table, fmt::join(nulls, " OR "),
                  shape.page.where.empty() ? "" : " AND (" + shape.page.where + "\n)"));
  return rows.text(0, 0) == "t";
}

// Microseconds since the epoch of "2026-03-01 10:00:00.123456+00"; nullopt where it is none.
std::optional<std::int64_t> parse_utc(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%d-%u-%u %d:%d:%lf", &year, &month, &day, &hour, &minute, &second) != 6)
    return {};
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return {};
  const auto midnight = duration_cast<microseconds>(sys_days(date).time_since_epoch()).count();
  return midnight + (hour * 3600LL + minute * 60LL) * 1'000'000 + static_cast<std::int64_t>(second * 1e6);
}

class PostgresTable final : public Source {
 public:
  PostgresTable(PostgresTableOptions options, bool hold, bool rescan, RunContext& context)
      : options_(std::move(options)),
        hold_(hold),
        rescan_(rescan),
        context_(context),
        pool_(context.connections.postgres(options_.connection)) {}

  Batches read(Positions from) override { return stream(*this, from.at("").text()); }

  Task<CheckNotes> check() override {
    auto notes = co_await call("checking " + options_.table, [this](postgres::Session& session) {
      return check_table(session, options_, hold_);
    });
    co_return notes;
  }

  Task<Position> position_at(std::string where) override {
    if (where == "start") co_return Position("", "");
    auto position = co_await call("reading " + options_.table, [this, &where](postgres::Session& session) {
      const TableShape shape = resolve(session, options_);
      const auto& first = shape.page.cursor.front();
      PostgresPosition found;
      found.identity = shape.info.identity;
      found.key = options_.cursor;
      found.cursor.emplace();
      try {
        // The server's own text of the value, as pages will bring it.
        found.cursor->emplace_back(
            session.exec(fmt::format("SELECT ($1::{})::text", first.type), {where}).text(0, 0));
      } catch (const Error& error) {
        throw Error(ErrorKind::Config, fmt::format("'{}' is no value of {} ({}): {}", where, first.name,
                                                   first.type, error.what()));
      }
      return found;
    });
    co_return Position("", encode(position));
  }

  std::string describe(const Position& position) const override {
    if (position.text().empty()) return "at the beginning";
    const PostgresPosition decoded = decode_postgres_position(position.text());
    std::string text;
    for (std::size_t i = 0; decoded.cursor && i < decoded.cursor->size(); ++i) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                          i < options_.cursor.size() ? options_.cursor[i] : "?", (*decoded.cursor)[i]);
    }
    if (text.empty()) text = "at the beginning";
    const std::size_t open = decoded.fence.ranges().size();
    if (open > 0) text += fmt::format("; {} range{} still open to late commits", open, open == 1 ? "" : "s");
    return text;
  }

 private:
  static Batches stream(PostgresTable& self, std::string from);

  // One call on some connection of the pool; pages of many jobs take turns.
  template <class F>
  auto call(std::string doing, F fn) -> Task<std::invoke_result_t<F, postgres::Session&>> {
    auto lease = co_await pool_.acquire();
    auto result =
        co_await lease->run(options_.timeout.value_or(pool_.options().timeout), std::move(doing), fn);
    co_return result;
  }

  Task<Page> fetch(const TableShape& shape, const PageBounds& bounds) {
    auto page = co_await call("reading " + options_.table, [&shape, &bounds](postgres::Session& session) {
      return read_page(session, shape, bounds);
    });
    co_return page;
  }

  void check_identity(PostgresPosition& position, const std::string& identity, std::uint64_t xmax) const;
  void report_hold(const PostgresPosition& position, const Holders& holders, std::int64_t now_us);
  void report_lag(const TableShape& shape, const PostgresPosition& position, std::int64_t now_us,
                  bool caught_up);

  PostgresTableOptions options_;
  bool hold_;
  bool rescan_;
  RunContext& context_;
  postgres::Pool& pool_;
};

// A server that is another one, or that went back in time, must not be read on as if nothing had happened:
// rows with cursors below ours would be missed.
void PostgresTable::check_identity(PostgresPosition& position, const std::string& identity,
                                   std::uint64_t xmax) const {
  const bool other = !position.identity.empty() && position.identity != identity;
  const bool back = position.xmax > xmax;
  if (other || back) {
    const std::string what =
        other
            ? explain_identity(identity, position.identity)
            : fmt::format("the server went back in time (next transaction {} after {})", xmax, position.xmax);
    if (!rescan_) {
      throw Error(
          ErrorKind::Permanent,
          what + ": halted (on_source_change); look at the data, then `syncctl checkpoint rewind` or set");
    }
    context_.monitor.warn(what + ": reading the whole table again (on_source_change = \"rescan\")");
    position = PostgresPosition();
  }
  position.identity = identity;
  position.key = options_.cursor;
}

void PostgresTable::report_hold(const PostgresPosition& position, const Holders& holders,
                                std::int64_t now_us) {
  const auto& ranges = position.fence.ranges();
  if (ranges.empty()) {
    context_.monitor.waiting_for("");
    return;
  }
  const auto held = std::chrono::microseconds(std::max<std::int64_t>(now_us - ranges.front().since_us, 0));
  // Every range waits for a moment; only a hold that a person would notice is worth a word.
  if (held < std::chrono::seconds(1)) return;
  context_.monitor.waiting_for(
      fmt::format("fence held {} by {}", human_duration(held), describe_holder(ranges.front(), holders)));
}

void PostgresTable::report_lag(const TableShape& shape, const PostgresPosition& position, std::int64_t now_us,
                               bool caught_up) {
  std::optional<std::chrono::nanoseconds> lag;
  if (hold_ && !position.fence.ranges().empty()) {
    lag = std::chrono::microseconds(now_us - position.fence.ranges().front().since_us);
  } else if (caught_up) {
    lag = std::chrono::nanoseconds(0);
  } else if (shape.bound.kind == UpperBound::Kind::Clock && position.cursor) {
    if (const auto reached = parse_utc(position.cursor->front()))
      lag = std::chrono::microseconds(now_us - *reached);
  }
  if (lag && *lag < std::chrono::nanoseconds(0)) lag = std::chrono::nanoseconds(0);
  context_.monitor.lag(lag, std::nullopt);
}

Batches PostgresTable::stream(PostgresTable& self, std::string from) {
  const PostgresTableOptions& options = self.options_;
  PostgresPosition position = decode_postgres_position(from);
  const TableShape shape =
      co_await self.call("reading " + options.table,
                         [&options](postgres::Session& session) { return resolve(session, options); });
  const LateCommits late = shape.late;
  const bool fenced = late == LateCommits::Fence;
  const bool reread = fenced && !self.hold_;
  const bool hold = fenced && self.hold_;
  Clock& clock = self.context_.clock;
  const TimePoint patience = clock.now() + options.hold_wait;
  std::optional<TimePoint> nulls_seen;
  std::uint64_t horizon = 0;
  std::int64_t horizon_since_us = 0;
  bool first = true;
  while (true) {
    if (options.on_null_cursor == OnNullCursor::Halt &&
        (!nulls_seen || clock.now() - *nulls_seen > kNullLook)) {
      const bool nulls = co_await self.call(
          "looking for NULL cursors in " + options.table,
          [&shape](postgres::Session& session) { return has_null_cursor(session, shape); });
      if (nulls) {
        throw Error(
            ErrorKind::Permanent,
            fmt::format(
                "{} has rows whose cursor is NULL: they have no place in the order and would be missed. "
                "Fill them in, exclude them by `where`, or say on_null_cursor = \"ignore\"",
                options.table));
      }
      nulls_seen = clock.now();
    }
    Holders holders;
    Observation seen = co_await self.call(
        "polling " + options.table, [&shape, &options, &holders, fenced](postgres::Session& session) {
          return observe(session, shape.bound, fenced, options.fence_ignore.application_name, holders);
        });
    self.check_identity(position, shape.info.identity, seen.xmax);
    position.fence.observe(seen);

    // What was read once and is settled now is read again, but only what the first read cannot have seen.
    for (std::size_t i = 0; reread && i < position.fence.ranges().size();) {
      OpenRange& range = position.fence.ranges()[i];
      if (!range.settled()) {
        ++i;
        continue;
      }
      PageBounds bounds;
      bounds.after = range.at ? range.at : range.low;
      bounds.upper = range.high;
      bounds.min_xid = range.xmin;
      Page page = co_await self.fetch(shape, bounds);
      const PostgresPosition before = position;
      const bool done = page.rows.size() < options.batch_rows;
      if (done) {
        position.fence.ranges().erase(position.fence.ranges().begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        range.at = page.last;
      }
      if (page.batch.empty()) continue;
      page.batch.set_row_positions(
          std::make_shared<PagePositions>(page.rows, shape.cursor, before, std::optional<std::size_t>(i)));
      page.batch.set_position(Position("", encode(position)));
      co_yield std::move(page.batch);
    }

    // How far may be read now.
    PageBounds bounds;
    bool readable = true;
    if (reread || late == LateCommits::Lag) bounds.upper = seen.upper;
    if (late == LateCommits::Xid) bounds.below_horizon = true;
    position.way = hold ? PostgresPosition::Way::Hold : PostgresPosition::Way::Reread;
    const bool anybody_late = !seen.live.empty() || !seen.prepared.empty();
    if (reread && anybody_late && !seen.upper.empty()) position.fence.begin(position.cursor, seen);
    if (hold) {
      if ((first || self.context_.continuous) && !seen.upper.empty())
        position.fence.begin(position.cursor, seen);
      if (auto settled = position.fence.take_settled_prefix()) position.safe = std::move(settled);
      bounds.upper = position.safe;
      readable = position.safe.has_value();
    }
    if (bounds.upper && bounds.upper->empty()) readable = false;  // an empty table has no maximum
    first = false;

    bool more = readable;
    while (more) {
      bounds.after = position.cursor;
      Page page = co_await self.fetch(shape, bounds);
      more = page.rows.size() == options.batch_rows;
      if (page.batch.empty()) break;
      const PostgresPosition before = position;
      position.cursor = page.last;
      position.xmax = seen.xmax;
      self.report_lag(shape, position, seen.wall_us, false);
      page.batch.set_row_positions(
          std::make_shared<PagePositions>(page.rows, shape.cursor, before, std::optional<std::size_t>()));
      page.batch.set_position(Position("", encode(position)));
      co_yield std::move(page.batch);
    }
    if (hold) {
      position.safe.reset();
      self.report_hold(position, holders, seen.wall_us);
    }
    if (late == LateCommits::Xid) {
      // The horizon always trails a little; one that stands still while others move is worth a word.
      const bool stands = seen.xmin < seen.xmax && seen.xmin == horizon;
      if (!stands) horizon_since_us = seen.wall_us;
      horizon = seen.xmin;
      const auto held = std::chrono::microseconds(seen.wall_us - horizon_since_us);
      std::string holder;
      if (stands && held >= std::chrono::seconds(1)) {
        holder = co_await self.call("polling " + options.table, [&shape](postgres::Session& session) {
          return describe_horizon(session, shape.page);
        });
      }
      self.context_.monitor.waiting_for(
          holder.empty() ? "" : fmt::format("horizon held {} by {}", human_duration(held), holder));
    }
    self.report_lag(shape, position, seen.wall_us, true);

    // Everything that can be read has been: also a moment to store what the fence has learnt.
    Batch idle(shape.schema, Position("", encode(position)));
    idle.set_caught_up(true);
    co_yield std::move(idle);

    if (self.context_.continuous) {
      co_await sleep_for(clock, options.poll);
    } else {
      // What this run has fenced is delivered by it, if that takes no longer than hold_wait.
      if (!hold || position.fence.ranges().empty() || clock.now() >= patience) break;
      co_await sleep_for(clock, kFenceLook);
    }
  }
}

std::optional<LateCommits> parse_late(const std::string& text, std::chrono::nanoseconds& lag) {
  if (text == "fence") return LateCommits::Fence;
  if (text == "xid") return LateCommits::Xid;
  if (text == "ignore") return LateCommits::Ignore;
  if (text.rfind("lag:", 0) != 0) return std::nullopt;
  lag = config::parse_duration(std::string_view(text).substr(4));
  return LateCommits::Lag;
}

void check_options(const config::Table& table, PostgresTableOptions& options, const Stream& stream) {
  try {
    const auto late = parse_late(options.late_commits, options.lag);
    if (!late) {
      table.fail("late_commits",
                 config::unknown_text("way", options.late_commits, {"fence", "xid", "lag:10s", "ignore"}));
    } else {
      options.late = *late;
    }
  } catch (const config::ValueError& error) {
    table.fail("late_commits", fmt::format("'late_commits': {}", error.what()));
  }
  if (options.fence == FenceWay::Reread && !stream.repeats_harmlessly) {
    table.fail("fence",
               "\"reread\" delivers rows twice, and this sink's writes must not repeat: use \"hold\"");
  }
  if (!options.columns.empty()) {
    std::vector<std::string> sorted = options.columns;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) table.fail("columns", fmt::format("names {} twice", config::quoted(*twice)));
  }
}

std::vector<std::string> guarantees(const PostgresTableOptions& options, bool hold, bool rescan) {
  std::vector<std::string> lines;
  switch (options.late) {
    case LateCommits::Fence:
      lines.push_back(
          hold
              ? "no row missed: a range is delivered once every transaction that may still write into it has "
                "ended (fence, hold); each version once"
              : "no row missed: delivered at once, and read again when every transaction that may still "
                "write "
                "below has ended (fence, re-read)");
      break;
    case LateCommits::Xid:
      lines.emplace_back(
          "no row missed: read in the order of transaction ids, below the oldest that still runs (xid)");
      break;
    case LateCommits::Lag:
      lines.push_back(
          fmt::format("best effort: rows of transactions that take longer than {} are missed (lag)",
                      config::format(options.lag)));
      break;
    case LateCommits::Ignore:
      lines.emplace_back("rows of transactions that commit late ARE MISSED (late_commits = \"ignore\")");
      break;
  }
  lines.push_back(fmt::format("hard deletes are not seen{}; another or restored server: {}",
                              options.where.empty() ? "" : ", nor rows that leave `where`",
                              rescan ? "the whole table is read again" : "the job halts"));
  return lines;
}

Plan<Source> plan(const config::Table& table, PlanContext& context) {
  PostgresTableOptions options;
  const bool repeats = context.stream.repeats_harmlessly;
  if (postgres_table_fields().read(table, options)) check_options(table, options, context.stream);
  if (!options.connection.empty()) context.require_connection(table, options.connection, "postgres");
  if (!options.columns.empty()) context.stream.columns = options.columns;
  const bool hold = options.fence == FenceWay::Hold || (options.fence == FenceWay::Auto && !repeats);
  const bool rescan = options.on_source_change == OnSourceChange::Rescan ||
                      (options.on_source_change == OnSourceChange::Auto && repeats);
  Plan<Source> plan;
  plan.guarantees = guarantees(options, hold, rescan);
  plan.make = [options, hold, rescan](RunContext& run) {
    return std::make_unique<PostgresTable>(options, hold, rescan, run);
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
