// The only file that names libpqxx (6.4 and 7) and libpq.
#include "daemon/postgres/session.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <map>
#include <pqxx/pqxx>

#include "daemon/postgres/failure.hpp"

namespace syncd::postgres {
namespace {

struct FreeConninfo {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Conninfo = std::unique_ptr<PQconninfoOption, FreeConninfo>;

struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, FreeResult>;

struct FreeText {
  void operator()(char* text) const { PQfreemem(text); }
};
using Text = std::unique_ptr<char, FreeText>;

Conninfo parse_conninfo(const std::string& uri, std::string& mistake) {
  char* error = nullptr;
  Conninfo parsed(PQconninfoParse(uri.c_str(), &error));
  if (!parsed) {
    mistake = error != nullptr ? error : "out of memory";
    while (!mistake.empty() && mistake.back() == '\n') mistake.pop_back();
    PQfreemem(error);
  }
  return parsed;
}

void append_option(std::string& out, std::string_view key, std::string_view value) {
  out += fmt::format("{}{}='", out.empty() ? "" : " ", key);
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  out += '\'';
}

std::string connection_string(const Options& options, const std::string& application_name,
                              std::chrono::nanoseconds connect_timeout) {
  std::string mistake;
  const Conninfo parsed = parse_conninfo(options.uri.reveal(), mistake);
  if (!parsed) throw Error(ErrorKind::Config, "uri: " + config::redact_uri(mistake));
  std::string out;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    const std::string_view key = option->keyword;
    if (option->val == nullptr || key == "connect_timeout" || key == "application_name") continue;
    if (key == "password" && options.password) continue;
    append_option(out, key, option->val);
  }
  if (options.password) append_option(out, "password", options.password->reveal());
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(connect_timeout).count();
  append_option(out, "connect_timeout", std::to_string(seconds));
  append_option(out, "application_name", application_name);
  append_option(out, "client_encoding", "UTF8");
  return out;
}

// A connection of pqxx whose handle of libpq can be seen: pqxx has no way to copy rows that are made already.
#if PQXX_VERSION_MAJOR >= 7
void ignore_notice(void*, const char*) {}

class Connected {
 public:
  explicit Connected(const std::string& conninfo)
      : raw_(open(conninfo)), connection_(pqxx::connection::seize_raw_connection(raw_)) {}
  pqxx::connection& operator*() noexcept { return connection_; }
  PGconn* raw() const noexcept { return raw_; }

 private:
  static PGconn* open(const std::string& conninfo) {
    pqxx::connection connection(conninfo);
    PGconn* raw = std::move(connection).release_raw_connection();
    PQsetNoticeProcessor(raw, &ignore_notice, nullptr);  // the one that goes now had its own
    return raw;
  }
  PGconn* raw_;
  pqxx::connection connection_;
};
#else
class Connected final : public pqxx::connection_base {
 public:
  explicit Connected(const std::string& conninfo) : connection_base(policy_), policy_(conninfo) { init(); }
  ~Connected() { close(); }
  pqxx::connection_base& operator*() noexcept { return *this; }
  PGconn* raw() const noexcept { return policy_.raw; }

