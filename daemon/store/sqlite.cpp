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
  if (status != SQLITE_OK) fail(raw, "opening " + file.string());
  sqlite3_busy_timeout(raw, 2000);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return handle;
}

bool intact(const Handle& handle) {
  bool ok = false;
  const auto first_row = [](void* found, int, char** values, char**) {
    *static_cast<bool*>(found) = values[0] != nullptr && std::string_view(values[0]) == "ok";
    return 0;
  };
  const int status =
      sqlite3_exec(handle.get(), "PRAGMA journal_mode=WAL; PRAGMA cell_size_check=ON; PRAGMA quick_check(1)",
                   first_row, &ok, nullptr);
  if (status == SQLITE_OK) return ok;
  if (status == SQLITE_NOTADB || status == SQLITE_CORRUPT) return false;
  fail(handle.get(), "checking the state database");
}

void execute(sqlite3* handle, const std::string& sql) {
  if (sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(handle, "using the state database");
}

void Close::operator()(sqlite3* handle) {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  idle_.clear();
  sqlite3_close_v2(handle);
}

sqlite3_stmt* Close::take(const std::string& sql) {
  const auto found = idle_.find(sql);
  return found == idle_.end() ? nullptr : idle_.extract(found).mapped();
}

void Close::give_back(std::string sql, sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  idle_.emplace(std::move(sql), statement);
}

Statement::Statement(Handle& handle, std::string sql)
    : handle_(handle), sql_(std::move(sql)), statement_(handle.get_deleter().take(sql_)) {
  if (statement_ != nullptr) return;
  const int status =
      sqlite3_prepare_v3(handle_.get(), sql_.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (status != SQLITE_OK) fail(handle_.get(), "preparing a statement");
}

Statement::~Statement() { handle_.get_deleter().give_back(std::move(sql_), statement_); }

Statement& Statement::bind(const std::string& text) {
  sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind_lent(std::string_view text) {
  sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_, ++bound_, number);
  return *this;
}

Statement& Statement::bind(std::optional<std::int64_t> number) {
  if (number) return bind(*number);
  sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

bool Statement::step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status != SQLITE_DONE) fail(handle_.get(), "writing the state database");
  return false;
}

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
              : std::string();
}

void migrate(Handle& handle, const std::string& name, std::span<const char* const> steps) {
  std::int64_t version = 0;
  {
    Statement select(handle, "PRAGMA user_version");
    select.step();
    version = select.number(0);
  }
  if (version > static_cast<std::int64_t>(steps.size())) {
    throw Error(ErrorKind::Permanent,
                fmt::format("{} has version {}, this syncd knows {}: install the newer one", name, version,
                            steps.size()));
  }
  for (auto next = static_cast<std::size_t>(version); next < steps.size(); ++next) {
    execute(handle.get(), fmt::format("{} PRAGMA user_version = {}", steps[next], next + 1));
  }
}

}  // namespace syncd::store::sqlite
