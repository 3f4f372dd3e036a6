#include "jobs/sources/postgres_check.hpp"

#include <fmt/format.h>

namespace syncd::jobs {
namespace {

class Checker {
 public:
  Checker(postgres::Session& session, const PostgresTableOptions& options)
      : session_(session), options_(options), shape_(resolve(session, options)) {}

  CheckNotes run() {
    privileges();
    nulls();
    uniqueness_and_index();
    first_column();
    if (options_.late == LateCommits::Fence) sequence_cache();
    if (options_.hold && options_.late == LateCommits::Fence) {
      add(CheckNote::Level::Note, "rows are held back while any transaction of the database is open",
          "keep transactions short, or name harmless applications in fence_ignore");
    }
    if (!options_.where.empty()) {
      add(CheckNote::Level::Note, "a row that changes so that it leaves `where` stays in the sink",
          "use delete_if in the sink instead, where that can happen");
    }
    return std::move(notes_);
  }

 private:
  void add(CheckNote::Level level, std::string text, std::string remedy) {
    notes_.push_back(CheckNote{level, options_.table + ": " + std::move(text), std::move(remedy)});
  }

  void privileges() {
    const auto rows =
        session_.exec("SELECT has_table_privilege($1, 'SELECT') OR has_any_column_privilege($1, 'SELECT')",
                      {shape_.page.table});
    if (rows.text(0, 0) != "t") {
      add(CheckNote::Level::Error, "this user may not read it",
          fmt::format("GRANT SELECT ON {} TO the user of the connection", shape_.page.table));
    }
  }

  void nulls() {
    for (const CursorColumn& column : shape_.page.cursor) {
      if (!column.nullable) continue;
      add(CheckNote::Level::Warning,
          fmt::format("the cursor column {} may be NULL; such rows are never read", column.name),
          fmt::format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", shape_.page.table,
                      quote_identifier(column.name)));
    }
  }

  // An index whose leading columns are the cursor, in order; and a unique one within the cursor.
  void uniqueness_and_index() {
    const auto rows = session_.exec(
        "SELECT i.indexrelid, i.indisunique AND i.indpred IS NULL, k.ord, coalesce(a.attname, '')"
        "  FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(att, ord)"
        "  LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.att"
        " WHERE i.indrelid = to_regclass($1) AND i.indisvalid AND k.ord <= i.indnkeyatts ORDER BY 1, 3",
        {shape_.page.table});
    bool covered = false;
    bool unique = false;
    for (std::size_t row = 0; row < rows.size();) {
      const std::string index(rows.text(row, 0));
      const bool unique_index = rows.text(row, 1) == "t";
      std::vector<std::string> columns;
      for (; row < rows.size() && rows.text(row, 0) == index; ++row) columns.emplace_back(rows.text(row, 3));
      covered = covered || starts_with_cursor(columns);
      unique = unique || (unique_index && within_cursor(columns));
    }
    std::vector<std::string> names;
    for (const CursorColumn& column : shape_.page.cursor) names.push_back(quote_identifier(column.name));
    if (!covered && shape_.page.versioned) {
      add(CheckNote::Level::Warning, "no index begins with the cursor columns: every page sorts the table",
          fmt::format("CREATE INDEX CONCURRENTLY ON {} ({})", shape_.page.table, fmt::join(names, ", ")));
    }
    if (!unique) {
      add(CheckNote::Level::Warning,
          "nothing says that the cursor is unique as a whole: of rows with equal cursors some could be "
          "skipped",
          "add the primary key as last cursor column");
    }
  }
  bool starts_with_cursor(const std::vector<std::string>& columns) const {
    if (columns.size() < options_.cursor.size()) return false;
    return std::equal(options_.cursor.begin(), options_.cursor.end(), columns.begin());
  }
  bool within_cursor(const std::vector<std::string>& columns) const {
    return std::all_of(columns.begin(), columns.end(), [&](const std::string& column) {
      return std::find(options_.cursor.begin(), options_.cursor.end(), column) != options_.cursor.end();
    });
  }

  void first_column() {
    const TableColumn& first = *shape_.info.find(options_.cursor.front());
    const std::string name = quote_identifier(first.name);
    if (first.base == "timestamp") {
      add(CheckNote::Level::Warning,
          fmt::format("{} has no time zone; it is taken as {}", first.name, shape_.info.default_zone),
          "use timestamptz: writers in other zones, and the hour that is repeated in autumn, go wrong");
    }
    if (first.base == "timestamptz" || first.base == "timestamp") {
      const auto rows = session_.exec(
          fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} > now() + interval '1 hour'"
                      " LIMIT 1000) late",
                      shape_.page.table, name));
      if (rows.text(0, 0) != "0") {
        add(CheckNote::Level::Warning,
            fmt::format("{} row(s) lie in the future (or at infinity) by {}: they are delivered only then",
                        rows.text(0, 0), first.name),
            "correct their timestamps");
      }
    }
  }

  void sequence_cache() {
    const TableColumn& first = *shape_.info.find(options_.cursor.front());
    if (shape_.bound.kind != UpperBound::Kind::Maximum) return;
    const auto rows = session_.exec(
        "SELECT s.seqcache FROM pg_sequence s"
        " WHERE s.seqrelid = to_regclass(pg_get_serial_sequence($1, $2))",
        {shape_.page.table, first.name});
    if (rows.size() == 0) {
      add(CheckNote::Level::Warning,
          fmt::format("{} has no sequence of its own: ids made by clients are not covered by the fence",
                      first.name),
          "use late_commits = \"xid\", or a timestamp cursor");
    } else if (rows.text(0, 0) != "1") {
      add(CheckNote::Level::Error,
          fmt::format("the sequence of {} has CACHE {}: ids are handed out long before they are used",
                      first.name, rows.text(0, 0)),
          "ALTER SEQUENCE ... CACHE 1, or late_commits = \"xid\"");
    }
  }

  postgres::Session& session_;
  const PostgresTableOptions& options_;
  TableShape shape_;
  CheckNotes notes_;
};

}  // namespace

CheckNotes check_table(postgres::Session& session, const PostgresTableOptions& options) {
  Checker checker(session, options);
  return checker.run();
}

}  // namespace syncd::jobs
