#include "daemon/store/sqlite.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

namespace syncd::store::sqlite {

void fail(sqlite3* handle, const std::string& doing) {
  const int code = sqlite3_errcode(handle);
  const bool passing =
      code == SQLITE_FULL || code == SQLITE_BUSY || code == SQLITE_IOERR || code == SQLITE_READONLY;
  throw Error(passing ? ErrorKind::Transient : ErrorKind::Permanent,
              fmt::format("{}: {}", doing, sqlite3_errmsg(handle)));
}

Handle open(const std::filesystem::path& file) {
  const mode_t before = ::umask(0077);
  sqlite3* raw = nullptr;
  const int status = sqlite3_open_v2(
      file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, nullptr);
  ::umask(before);
  Handle handle(raw);
  const std::string doing = "opening " + file.string();
  if (status != SQLITE_OK) fail(raw, doing);
  sqlite3_busy_timeout(raw, 2000);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  try {
    execute(raw, "PRAGMA journal_mode=WAL; PRAGMA cell_size_check=ON");
    Statement check(handle, "PRAGMA quick_check(1)");
    check.step();
    if (check.text(0) != "ok") throw Error(ErrorKind::Permanent, "it is damaged: " + check.text(0));
  } catch (const Error& error) {
    throw error.within(doing);
  }
  return handle;
}

void execute(sqlite3* handle, const std::string& sql) {
  if (sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(handle, "using the database");
}

Statement::Statement(const Handle& handle, const char* sql) : handle_(handle.get()) {
  if (sqlite3_prepare_v2(handle_, sql, -1, &statement_, nullptr) != SQLITE_OK) {
    fail(handle_, "preparing a statement");
  }
}

Statement& Statement::bind(const std::string& text) {
  sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_, ++bound_, number);
  return *this;
}

bool Statement::step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status != SQLITE_DONE) fail(handle_, "writing the database");
  return false;
}

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
              : std::string();
}

}  // namespace syncd::store::sqlite
