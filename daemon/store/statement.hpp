// A prepared statement for one use; binds in order, reads by column.  Inside the store room only.
#pragma once
#include <sqlite3.h>

#include "daemon/store/database.hpp"

namespace syncd::store {

inline std::int64_t to_us(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime from_us(std::int64_t us) { return WallTime(WallTime::duration(us)); }

class Database::Statement {
 public:
  Statement(Database& database, const std::string& sql) : database_(database) {
    if (sqlite3_prepare_v2(database.handle_.get(), sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK) {
      database.fail("preparing a statement");
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(const std::string& text) {
    sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& bind(std::optional<std::int64_t> number) {
    if (number) return bind(*number);
    sqlite3_bind_null(statement_, ++bound_);
    return *this;
  }
  Statement& bind(WallTime time) { return bind(to_us(time)); }
  Statement& bind(std::optional<WallTime> time) {
    return bind(time ? std::optional(to_us(*time)) : std::nullopt);
  }
  Statement& bind(std::int64_t number) {
    sqlite3_bind_int64(statement_, ++bound_, number);
    return *this;
  }
  bool step() {
    const int status = sqlite3_step(statement_);
    if (status == SQLITE_ROW) return true;
    if (status != SQLITE_DONE) database_.fail("writing the state database");
    return false;
  }
  std::string text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                : std::string();
  }
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  WallTime time(int column) const { return from_us(number(column)); }
  std::optional<WallTime> optional_time(int column) const {
    return null(column) ? std::nullopt : std::optional(time(column));
  }
  bool null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

// Several statements as one; taken back unless committed.
class Database::Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database.execute("BEGIN IMMEDIATE"); }
  ~Transaction() {
    if (!done_) sqlite3_exec(database_.handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    database_.execute("COMMIT");
    done_ = true;
  }

 private:
  Database& database_;
  bool done_ = false;
};

}  // namespace syncd::store
