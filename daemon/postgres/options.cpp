#include "daemon/postgres/options.hpp"

namespace syncd::postgres {

const config::Fields<Options>& option_fields() {
  using namespace std::chrono_literals;
  static const auto all =
      config::Fields<Options>()
          .required("uri", &Options::uri, "where the server is, in libpq's words (URI or key=value)")
          .example("postgresql://sync@db.internal/app?sslmode=verify-full")
          .check([](const config::Uri& uri) { return uri_mistake(uri); })
          .add("password", &Options::password, "instead of a password in the uri")
          .add("pool", &Options::pool, "connections at most, shared by all jobs")
          .range(1, 64)
          .add("connect_timeout", &Options::connect_timeout, "until a connection stands")
          .range(2s, 5min)
          .add("timeout", &Options::timeout, "for one statement")
          .range(1s, 24h)
          .add("lock_timeout", &Options::lock_timeout, "for a lock that a statement waits for")
          .range(100ms, 1h);
  return all;
}

}  // namespace syncd::postgres
