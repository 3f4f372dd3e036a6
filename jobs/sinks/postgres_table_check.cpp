#include "jobs/sinks/postgres_table_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/suggest.hpp"
#include "jobs/sinks/postgres_target.hpp"

namespace syncd::jobs {
namespace {

using Level = CheckNote::Level;

class TargetCheck {
 public:
  TargetCheck(postgres::Session& session, const PostgresSinkOptions& options,
              const PostgresCheckpoint& checkpoint)
      : session_(session),
        options_(options),
        checkpoint_(checkpoint),
        table_(postgres::TableName::parse(options.table)->quoted()) {}

  CheckNotes run() {
    if (session_.exec("SELECT pg_is_in_recovery()").text(0, 0) == "t") {
      add(Level::Error, "this PostgreSQL is a standby and refuses writes", "connect to the primary");
    }
    target_ = load_target(session_, table_).columns;
    columns();
    privileges();
    if (!options_.key.empty()) unique_key();
    checkpoint();
    return std::move(notes_);
  }

 private:
  void add(Level level, std::string text, std::string remedy) {
    notes_.push_back(CheckNote{level, options_.table + ": " + std::move(text), std::move(remedy)});
  }

  std::vector<std::string> written() const {
    if (!options_.columns.empty()) return options_.columns;
    return options_.stream.value_or(std::vector<std::string>());
  }

  void columns() {
    std::vector<std::string> known;
    for (const TargetColumn& column : target_) known.push_back(column.name);
    const auto names = written();
    for (const std::string& name : names) {
      const auto found = std::find(known.begin(), known.end(), name);
      if (found == known.end()) {
        add(Level::Error, config::unknown_text("column", name, known),
            "rename it on its way, name the columns to write, or add it to the table");
      } else if (target_[static_cast<std::size_t>(found - known.begin())].generated) {
        add(Level::Error, fmt::format("PostgreSQL makes the values of {} itself", name),
            "leave it out of 'columns'");
      }
    }
    for (const TargetColumn& column : target_) {
      const bool given = std::find(names.begin(), names.end(), column.name) != names.end();
      if (!names.empty() && column.needed && !given) {
        add(Level::Error, fmt::format("{} is NOT NULL without a default, and is not written", column.name),
            "write it, or give it a default");
      }
    }
  }

  void privileges() {
    std::vector<std::string> needed{"INSERT"};
    if (!options_.key.empty()) needed.insert(needed.end(), {"SELECT", "UPDATE"});
    if (options_.delete_if) needed.emplace_back("DELETE");
    std::vector<std::string> missing;
    for (const std::string& privilege : needed) {
      const auto rows = session_.exec("SELECT has_table_privilege($1, $2)", {table_, privilege});
      if (rows.text(0, 0) != "t") missing.push_back(privilege);
    }
    if (missing.empty()) return;
    add(Level::Error, fmt::format("this user lacks {}", fmt::join(missing, ", ")),
        fmt::format("GRANT {} ON {} TO the user of the connection", fmt::join(missing, ", "), table_));
  }

  // ON CONFLICT needs a unique index on exactly these columns.
  void unique_key() {
    std::vector<std::string> key = options_.key;
    std::sort(key.begin(), key.end());
    const auto rows = session_.exec(
        "SELECT string_agg(a.attname, ',' ORDER BY a.attname COLLATE \"C\") FROM pg_index i"
        " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL"
        " AND i.indexprs IS NULL GROUP BY i.indexrelid",
        {table_});
    const std::string wanted = fmt::format("{}", fmt::join(key, ","));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (rows.text(row, 0) == wanted) return;
    }
    std::vector<std::string> quoted;
    for (const std::string& name : options_.key) quoted.push_back(postgres::quote_identifier(name));
    add(Level::Error, fmt::format("no unique index on exactly ({})", fmt::join(options_.key, ", ")),
        fmt::format("CREATE UNIQUE INDEX ON {} ({})", table_, fmt::join(quoted, ", ")));
  }

  void checkpoint() {
    const auto there =
        session_.exec("SELECT to_regclass($1) IS NOT NULL, has_schema_privilege(current_schema(), 'CREATE')",
                      {checkpoint_.table()});
    if (there.text(0, 0) != "t") {
      if (there.text(0, 1) == "t") return;
      add(Level::Error, fmt::format("this user may not make the table {}", checkpoint_.table()),
          checkpoint_.definition() +
              "; GRANT SELECT, INSERT, UPDATE, DELETE ON it to the user of the connection");
      return;
    }
    const auto allowed = session_.exec(
        "SELECT has_table_privilege($1, 'SELECT') AND has_table_privilege($1, 'INSERT')"
        " AND has_table_privilege($1, 'UPDATE') AND has_table_privilege($1, 'DELETE')",
        {checkpoint_.table()});
    if (allowed.text(0, 0) == "t") return;
    add(Level::Error, fmt::format("this user may not write {}", checkpoint_.table()),
        fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO the user of the connection",
                    checkpoint_.table()));
  }

  postgres::Session& session_;
  const PostgresSinkOptions& options_;
  const PostgresCheckpoint& checkpoint_;
  std::string table_;
  std::vector<TargetColumn> target_;
  CheckNotes notes_;
};

}  // namespace

CheckNotes check_target(postgres::Session& session, const PostgresSinkOptions& options,
                        const PostgresCheckpoint& checkpoint) {
  return TargetCheck(session, options, checkpoint).run();
}

}  // namespace syncd::jobs
