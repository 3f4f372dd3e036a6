// [connections.NAME] of type "postgres".
#pragma once
#include "config/fields.hpp"

namespace syncd::postgres {

struct Options {
  config::Uri uri;
  std::optional<config::Secret> password;
  std::uint32_t pool = 4;
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
  std::chrono::nanoseconds timeout = std::chrono::seconds(60);
  std::chrono::nanoseconds lock_timeout = std::chrono::seconds(10);
};

const config::Fields<Options>& option_fields();

// libpq's opinion of an address: nullopt when it is well formed, else what is wrong, without passwords.
std::optional<std::string> uri_mistake(const config::Uri& uri);

}  // namespace syncd::postgres