 private:
  struct Policy final : pqxx::connect_direct {
    using connect_direct::connect_direct;
    handle do_startconnect(handle before) override { return raw = connect_direct::do_startconnect(before); }
    handle raw = nullptr;
  };
  Policy policy_;
};
#endif

Connected connect(const std::string& conninfo) {
  try {
    return Connected(conninfo);
  } catch (const pqxx::broken_connection& error) {
    const std::string text = one_line(error.what());
    throw Error(refused_for_good(text) ? ErrorKind::Permanent : ErrorKind::Transient,
                "connecting to PostgreSQL: " + text);
  } catch (const pqxx::failure& error) {
    throw Error(ErrorKind::Transient, "connecting to PostgreSQL: " + one_line(error.what()));
  }
}

pqxx::result execute(pqxx::nontransaction& transaction, const std::string& name, const Params& params) {
#if PQXX_VERSION_MAJOR >= 7
  pqxx::params bound;
  for (const auto& param : params) bound.append(param);
#if PQXX_VERSION_MAJOR > 7 || PQXX_VERSION_MINOR >= 9
  return transaction.exec(pqxx::prepped{name}, bound);
#else
  return transaction.exec_prepared(name, bound);
#endif
#else
  std::vector<const char*> bound;
  for (const auto& param : params) bound.push_back(param ? param->c_str() : nullptr);
  return transaction.exec_prepared(name, pqxx::prepare::make_dynamic_params(bound.begin(), bound.end()));
#endif
}

}  // namespace

std::optional<std::string> uri_mistake(const config::Uri& uri) {
  std::string mistake;
  if (parse_conninfo(uri.reveal(), mistake)) return std::nullopt;
  return "is no address that libpq knows: " + config::redact_uri(mistake);
}

// --- Rows --------------------------------------------------------------------------------------------

bool Rows::null(std::size_t row, std::size_t column) const noexcept {
  const auto& result = *static_cast<const pqxx::result*>(result_.get());
  return result[static_cast<pqxx::result::size_type>(row)][static_cast<pqxx::row::size_type>(column)]
      .is_null();
}

std::string_view Rows::text(std::size_t row, std::size_t column) const noexcept {
  const auto& result = *static_cast<const pqxx::result*>(result_.get());
  const auto field =
      result[static_cast<pqxx::result::size_type>(row)][static_cast<pqxx::row::size_type>(column)];
  return {field.c_str(), field.size()};
}

// Each handle of pqxx counts two shared references: one row handle for all, one field handle per row.
void Rows::each_row(const std::function<void(const std::string_view* cells)>& use) const {
  const auto& result = *static_cast<const pqxx::result*>(result_.get());
  std::vector<std::string_view> cells(columns_);
  auto row = result.begin();
  for (std::size_t index = 0; index < rows_; ++index, ++row) {
    auto field = row.begin();
    for (std::size_t i = 0; i < columns_; ++i, ++field) {
      const std::size_t size = field->size();
      const bool null = size == 0 && field->is_null();
      cells[i] = null ? std::string_view() : std::string_view(field->c_str(), size);
    }
    use(cells.data());
  }
}

std::optional<std::string> Rows::value(std::size_t row, std::size_t column) const {
  if (null(row, column)) return std::nullopt;
  return std::string(text(row, column));
}

std::string Rows::column_name(std::size_t column) const {
  return static_cast<const pqxx::result*>(result_.get())
      ->column_name(static_cast<pqxx::row::size_type>(column));
}

std::uint32_t Rows::column_type(std::size_t column) const {
  return static_cast<const pqxx::result*>(result_.get())
      ->column_type(static_cast<pqxx::row::size_type>(column));
}

// --- Session -----------------------------------------------------------------------------------------

namespace {
std::atomic<std::uint64_t> last_session = 0;
}

struct Session::Driver {
  explicit Driver(const std::string& conninfo) : connected(connect(conninfo)) {}
  struct Prepared {
    std::string name;
    bool worked = false;
  };
  Prepared& prepare(const std::string& sql) {
    const auto found = prepared.find(sql);
    if (found != prepared.end()) return found->second;
    Prepared made{fmt::format("s{}", made_so_far++)};
    (*connected).prepare(made.name, sql);
    return prepared.emplace(sql, std::move(made)).first->second;
  }

  Connected connected;
  std::map<std::string, Prepared> prepared;  // by the statement's text
  std::size_t made_so_far = 0;
};

Session::Session(const Options& options, const std::string& application_name)
    : driver_(
          std::make_unique<Driver>(connection_string(options, application_name, options.connect_timeout))),
      options_(options),
      number_(++last_session) {
  auto& connection = *driver_->connected;
#if PQXX_VERSION_MAJOR < 7
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);  // a session that came back silently would have lost its settings
#pragma GCC diagnostic pop
#endif
  backend_pid_ = connection.backendpid();
  server_version_ = connection.server_version();
  socket_ = connection.sock();
}

void Session::configure() {
  const auto lock = std::chrono::duration_cast<std::chrono::milliseconds>(options_.lock_timeout).count();
  exec(fmt::format(
      "SET DateStyle = 'ISO, YMD'; SET TimeZone = 'UTC'; SET IntervalStyle = 'iso_8601';"
      "SET extra_float_digits = 1; SET bytea_output = 'hex'; SET default_transaction_read_only = on;"
      "SET lock_timeout = {}",
      lock));
  if (server_version_ >= 140000) {
    // Lets the server notice that we are gone in the middle of a statement; not on every platform.
    try {
      exec("SET client_connection_check_interval = '2s'");
    } catch (const Error&) {
      if (broken()) throw;
    }
  }
}

void Session::set_limit(Duration limit) {
  if (limit == limit_) return;
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(limit + kServerMargin);
  exec(fmt::format("SET statement_timeout = {}", time.count()));
  limit_ = limit;
}

