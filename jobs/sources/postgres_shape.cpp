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

ColumnKind kind_of(const std::string& base) {
  if (integer(base) || base == "numeric" || base == "float4" || base == "float8") return ColumnKind::Number;
  if (base == "bool") return ColumnKind::Boolean;
  return base == "json" || base == "jsonb" ? ColumnKind::Json : ColumnKind::Text;
}

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
  const auto refuse = [&](std::string_view why, ErrorKind kind = ErrorKind::Config) {
    throw Error(kind, fmt::format("{}: late_commits = \"{}\" {}", options.table, options.late_commits, why));
  };
  // What is left where the fence cannot be.  Transactions of a foreign server have other ids.
  const bool local_xid = first.base == "xid8" && info.kind != 'f';
  const std::string instead = clock       ? "say \"lag:10s\""
                              : local_xid ? "say \"xid\""
                                          : "say \"ignore\", or name a timestamp";
  bound.settle = options.settle;
  switch (options.late) {
    case LateCommits::Ignore:
      // One row at infinity must not be the last one for ever.
      if (!clock) return bound;
      break;
    case LateCommits::Xid:
      if (first.base != "xid8") refuse("needs a first cursor column of type xid8, this one is " + first.type);
      return bound;
    case LateCommits::Lag:
      if (!clock) refuse("needs a timestamp as first cursor column, this one is " + first.type);
      bound.behind = options.lag;
      break;
    case LateCommits::Fence:
      if (info.standby) {
        // It may be promoted by and by.
        refuse("needs the primary: on a standby the open transactions cannot be seen; " + instead,
               ErrorKind::Transient);
      }
      if (info.kind == 'f') refuse("cannot see the transactions of a foreign server; " + instead);
      if (!clock && !integer(first.base)) {
        refuse("needs a timestamp or an integer as first cursor column, this one is " + first.type + "; " +
               instead);
      }
      if (options.hold) bound.behind = options.settle;
      break;
  }
  if (integer(first.base)) {
    bound.kind = UpperBound::Kind::Maximum;
    bound.name = first.name;
    bound.table = table;
  } else if (first.base == "timestamp") {
    bound.kind = UpperBound::Kind::LocalClock;
    bound.zone = sql_text(info.default_zone);
  } else {
    bound.kind = UpperBound::Kind::Clock;
  }
  return bound;
}

}  // namespace

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
  shape.page.all = options.columns.empty();
  if (shape.page.all) {
    for (const TableColumn& column : shape.info.columns) shape.page.columns.push_back(column.name);
  } else {
    for (const std::string& name : options.columns)
      shape.page.columns.push_back(find_column(shape.info, options, name).name);
  }
  std::vector<ColumnKind> kinds;
  for (const std::string& name : shape.page.columns) {
    const TableColumn& column = *shape.info.find(name);
    kinds.push_back(kind_of(column.base));
    shape.types.push_back(column.base_oid);
  }
  shape.schema = std::make_shared<const Schema>(shape.page.columns, std::move(kinds));
  shape.cursor = cursor_indices(shape.page);
  for (std::size_t i = 0; i < shape.cursor.size(); ++i) {
    if (shape.cursor[i] < shape.types.size()) continue;
    shape.types.push_back(shape.info.find(options.cursor[i])->base_oid);
  }
  shape.bound = upper_bound(shape.info, options, shape.page.table);
  shape.page.now = clock_sql(shape.bound);
  return shape;
}

std::optional<std::int64_t> microseconds_of(const std::string& text) {
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

}  // namespace syncd::jobs
