// The only file that names libpqxx (6.4 and 7) and libpq.
#include "daemon/postgres/connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <pqxx/pqxx>
#include <set>

#include "config/secret.hpp"

namespace syncd::postgres {
namespace {

struct FreeConninfo {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Conninfo = std::unique_ptr<PQconninfoOption, FreeConninfo>;

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

// libpq knows no SQLSTATE for a refused connection, only the server's words.
bool refused_for_good(std::string_view text) {
  for (const char* words :
       {"authentication failed", "no pg_hba.conf entry", "does not exist", "permission denied",
        "no password supplied", "certificate", "SSL is not enabled", "not permitted to log in"}) {
    if (text.find(words) != std::string_view::npos) return true;
  }
  return false;
}

// The server's words on one line: "relation "x" does not exist (hint: ...)".  The statement itself and the
// caret below it are left out; passwords in an address are hidden.
std::string clean(const char* text) {
  const std::string redacted = config::redact_uri(text);
  std::string out;
  bool closing = false;
  for (std::size_t start = 0; start < redacted.size();) {
    const std::size_t end = std::min(redacted.find('\n', start), redacted.size());
    std::string_view line(redacted.data() + start, end - start);
    start = end + 1;
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    line.remove_prefix(first);
    if (line == "^" || line.starts_with("LINE ")) continue;
    const auto labelled = [&line](std::string_view label) {
      if (!line.starts_with(label)) return false;
      line.remove_prefix(label.size());
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      return true;
    };
    if (closing) out += ')';
    closing = false;
    if (labelled("HINT:")) {
      out += " (hint: ";
      closing = true;
    } else if (labelled("DETAIL:")) {
      out += " (";
      closing = true;
    } else if (!out.empty()) {
      out += "; ";
    }
    for (const std::string_view label : {"ERROR:", "FATAL:"}) labelled(label);
    out += line;
  }
  if (closing) out += ')';
  return out;
}

// SQLSTATE classes: https://www.postgresql.org/docs/15/errcodes-appendix.html
ErrorKind kind_of(std::string_view sqlstate) {
  const std::string_view group = sqlstate.substr(0, 2);
  if (group == "08" || group == "40" || group == "53" || group == "55" || group == "57" || group == "58") {
    return ErrorKind::Transient;
  }
  return ErrorKind::Permanent;
}
bool ends_session(std::string_view sqlstate) {
  return sqlstate.substr(0, 2) == "08" || sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" ||
         sqlstate == "57P05" || sqlstate == "25P03";
}

using Connected = pqxx::connection;

Connected connect(const std::string& conninfo) {
  try {
    return Connected(conninfo);
  } catch (const pqxx::broken_connection& error) {
    const std::string text = clean(error.what());
    throw Error(refused_for_good(text) ? ErrorKind::Permanent : ErrorKind::Transient,
                "connecting to PostgreSQL: " + text);
  } catch (const pqxx::failure& error) {
    throw Error(ErrorKind::Transient, "connecting to PostgreSQL: " + clean(error.what()));
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

// One row handle for all its cells: each handle of pqxx counts a shared reference up and down.
void Rows::read_row(std::size_t row, std::string_view* cells) const {
  const auto& result = *static_cast<const pqxx::result*>(result_.get());
  const auto whole = result[static_cast<pqxx::result::size_type>(row)];
  const auto end = whole.end();
  for (auto field = whole.begin(); field != end; ++field) {
    *cells++ = field->is_null() ? std::string_view() : std::string_view(field->c_str(), field->size());
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

// --- Session -----------------------------------------------------------------------------------------

namespace {
std::atomic<std::uint64_t> last_session = 0;
}

struct Session::Driver {
  explicit Driver(const std::string& conninfo) : connection(connect(conninfo)) {}
  Connected connection;
  std::set<std::string> prepared;
};

Session::Session(const Options& options, const std::string& application_name)
    : driver_(
          std::make_unique<Driver>(connection_string(options, application_name, options.connect_timeout))),
      options_(options),
      number_(++last_session) {
  auto& connection = driver_->connection;
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
  try {
    pqxx::nontransaction transaction(driver_->connection);
    Rows rows;
    std::shared_ptr<pqxx::result> result;
    if (params.empty()) {
      result = std::make_shared<pqxx::result>(transaction.exec(sql));
    } else {
      // The statement's text is its name's origin: prepared once, found again by hash.
      const std::string name = fmt::format("s{:x}", std::hash<std::string>()(sql));
      if (!driver_->prepared.contains(name)) {
        driver_->connection.prepare(name, sql);
        driver_->prepared.insert(name);
      }
      result = std::make_shared<pqxx::result>(execute(transaction, name, params));
    }
    rows.rows_ = static_cast<std::size_t>(result->size());
    rows.columns_ = static_cast<std::size_t>(result->columns());
    rows.result_ = std::move(result);
    return rows;
  } catch (const pqxx::broken_connection& error) {
    broken_ = true;
    throw Error(ErrorKind::Transient, "the connection to PostgreSQL is lost: " + clean(error.what()));
  } catch (const pqxx::transaction_rollback& error) {
    throw Error(ErrorKind::Transient, clean(error.what()));
  } catch (const pqxx::sql_error& error) {
    if (ends_session(error.sqlstate())) broken_ = true;
    // "cached plan must not change result type": a column has changed.  A new session sees the new table.
    if (error.sqlstate() == "0A000" && !params.empty()) {
      broken_ = true;
      throw Error(ErrorKind::Transient, clean(error.what()));
    }
    throw Error(kind_of(error.sqlstate()), clean(error.what()));
  } catch (const pqxx::failure& error) {
    broken_ = true;
    throw Error(ErrorKind::Transient, clean(error.what()));
  } catch (const std::exception& error) {
    broken_ = true;
    throw Error(ErrorKind::Permanent, clean(error.what()));
  }
}

// --- Connection --------------------------------------------------------------------------------------

Connection::Connection(loop::EventLoop& loop, const Options& options, std::string application_name,
                       Duration grace)
    : loop_(loop),
      options_(options),
      application_name_(std::move(application_name)),
      grace_(grace),
      worker_(loop, "postgres") {}

Connection::~Connection() = default;

bool Connection::hung_up() const noexcept {
  pollfd watched{socket_, POLLIN, 0};
  return watched.fd >= 0 && ::poll(&watched, 1, 0) != 0;
}

Session& Connection::session() {
  if (!session_) {
    session_ = std::make_unique<Session>(options_, application_name_);
    // From here on a server that falls silent can be left by shutting the socket.
    backend_pid_ = session_->backend_pid();
    socket_ = session_->socket();
    try {
      session_->configure();
    } catch (const Error&) {
      broken_ = true;
      throw;
    }
  }
  if (broken_ || session_->broken()) {
    throw Error(ErrorKind::Transient, "the connection to PostgreSQL is lost");
  }
  return *session_;
}

// pqxx's own cancel waits for ever on a stopped server; a fresh connection has a connect timeout, is
// encrypted like any other, and its socket can be shut.
void Connection::cancel_backend() {
  const int pid = backend_pid_;
  if (pid == 0) return;
  try {
    pqxx::connection connection(connection_string(options_, "syncd cancel", std::chrono::seconds(2)));
    // The socket may be shut as long as it is ours: not a moment longer.
    struct Shared {
      Shared(Connection& owner_in, int socket) : owner(owner_in) { set(socket); }
      ~Shared() { set(-1); }
      void set(int socket) {
        const std::lock_guard lock(owner.cancel_mutex_);
        owner.cancel_socket_ = socket;
      }
      Connection& owner;
    };
    const Shared shared(*this, connection.sock());
    if (broken_) return;  // too late: nobody would shut this socket any more
    pqxx::nontransaction transaction(connection);
    transaction.exec(fmt::format("SELECT pg_cancel_backend({})", pid));
  } catch (const std::exception&) {
    // The second stage follows in any case.
  }
}

void Connection::shut_sockets() {
  broken_ = true;
  const std::lock_guard lock(cancel_mutex_);
  for (const int socket : {socket_.load(), cancel_socket_}) {
    if (socket >= 0) ::shutdown(socket, SHUT_RDWR);
  }
}

Connection::Watch::Watch(Connection& connection, Duration limit, const std::stop_token* stop)
    : connection_(connection) {
  slot_ = connection_.loop_.arm(connection_.loop_.now() + limit, *this);
  if (stop != nullptr && stop->stop_possible()) on_stop_.emplace(*stop, OnStop{this});
}

Connection::Watch::~Watch() {
  if (slot_) connection_.loop_.disarm(*slot_);
}

void Connection::Watch::due() {
  slot_.reset();
  if (stage_ == Stage::Running) {
    if (!stopped_) late_ = true;
    stage_ = Stage::Cancelled;
    slot_ = connection_.loop_.arm(connection_.loop_.now() + connection_.grace_, *this);
    cancelling_.spawn(cancel(connection_));
  } else if (stage_ == Stage::Cancelled) {
    stage_ = Stage::Shut;
    connection_.shut_sockets();
  }
}

// Runs inside request_stop(): nothing may be resumed here, so the timer does the rest.
void Connection::Watch::interrupt() {
  if (stage_ != Stage::Running) return;
  stopped_ = true;
  if (slot_) connection_.loop_.disarm(*slot_);
  slot_ = connection_.loop_.arm(connection_.loop_.now(), *this);
}

coro::Task<> Connection::Watch::cancel(Connection& connection) {
  if (!connection.canceller_) {
    connection.canceller_ = std::make_unique<loop::Worker>(connection.loop_, "postgres-cancel");
  }
  co_await connection.canceller_->call([&connection] { connection.cancel_backend(); });
}

coro::Task<> Connection::Watch::end() {
  on_stop_.reset();
  co_await cancelling_.join();
  if (slot_) connection_.loop_.disarm(*std::exchange(slot_, std::nullopt));
  if (connection_.session_ == nullptr || connection_.session_->broken()) connection_.broken_ = true;
}

void Connection::Watch::rethrow(const std::string& doing, Duration limit, std::exception_ptr failure) const {
  if (!failure) {
    if (stopped_) throw coro::Cancelled();
    return;
  }
  if (stopped_) throw coro::Cancelled();
  if (late_)
    throw Error(ErrorKind::Transient, fmt::format("{}: no answer within {}", doing, human_duration(limit)));
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    throw error.within(doing);
  }
}

}  // namespace syncd::postgres
