#include "jobs/sinks/postgres_target.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/suggest.hpp"
#include "jobs/columns.hpp"

namespace syncd::jobs {
namespace {

// One element of a literal of text[]: https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO
void append_element(std::string& out, Cell cell) {
  out += out.empty() ? '{' : ',';
  if (cell.null()) {
    out += "NULL";
    return;
  }
  out += '"';
  std::string_view text = cell.text();
  while (true) {
    const std::size_t plain = std::min(text.find_first_of("\"\\"), text.size());
    out += text.substr(0, plain);
    if (plain == text.size()) break;
    out += '\\';
    out += text[plain];
    text.remove_prefix(plain + 1);
  }
  out += '"';
}

// A value of COPY's text format: https://www.postgresql.org/docs/15/sql-copy.html
void append_copied(std::string& out, Cell cell) {
  if (cell.null()) {
    out += "\\N";
    return;
  }
  std::string_view text = cell.text();
  while (true) {
    const std::size_t plain = std::min(text.find_first_of("\\\t\n\r"), text.size());
    out += text.substr(0, plain);
    if (plain == text.size()) break;
    const char special = text[plain];
    out += '\\';
    out += special == '\t' ? 't' : special == '\n' ? 'n' : special == '\r' ? 'r' : special;
    text.remove_prefix(plain + 1);
  }
}

template <class Columns, class Part>
std::string list(const Columns& columns, Part part, const char* separator = ", ") {
  std::string out;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string text = part(columns[i], i);
    if (!text.empty()) out += (out.empty() ? "" : separator) + text;
  }
  return out;
}

}  // namespace

TargetTable load_target(postgres::Session& session, const std::string& table) {
  const auto rows = session.exec(
      "SELECT attname, format_type(atttypid, -1), attnotnull AND NOT atthasdef AND attidentity = '',"
      " attgenerated <> '' OR attidentity = 'a',"
      " relkind IN ('r', 'p') AND NOT relhasrules AND NOT row_security_active(attrelid)"
      " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE attrelid = to_regclass($1) AND "
      "attnum > 0 AND NOT attisdropped ORDER BY attnum",
      {table});
  if (rows.size() == 0) throw Error(ErrorKind::Permanent, fmt::format("there is no table {}", table));
  TargetTable target;
  target.copies = rows.text(0, 4) == "t";
  for (std::size_t row = 0; row < rows.size(); ++row) {
    target.columns.push_back(TargetColumn{std::string(rows.text(row, 0)), std::string(rows.text(row, 1)),
                                          rows.text(row, 2) == "t", rows.text(row, 3) == "t"});
  }
  return target;
}

PostgresTarget::PostgresTarget(std::string table, std::vector<std::string> columns,
                               std::vector<std::string> key, std::optional<Predicate> delete_rule)
    : table_(std::move(table)),
      names_(std::move(columns)),
      key_(std::move(key)),
      delete_rule_(std::move(delete_rule)) {}

void PostgresTarget::bind(const Batch& batch, const TargetTable& target) {
  const Schema& schema = batch.schema();
  columns_.clear();
  std::vector<std::string> known;
  copies_ = target.copies && key_.empty();
  for (const TargetColumn& column : target.columns) known.push_back(column.name);
  for (const std::size_t index : chosen_columns(schema, names_)) {
    const std::string& name = schema.columns()[index];
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) {
      throw Error(ErrorKind::Config, table_ + ": " + config::unknown_text("column", name, known));
    }
    const auto& column = target.columns[static_cast<std::size_t>(found - known.begin())];
    const bool key = std::find(key_.begin(), key_.end(), name) != key_.end();
    copies_ = copies_ && !column.generated;  // which COPY would write
    columns_.push_back(Column{index, postgres::quote_identifier(name), column.type, key});
  }
  if (delete_rule_) delete_rule_->bind(schema, "delete_if");
  sql_ = copies_ ? copy_sql() : key_.empty() ? insert_sql() : upsert_sql();
  bound_ = batch.shared_schema();
}

std::string PostgresTarget::copy_sql() const {
  return fmt::format("COPY {} ({}) FROM STDIN", table_,
                     list(columns_, [](const Column& c, std::size_t) { return c.name; }));
}

std::string PostgresTarget::insert_sql() const {
  return fmt::format(
      "INSERT INTO {} ({}) SELECT {} FROM unnest({}) AS u({})", table_,
      list(columns_, [](const Column& c, std::size_t) { return c.name; }),
      list(columns_, [](const Column& c, std::size_t i) { return fmt::format("u.c{}::{}", i, c.type); }),
      list(columns_, [](const Column&, std::size_t i) { return fmt::format("${}::text[]", i + 1); }),
      list(columns_, [](const Column&, std::size_t i) { return fmt::format("c{}", i); }));
}

