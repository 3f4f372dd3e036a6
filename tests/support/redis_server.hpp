// RedisServer: a private redis-server on a Unix socket and a loopback port, TLS on request, in a folder of
// its own.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/certificates.hpp"
#include "tests/support/port.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

struct redisContext;

namespace syncd::test {

// A reply as a plain value.
struct RedisValue {
  enum class Type { Nil, Status, Error, Integer, String, Array } type = Type::Nil;
  std::string text;
  long long integer = 0;
  std::vector<RedisValue> elements;

  bool nil() const noexcept { return type == Type::Nil; }
  bool error() const noexcept { return type == Type::Error; }
  // The elements as texts, integers too: what HGETALL, LRANGE or KEYS list.
  std::vector<std::string> texts() const;
};
bool operator==(const RedisValue& value, const std::string& text);

struct RedisOptions {
  std::vector<std::string> config;  // as in redis.conf: "maxmemory 2mb", "appendonly yes"
  std::string password;
  bool tls = false;  // on a third address: tls_uri()
  std::string certificate_names = "DNS:localhost,IP:127.0.0.1";
};

class RedisServer {
 public:
  explicit RedisServer(RedisOptions options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  // The one of this test program, started at the first call.
  static RedisServer& shared();
  static bool installed();

  std::string uri(unsigned database = 0) const;
  std::string socket_uri(unsigned database = 0) const;
  // To be trusted with certificates().authority().
  std::string tls_uri(const std::string& host = "localhost", unsigned database = 0) const;
  std::uint16_t port() const noexcept { return port_.number(); }
  std::uint16_t tls_port() const noexcept { return tls_port_.number(); }
  const std::string& socket_path() const noexcept { return socket_; }
  const Certificates& certificates() const { return *certificates_; }

  // Sends one command and waits for its reply; an error reply is a value too.  Throws when the server is
  // not there.
  RedisValue command(const std::vector<std::string>& arguments, unsigned database = 0);
  // The same, where no argument holds a blank: call("HGET user:1 name").
  RedisValue call(const std::string& words, unsigned database = 0);

  enum class Data { Keep, Lose };
  void start();
  void stop(Data data = Data::Keep);
  void restart(Data data = Data::Keep) { stop(data), start(); }
  // kill -9; with "appendonly yes" start() finds the data again.
  void kill() { client_.reset(), process_->kill(); }
  // It stands still while the result lives.
  Frozen freeze() { return Frozen(std::vector<pid_t>{process_->pid()}); }
  std::string log() const { return process_ ? process_->out() : ""; }

 private:
  redisContext& client(unsigned database);

  struct Disconnect {
    void operator()(redisContext* context) const;
  };
  RedisOptions options_;
  TempDir folder_;
  ReservedPort port_;
  ReservedPort tls_port_;
  std::string socket_;
  std::unique_ptr<Certificates> certificates_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<redisContext, Disconnect> client_;
  unsigned client_database_ = 0;
};

}  // namespace syncd::test
