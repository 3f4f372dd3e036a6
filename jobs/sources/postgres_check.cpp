#include "jobs/sources/postgres_check.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace syncd::jobs {
namespace {

class Checker {
 public:
  Checker(postgres::Session& session, const PostgresTableOptions& options, const TableShape& shape)
      : session_(session), options_(options), shape_(shape) {}

  CheckNotes run() {
    if (!readable()) return std::move(notes_);
    nulls();
    if (shape_.page.versioned) indexes();
    const TableColumn& first = *shape_.info.find(options_.cursor.front());
    if (first.base == "timestamp" || first.base == "timestamptz") clock(first);
    if (options_.late == LateCommits::Fence && shape_.bound.kind == UpperBound::Kind::Maximum) serial(first);
    consequences();
    return std::move(notes_);
  }

 private:
  using Level = CheckNote::Level;

  void add(Level level, std::string text, std::string remedy) {
    notes_.push_back(CheckNote{level, options_.table + ": " + std::move(text), std::move(remedy)});
  }

  bool readable() {
    std::vector<std::string> needed = shape_.page.columns;
    for (const CursorColumn& column : shape_.page.cursor) needed.push_back(column.name);
    if (shape_.page.versioned && options_.late == LateCommits::Fence && !options_.hold)
      needed.push_back("xmin");
    std::vector<std::string> missing;
    for (const std::string& column : needed) {
      const auto rows =
          session_.exec("SELECT has_column_privilege($1, $2, 'SELECT')", {shape_.page.table, column});
      if (rows.text(0, 0) != "t") missing.push_back(column);
    }
    if (!missing.empty()) {
      add(Level::Error, fmt::format("this user may not read {}", fmt::join(missing, ", ")),
          fmt::format("GRANT SELECT ON {} TO the user of the connection", shape_.page.table));
    }
    return missing.empty();
  }

  void nulls() {
    for (const CursorColumn& column : shape_.page.cursor) {
      if (!column.nullable || !shape_.page.versioned) continue;
      const bool halts = options_.on_null_cursor == OnNullCursor::Halt;
      add(Level::Warning,
          fmt::format("the cursor column {} may be NULL; such rows {}", column.name,
                      halts ? "halt the job" : "are never read"),
          fmt::format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", shape_.page.table,
                      quote_identifier(column.name)));
    }
  }

  // One that begins with the cursor, in order; and a unique one within the cursor.
  void indexes() {
    const auto rows = session_.exec(
        "SELECT i.indexrelid, i.indisunique AND i.indpred IS NULL, m.amname = 'btree', i.indpred IS NULL,"
        "  coalesce(a.attname, ''), (i.indoption[k.ord - 1] & 1)::text"
        "  FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(att, ord)"
        "  JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam"
        "  LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.att"
        " WHERE i.indrelid = to_regclass($1) AND i.indisvalid AND k.ord <= i.indnkeyatts"
        " ORDER BY 1, k.ord",
        {shape_.page.table});
    bool covered = false;
    bool unique = false;
    for (std::size_t row = 0; row < rows.size();) {
      const std::size_t begin = row;
      std::vector<std::string> columns;
      std::string directions;
      for (; row < rows.size() && rows.text(row, 0) == rows.text(begin, 0); ++row) {
        columns.emplace_back(rows.text(row, 4));
        directions += rows.text(row, 5);
      }
      const bool ordered = rows.text(begin, 2) == "t";
      const bool whole = rows.text(begin, 3) == "t" || !options_.where.empty();
      covered = covered || (ordered && whole && starts_with_cursor(columns, directions));
      unique = unique || (rows.text(begin, 1) == "t" && within_cursor(columns));
    }
    std::vector<std::string> names;
    for (const CursorColumn& column : shape_.page.cursor) names.push_back(quote_identifier(column.name));
    if (!covered) {
      add(Level::Warning, "no index begins with the cursor columns: every page sorts the table",
          fmt::format("CREATE INDEX CONCURRENTLY ON {} ({})", shape_.page.table, fmt::join(names, ", ")));
    }
    if (!unique) {
      add(Level::Warning,
          "nothing says that the cursor is unique as a whole: of rows with equal cursors some could be "
          "skipped",
          "add the primary key as last cursor column");
    }
  }
  bool starts_with_cursor(const std::vector<std::string>& columns, const std::string& directions) const {
    const std::size_t width = options_.cursor.size();
    if (columns.size() < width) return false;
    const bool one_way = directions.find_first_not_of(directions[0]) >= width;
    return one_way && std::equal(options_.cursor.begin(), options_.cursor.end(), columns.begin());
  }
  bool within_cursor(const std::vector<std::string>& columns) const {
    return std::all_of(columns.begin(), columns.end(), [&](const std::string& column) {
      return std::find(options_.cursor.begin(), options_.cursor.end(), column) != options_.cursor.end();
    });
  }

  void clock(const TableColumn& first) {
    if (first.base == "timestamp") {
      add(Level::Warning,
          fmt::format("{} has no time zone; it is taken as {}", first.name, shape_.info.default_zone),
          "use timestamptz: writers in other zones, and the hour that is repeated in autumn, go wrong");
    }
    const auto rows = session_.exec(fmt::format(
        "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} > now() + interval '1 hour' LIMIT 1000) late",
        shape_.page.table, quote_identifier(first.name)));
    if (rows.text(0, 0) != "0") {
      add(Level::Warning,
          fmt::format("{} row(s) lie in the future (or at infinity) by {}: they are delivered only then",
                      rows.text(0, 0), first.name),
          "correct their timestamps");
    }
  }

  void serial(const TableColumn& first) {
    add(Level::Note, fmt::format("by {} inserts are seen, updates are not", first.name),
        "use a timestamp that every update sets, where rows change");
    const auto rows = session_.exec(
        "SELECT s.seqcache FROM pg_sequence s"
        " WHERE s.seqrelid = to_regclass(pg_get_serial_sequence($1, $2))",
        {shape_.page.table, first.name});
    if (rows.size() == 0) {
      add(Level::Warning,
          fmt::format("{} has no sequence of its own: ids made by clients are not covered by the fence",
                      first.name),
          "use late_commits = \"xid\", or a timestamp cursor");
    } else if (rows.text(0, 0) != "1") {
      add(Level::Error,
          fmt::format("the sequence of {} has CACHE {}: ids are handed out long before they are used",
                      first.name, rows.text(0, 0)),
          "ALTER SEQUENCE ... CACHE 1, or late_commits = \"xid\"");
    }
  }

  void consequences() {
    if (options_.hold && options_.late == LateCommits::Fence) {
      add(Level::Note, "rows are held back while any transaction of the database is open",
          "keep transactions short, or name harmless applications in fence_ignore");
    }
    if (!options_.where.empty() && !options_.deletes) {
      add(Level::Note, "a row that changes so that it leaves `where` stays in the sink",
          "use delete_if in the sink instead, where that can happen");
    }
  }

  postgres::Session& session_;
  const PostgresTableOptions& options_;
  const TableShape& shape_;
  CheckNotes notes_;
};

}  // namespace

CheckNotes check_table(postgres::Session& session, const PostgresTableOptions& options) {
  TableShape shape;
  try {
    shape = resolve(session, options);
  } catch (const Error& error) {
    // What stands in the way of the job is the first thing to be told; a server that is away is another.
    if (session.broken()) throw;
    return {CheckNote{CheckNote::Level::Error, error.what(), ""}};
  }
  Checker checker(session, options, shape);
  return checker.run();
}

}  // namespace syncd::jobs
