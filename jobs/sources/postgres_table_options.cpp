#include <fmt/format.h>

#include "config/suggest.hpp"
#include "jobs/sources/postgres_table.hpp"

namespace syncd::jobs {
namespace {

const TableColumn& find_column(const TableInfo& info, const PostgresTableOptions& options,
                               const std::string& name) {
  if (const TableColumn* column = info.find(name)) return *column;
  std::vector<std::string> names;
  for (const TableColumn& column : info.columns) names.push_back(column.name);
  throw Error(ErrorKind::Permanent,
              fmt::format("{}: {}", options.table, config::unknown_text("column", name, names)));
}

bool integer(const std::string& base) { return base == "int8" || base == "int4" || base == "int2"; }

std::string sql_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out;
}

UpperBound upper_bound(const TableInfo& info, const PostgresTableOptions& options, const std::string& table) {
  UpperBound bound;
  const TableColumn& first = find_column(info, options, options.cursor.front());
  const bool clock = first.base == "timestamptz" || first.base == "timestamp";
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorKind::Config,
                fmt::format("{}: late_commits = \"{}\" {}", options.table, options.late_commits, why));
  };
  switch (options.late) {
    case LateCommits::Ignore:
      return bound;
    case LateCommits::Xid:
      if (first.base != "xid8") refuse("needs a first cursor column of type xid8, this one is " + first.type);
      return bound;
    case LateCommits::Lag:
      if (!clock) refuse("needs a timestamp as first cursor column, this one is " + first.type);
      bound.behind = options.lag;
      break;
    case LateCommits::Fence:
      if (info.standby) {
        refuse(
            "needs the primary: on a standby the open transactions cannot be seen; use \"xid\" or "
            "\"lag:10s\"");
      }
      if (info.kind == 'f') refuse("cannot see the transactions of a foreign server; use \"lag:10s\"");
      if (!clock && !integer(first.base)) {
        refuse("needs a timestamp or an integer as first cursor column, this one is " + first.type +
               "; say \"lag:D\", \"xid\" or \"ignore\"");
      }
      bound.behind = options.settle;
      break;
  }
  if (integer(first.base)) {
    bound.kind = UpperBound::Kind::Maximum;
    bound.column = quote_identifier(first.name);
    bound.table = table;
  } else if (first.base == "timestamp") {
    bound.kind = UpperBound::Kind::LocalClock;
    bound.zone = sql_text(info.default_zone);
  } else {
    bound.kind = UpperBound::Kind::Clock;
  }
  return bound;
}

const config::Fields<FenceIgnore>& fence_ignore_fields() {
  static const auto all =
      config::Fields<FenceIgnore>()
          .add("application_name", &FenceIgnore::application_name, "names as they stand in pg_stat_activity")
          .example("pg_dump");
  return all;
}

}  // namespace

const config::Fields<PostgresTableOptions>& postgres_table_fields() {
  using namespace std::chrono_literals;
  using O = PostgresTableOptions;
  static const auto all =
      config::Fields<O>()
          .required("connection", &O::connection, "a connection of type postgres")
          .example("app")
          .required("table", &O::table, "what to read: table, schema.table, or quoted parts")
          .example("public.users")
          .check([](const std::string& table) -> std::optional<std::string> {
            if (TableName::parse(table)) return std::nullopt;
            return "is no name of a table: write table or schema.table, with double quotes around unusual "
                   "parts";
          })
          .add("columns", &O::columns, "columns to deliver; default: all, in the order of the table")
          .add("where", &O::where,
               "your own SQL condition; a row that leaves it is not seen again (see delete_if)")
          .example("tenant = 7")
          .required("cursor", &O::cursor,
                    "columns that order the rows; together unique, NOT NULL, with an index")
          .example("updated_at")
          .check([](const std::vector<std::string>& cursor) -> std::optional<std::string> {
            if (cursor.empty()) return "must name at least one column";
            return std::nullopt;
          })
          .add("batch_rows", &O::batch_rows, "rows of a page")
          .range(1, 1'000'000)
          .add("late_commits", &O::late_commits,
               "what is done about transactions that commit late: \"fence\", \"xid\", \"lag:10s\" or "
               "\"ignore\"")
          .add("fence", &O::fence,
               "how the fence is used: read late ranges again, or hold them back; auto: re-read where the "
               "sink's writes "
               "may be repeated")
          .add("fence_ignore", &O::fence_ignore, fence_ignore_fields(),
               "whose transactions never write this table")
          .add("settle", &O::settle, "reads with a timestamp cursor end this long before now")
          .range(0s, 1h)
          .add("hold_wait", &O::hold_wait,
               "how long a run that is not continuous waits for its fence at its end")
          .range(0s, 24h)
          .add("poll", &O::poll, "pause between looks of a continuous job that has caught up")
          .range(10ms, 1h)
          .add("on_source_change", &O::on_source_change,
               "when the server is another one or went back in time; auto: rescan where writes may be "
               "repeated, else halt")
          .add("on_null_cursor", &O::on_null_cursor,
               "rows whose cursor is NULL can never be read: halt, or ignore them")
          .add("timeout", &O::timeout, "for one page; default: that of the connection")
          .range(1s, 24h);
  return all;
}

TableShape resolve(postgres::Session& session, const PostgresTableOptions& options) {
  TableShape shape;
  const auto table = TableName::parse(options.table);
  shape.info = load_table(session, *table);
  shape.page.table = table->quoted();
  shape.page.where = options.where;
  shape.page.rows = options.batch_rows;
  shape.page.versioned = shape.info.kind == 'r' || shape.info.kind == 'p';
  for (const std::string& name : options.cursor) {
    const TableColumn& column = find_column(shape.info, options, name);
    if (column.base == "float4" || column.base == "float8") {
      throw Error(
          ErrorKind::Config,
          fmt::format(
              "{}: the cursor column {} is a floating-point number: its text does not name it exactly",
              options.table, name));
    }
    CursorColumn cursor;
    cursor.name = name;
    cursor.type = column.type;
    cursor.nullable = column.nullable;
    shape.page.cursor.push_back(std::move(cursor));
  }
  if (options.columns.empty()) {
    for (const TableColumn& column : shape.info.columns) shape.page.columns.push_back(column.name);
  } else {
    for (const std::string& name : options.columns)
      shape.page.columns.push_back(find_column(shape.info, options, name).name);
  }
  shape.schema = std::make_shared<const Schema>(shape.page.columns);
  shape.cursor = cursor_indices(shape.page);
  shape.late = options.late;
  shape.bound = upper_bound(shape.info, options, shape.page.table);
  return shape;
}

}  // namespace syncd::jobs
