// Session: one session of PostgreSQL, which blocks; Connection gives it a thread.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "daemon/coro/clock.hpp"
#include "daemon/postgres/options.hpp"
#include "daemon/postgres/rows.hpp"

namespace syncd::postgres {

// What runs on the connection's thread.  All failures are syncd::Error: Transient (serialisation failure,
// deadline, lost connection), Permanent (refused, syntax, missing table; the server's message and hint).
class Session {
 public:
  // How much later than our own deadline the server's comes: a backstop for when we are gone.
  static constexpr Duration kServerMargin = std::chrono::seconds(5);

  // Connects; blocks up to `options.connect_timeout`.  `options` outlives it.
  Session(const Options& options, const std::string& application_name);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Makes the session what every caller relies on: read-only, text forms, time-outs.
  void configure();

  // One statement in a transaction of its own, read-only by session default.  With parameters it is
  // prepared once per connection, and anew where a table has changed.
  Rows exec(const std::string& sql, const Params& params = {});

  // `statement` is COPY ... FROM STDIN, `rows` what it reads:
  // https://www.postgresql.org/docs/15/sql-copy.html, "Text Format".
  void copy(const std::string& statement, std::string_view rows);

  // What the server allows one statement: `limit` and a margin, so that our own deadline comes first.
  void set_limit(Duration limit);

  // Asks the server, over a connection of its own, to cancel what a backend is doing.  Calls
  // `use_socket(socket)` once connected, and with -1 before it disconnects; false: do not go on.  Throws.
  static void cancel(const Options& options, int backend_pid, const std::function<bool(int)>& use_socket);

  // No two sessions of this process have the same.
  std::uint64_t number() const noexcept { return number_; }
  int backend_pid() const noexcept { return backend_pid_; }
  int server_version() const noexcept { return server_version_; }  // 150004
  // The socket, for shutdown(2) from another thread.
  int socket() const noexcept { return socket_; }
  bool broken() const noexcept { return broken_; }
  // Not to be used any more.
  void abandon() noexcept { broken_ = true; }

 private:
  struct Driver;
  [[noreturn]] void fail(const std::string& state, const std::string& text, bool stale = false);
  std::unique_ptr<Driver> driver_;
  const Options& options_;
  std::uint64_t number_;
  Duration limit_{0};
  int backend_pid_ = 0;
  int server_version_ = 0;
  int socket_ = -1;
  std::atomic<bool> broken_ = false;
};

}  // namespace syncd::postgres
