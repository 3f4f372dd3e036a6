// PostgresTarget: the table that rows go to, and the statement that takes many of them at once: plain inserts
// are copied, others are one array of text for each column.  No value is ever part of a statement.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "daemon/postgres/name.hpp"
#include "daemon/postgres/session.hpp"
#include "jobs/batch.hpp"
#include "jobs/predicate.hpp"

namespace syncd::jobs {

// A column of a table as the server describes it.
struct TargetColumn {
  std::string name;
  std::string type;        // for casts: without a length, which an explicit cast would cut to in silence
  bool needed = false;     // NOT NULL without a default
  bool generated = false;  // takes no value
};

struct TargetTable {
  std::vector<TargetColumn> columns;
  bool copies = false;  // COPY does here what INSERT does: a table, without rules and row security
};

// Throws a Permanent error where there is no such table.  On a session's thread.
TargetTable load_target(postgres::Session& session, const std::string& table);

class PostgresTarget {
 public:
  // `table` is quoted; `columns`: none for all of the stream; `key`: none for plain inserts.
  PostgresTarget(std::string table, std::vector<std::string> columns, std::vector<std::string> key,
                 std::optional<Predicate> delete_rule);

  bool bound(const Batch& batch) const noexcept { return batch.shared_schema() == bound_; }
  // Throws a Config error where the stream has a column that the table has not.
  void bind(const Batch& batch, const TargetTable& target);

  // Why PostgreSQL could never take the row, "" for nothing that is known before it is asked.
  std::string wrong(const Batch& batch, std::size_t row) const;
  // Writes the given rows, in order; of several with one key the last one counts.
  void write(postgres::Session& session, const Batch& batch, const std::vector<std::uint32_t>& rows);
  // What write() would send, for people: the statement, then its parameters or rows.
  std::vector<std::string> preview(const Batch& batch, const std::vector<std::uint32_t>& rows) const;

 private:
  std::string copy_sql() const;
  std::string insert_sql() const;
  std::string upsert_sql() const;
  std::string copied(const Batch& batch, const std::vector<std::uint32_t>& rows) const;
  postgres::Params parameters(const Batch& batch, const std::vector<std::uint32_t>& rows) const;

  struct Column {
    std::size_t index;  // of the stream
    std::string name;   // quoted
    std::string type;
    bool key;
  };

  std::string table_;
  std::vector<std::string> names_;
  std::vector<std::string> key_;
  std::optional<Predicate> delete_rule_;
  std::shared_ptr<const Schema> bound_;
  std::vector<Column> columns_;
  bool copies_ = false;
  std::string sql_;
};

}  // namespace syncd::jobs
