// PostgresServer: a private PostgreSQL on a Unix socket and a loopback port, in a folder of its own.  The
// superuser is "postgres" without a password; the role "with_password" must show its password over TCP.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tests/support/port.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::test {

using Cell = std::optional<std::string>;  // nullopt is NULL
using Table = std::vector<std::vector<Cell>>;

class PostgresServer {
 public:
  // Starts it with `settings` ("max_connections=5") on top of what is good for tests: no fsync, 20 prepared
  // transactions.
  explicit PostgresServer(std::vector<std::string> settings = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // The one of this test program, started at the first call.
  static PostgresServer& shared();
  static bool installed();

  // A new, empty database, quick to make; returns its name.
  std::string fresh_database();

  // Addresses for libpq: over TCP, and over the Unix socket.
  std::string uri(const std::string& database = "postgres", const std::string& user = "postgres") const;
  std::string socket_uri(const std::string& database = "postgres") const;
  std::uint16_t port() const noexcept { return port_.number(); }
  std::string socket_path() const;

  // Runs statements as superuser, each text in one implicit transaction of its own; throws what pqxx throws.
  Table exec(const std::string& sql, const std::string& database = "postgres");
  // The first cell of the first row; "" for NULL or none.
  std::string value(const std::string& sql, const std::string& database = "postgres");

  // Ends the sessions of other programs whose application_name is like `application`; how many there were.
  int terminate_backends(const std::string& application = "syncd%");

  enum class Stop { Fast, Immediate };
  void start();
  void stop(Stop how = Stop::Fast);
  void restart(Stop how = Stop::Fast) { stop(how), start(); }
  // All its processes, and those of its sessions, stand still while the result lives.
  Frozen freeze();
  std::string log() const { return process_ ? process_->err() : ""; }

 private:
  TempDir folder_;
  ReservedPort port_;
  std::vector<std::string> settings_;
  std::unique_ptr<Process> process_;
  int databases_ = 0;
};

}  // namespace syncd::test
