// The least of SQLite that our files need: opening safely, and statements, each of which is compiled once.
// Inside the store room only.
#pragma once
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

namespace syncd::store::sqlite {

// Closes a file, and keeps what was compiled for it until then: compiling takes longer than most statements.
class Close {
 public:
  void operator()(sqlite3* handle);
  // One that nobody uses; null where there is none.
  sqlite3_stmt* take(const std::string& sql);
  void give_back(std::string sql, sqlite3_stmt* statement);

 private:
  std::multimap<std::string, sqlite3_stmt*, std::less<>> idle_;  // by its text
};
using Handle = std::unique_ptr<sqlite3, Close>;

// "DOING: what SQLite says".  Transient where it may pass (disk full, busy), else Permanent.
[[noreturn]] void fail(sqlite3* handle, const std::string& doing);

// Opens or creates `file` (0600, trusting nothing in it); ":memory:" is one that is nowhere.
Handle open(const std::filesystem::path& file);
// Turns to WAL and looks through it; false: it is no database, or a damaged one.
bool intact(const Handle& handle);

inline std::int64_t to_us(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime from_us(std::int64_t us) { return WallTime(WallTime::duration(us)); }

void execute(sqlite3* handle, const std::string& sql);

// Binds in order, reads by column.  The handle stays where it is meanwhile.
class Statement {
 public:
  Statement(Handle& handle, std::string sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(const std::string& text);
  // Not copied: it outlives the statement.
  Statement& bind_lent(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(std::uint64_t number) { return bind(static_cast<std::int64_t>(number)); }
  Statement& bind(std::optional<std::int64_t> number);
  Statement& bind(WallTime time) { return bind(to_us(time)); }
  Statement& bind(std::optional<WallTime> time) {
    return bind(time ? std::optional(to_us(*time)) : std::nullopt);
  }
  bool step();
  std::string text(int column) const;
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  std::uint64_t count(int column) const { return static_cast<std::uint64_t>(number(column)); }
  bool null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  WallTime time(int column) const { return from_us(number(column)); }
  std::optional<WallTime> optional_time(int column) const {
    return null(column) ? std::nullopt : std::optional(time(column));
  }

 private:
  Handle& handle_;
  std::string sql_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

// While it lives, what is committed is on the disk; else the file may lose its last commits in a power cut.
class Durable {
 public:
  explicit Durable(const Handle& handle) : handle_(handle.get()) {
    execute(handle_, "PRAGMA synchronous=FULL");
  }
  ~Durable() { sqlite3_exec(handle_, "PRAGMA synchronous=NORMAL", nullptr, nullptr, nullptr); }
  Durable(const Durable&) = delete;
  Durable& operator=(const Durable&) = delete;

 private:
  sqlite3* handle_;
};

// Several statements as one; taken back unless committed.
class Transaction {
 public:
  explicit Transaction(const Handle& handle) : handle_(handle.get()) { execute(handle_, "BEGIN IMMEDIATE"); }
  ~Transaction() {
    if (!done_) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    execute(handle_, "COMMIT");
    done_ = true;
  }

 private:
  sqlite3* handle_;
  bool done_ = false;
};

// Within a transaction: brings the file to the version that the last of `steps` leads to; forward only, step
// n from version n.  Throws a Permanent error that begins with `name` where a newer syncd wrote it.
void migrate(Handle& handle, const std::string& name, std::span<const char* const> steps);

}  // namespace syncd::store::sqlite
