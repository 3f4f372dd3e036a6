// [connections.NAME] of type "redis".
#pragma once
#include "config/fields.hpp"

namespace syncd::redis {

struct Options {
  config::Uri uri;
  std::optional<config::Secret> password;
  std::string ca_file;
  std::uint32_t pool = 4;
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);
};

const config::Fields<Options>& option_fields();

// redis://[user[:password]@]host[:port][/db], rediss:// for TLS, unix:///path[?db=N].
struct Address {
  std::string host;  // "" for a Unix socket
  std::uint16_t port = 6379;
  std::string path;  // of the Unix socket
  bool tls = false;
  unsigned database = 0;
  std::string user;
  config::Secret password;

  // Throws config::ValueError that says what is wrong, without the password.
  static Address parse(const config::Uri& uri);
  // "redis://host:port/db": for messages.
  std::string text() const;
};

}  // namespace syncd::redis