// The last row of each key, typed: those that are gone are deleted, the others inserted or updated.
std::string PostgresTarget::upsert_sql() const {
  const auto numbered = [](const char* before) {
    return [before](const Column&, std::size_t i) { return fmt::format("{}c{}", before, i); };
  };
  const auto keys = [](auto part) {
    return [part](const Column& c, std::size_t i) { return c.key ? part(c, i) : std::string(); };
  };
  const std::string key_numbers = list(columns_, keys(numbered("")));
  const std::string typed = list(
      columns_, [](const Column& c, std::size_t i) { return fmt::format("u.c{}::{} AS c{}", i, c.type, i); });
  const std::string updates = list(columns_, [](const Column& c, std::size_t) {
    return c.key ? std::string() : fmt::format("{} = EXCLUDED.{}", c.name, c.name);
  });
  return fmt::format(
      "WITH given AS (SELECT DISTINCT ON ({keys}) * FROM (SELECT {typed}, u.gone = 't' AS gone, u.n FROM "
      "unnest({parameters}, ${gone}::text[]) WITH ORDINALITY AS u({numbers}, gone, n)) AS all_given "
      "ORDER BY {keys}, n DESC), "
      "removed AS (DELETE FROM {table} AS t USING given WHERE given.gone AND {same}) "
      "INSERT INTO {table} ({names}) SELECT {numbers} FROM given WHERE NOT gone "
      "ON CONFLICT ({key_names}) DO {action}",
      fmt::arg("keys", key_numbers), fmt::arg("typed", typed),
      fmt::arg("parameters", list(columns_, [](const Column&,
                                               std::size_t i) { return fmt::format("${}::text[]", i + 1); })),
      fmt::arg("gone", columns_.size() + 1), fmt::arg("numbers", list(columns_, numbered(""))),
      fmt::arg("table", table_),
      fmt::arg("same", list(columns_, keys([](const Column& c, std::size_t i) {
                              return fmt::format("t.{} = given.c{}", c.name, i);
                            }),
                            " AND ")),
      fmt::arg("names", list(columns_, [](const Column& c, std::size_t) { return c.name; })),
      fmt::arg("key_names", list(columns_, keys([](const Column& c, std::size_t) { return c.name; }))),
      fmt::arg("action", updates.empty() ? "NOTHING" : "UPDATE SET " + updates));
}

std::string PostgresTarget::wrong(const Batch& batch, std::size_t row) const {
  for (const Column& column : columns_) {
    const Cell cell = batch.cell(row, column.index);
    if (column.key && cell.null()) return fmt::format("key: the column {} is NULL", column.name);
    if (cell.text().find('\0') != std::string_view::npos) {
      return fmt::format("the column {} holds a NUL byte, which PostgreSQL cannot store", column.name);
    }
  }
  return {};
}

void PostgresTarget::write(postgres::Session& session, const Batch& batch,
                           const std::vector<std::uint32_t>& rows) {
  if (rows.empty()) return;
  if (copies_) {
    session.copy(sql_, copied(batch, rows));
  } else {
    session.exec(sql_, parameters(batch, rows));
  }
}

std::vector<std::string> PostgresTarget::preview(const Batch& batch,
                                                 const std::vector<std::uint32_t>& rows) const {
  std::vector<std::string> lines{sql_};
  if (copies_) {
    for (const std::uint32_t row : rows) {
      const std::string copy = copied(batch, {row});
      lines.push_back("  " + copy.substr(0, copy.size() - 1));
    }
  } else {
    for (const auto& parameter : parameters(batch, rows)) {
      lines.push_back(fmt::format("  ${} = {}", lines.size(), parameter.value_or("NULL")));
    }
  }
  return lines;
}

std::string PostgresTarget::copied(const Batch& batch, const std::vector<std::uint32_t>& rows) const {
  std::string text;
  for (const std::uint32_t row : rows) {
    for (const Column& column : columns_) {
      append_copied(text, batch.cell(row, column.index));
      text += '\t';
    }
    text.back() = '\n';
  }
  return text;
}

postgres::Params PostgresTarget::parameters(const Batch& batch,
                                            const std::vector<std::uint32_t>& rows) const {
  postgres::Params arrays;
  const auto add = [&](auto cell_of) {
    std::string array;
    for (const std::uint32_t row : rows) append_element(array, cell_of(row));
    arrays.emplace_back(std::move(array) + '}');
  };
  for (const Column& column : columns_) {
    add([&](std::uint32_t row) { return batch.cell(row, column.index); });
  }
  if (!key_.empty()) {
    add([&](std::uint32_t row) {
      return Cell(std::string_view(delete_rule_ && delete_rule_->holds(batch, row) ? "t" : "f"));
    });
  }
  return arrays;
}

}  // namespace syncd::jobs