Session::~Session() = default;

Rows Session::exec(const std::string& sql, const Params& params) {
  Driver::Prepared* prepared = nullptr;
  try {
    pqxx::nontransaction transaction(*driver_->connected);
    Rows rows;
    std::shared_ptr<pqxx::result> result;
    if (params.empty()) {
      result = std::make_shared<pqxx::result>(transaction.exec(sql));
    } else {
      prepared = &driver_->prepare(sql);
      result = std::make_shared<pqxx::result>(execute(transaction, prepared->name, params));
      prepared->worked = true;
    }
    rows.rows_ = static_cast<std::size_t>(result->size());
    rows.columns_ = static_cast<std::size_t>(result->columns());
    rows.result_ = std::move(result);
    return rows;
  } catch (const pqxx::broken_connection& error) {
    broken_ = true;
    throw Error(ErrorKind::Transient, lost_text(one_line(error.what())));
  } catch (const pqxx::transaction_rollback& error) {
    throw Error(ErrorKind::Transient, one_line(error.what()));
  } catch (const pqxx::sql_error& error) {
    // "cached plan must not change result type": a column has changed.
    const bool stale = error.sqlstate() == "0A000" && prepared != nullptr && prepared->worked;
    const bool alone = PQtransactionStatus(driver_->connected.raw()) == PQTRANS_IDLE;
    if (!stale || !alone) fail(error.sqlstate(), one_line(error.what()), stale);
  } catch (const pqxx::failure& error) {
    broken_ = true;
    throw Error(ErrorKind::Transient, one_line(error.what()));
  } catch (const std::exception& error) {
    broken_ = true;
    throw Error(ErrorKind::Permanent, one_line(error.what()));
  }
  // It has not begun; prepared anew it sees the new table.
  driver_->prepared.erase(sql);
  return exec(sql, params);
}

void Session::fail(const std::string& state, const std::string& text, bool stale) {
  if (stale || ends_session(state) || PQstatus(driver_->connected.raw()) != CONNECTION_OK) broken_ = true;
  throw Error(broken_ ? ErrorKind::Transient : kind_of(state), text);
}

void Session::copy(const std::string& statement, std::string_view rows) {
  constexpr std::size_t kPiece = 64 * 1024;  // libpq keeps what it is given at once
  PGconn* raw = driver_->connected.raw();
  Result result(PQexec(raw, statement.c_str()));
  const bool begun = PQresultStatus(result.get()) == PGRES_COPY_IN;
  for (; begun && !rows.empty(); rows.remove_prefix(std::min(rows.size(), kPiece))) {
    const std::string_view piece = rows.substr(0, kPiece);
    if (PQputCopyData(raw, piece.data(), static_cast<int>(piece.size())) != 1) break;
  }
  if (begun) {
    // Where the end cannot be said, the connection is gone, and has no result either.
    const bool said = PQputCopyEnd(raw, nullptr) == 1;
    result.reset(said ? PQgetResult(raw) : nullptr);
    while (said && PQstatus(raw) == CONNECTION_OK && Result(PQgetResult(raw))) {
    }
  }
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return;
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  if (state == nullptr) {
    broken_ = true;
    throw Error(ErrorKind::Transient, lost_text(one_line(PQerrorMessage(raw))));
  }
  const Text text(PQresultVerboseErrorMessage(result.get(), PQERRORS_DEFAULT, PQSHOW_CONTEXT_NEVER));
  fail(state, one_line(text ? text.get() : PQresultErrorMessage(result.get())));
}

// pqxx's own cancel waits for ever on a stopped server; a fresh connection has a connect timeout, is
// encrypted like any other, and its socket can be shut.
void Session::cancel(const Options& options, int backend_pid, const std::function<bool(int)>& use_socket) {
  pqxx::connection connection(connection_string(options, "syncd cancel", std::chrono::seconds(2)));
  // The socket may be shut as long as it is ours: not a moment longer.
  struct Shared {
    explicit Shared(const std::function<bool(int)>& use) : use_socket(use) {}
    ~Shared() { use_socket(-1); }
    const std::function<bool(int)>& use_socket;
  };
  const Shared shared(use_socket);
  if (!use_socket(connection.sock())) return;
  pqxx::nontransaction transaction(connection);
  transaction.exec(fmt::format("SELECT pg_cancel_backend({})", backend_pid));
}

}  // namespace syncd::postgres
