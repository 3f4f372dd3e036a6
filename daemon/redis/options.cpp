#include "daemon/redis/options.hpp"

#include <fmt/format.h>

#include <charconv>

namespace syncd::redis {
namespace {

// The text is not repeated: a forgotten '@' makes a password look like a port.
template <class N>
N parse_number(std::string_view text, N least, std::string_view what) {
  N number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least) {
    throw config::ValueError(std::string(what));
  }
  return number;
}

std::uint16_t parse_port(std::string_view text) {
  return parse_number<std::uint16_t>(text, 1, "the port must be a number from 1 to 65535");
}
unsigned parse_database(std::string_view text) {
  return parse_number<unsigned>(text, 0, "the database must be a number: redis://host:6379/0");
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const bool escape =
        text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3;
    if (escape) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

const config::Fields<Options>& option_fields() {
  using namespace std::chrono_literals;
  static const auto all =
      config::Fields<Options>()
          .required("uri", &Options::uri, "redis://host:port/db, rediss:// for TLS, or unix:///path?db=0")
          .example("redis://127.0.0.1:6379/0")
          .check([](const config::Uri& uri) -> std::optional<std::string> {
            try {
              Address::parse(uri);
              return std::nullopt;
            } catch (const config::ValueError& error) {
              return std::string("is no Redis address: ") + error.what();
            }
          })
          .add("password", &Options::password, "instead of a password in the uri")
          .add("ca_file", &Options::ca_file, "certificate authorities for rediss:// instead of the system's")
          .example("/etc/ssl/redis-ca.pem")
          .add("pool", &Options::pool, "connections at most, shared by all jobs; each running job holds one")
          .range(1, 1024)
          .add("connect_timeout", &Options::connect_timeout,
               "until a connection stands, TLS and login included")
          .range(100ms, 5min)
          .add("timeout", &Options::timeout, "for the replies to one commit")
          .range(100ms, 1h);
  return all;
}

Address Address::parse(const config::Uri& uri) {
  std::string_view rest = uri.reveal();
  Address address;
  const auto strip = [&](std::string_view prefix) {
    if (rest.substr(0, prefix.size()) != prefix) return false;
    rest.remove_prefix(prefix.size());
    return true;
  };
  if (strip("unix://")) {
    const auto query = rest.find('?');
    address.path = percent_decoded(rest.substr(0, query));
    if (address.path.empty() || address.path.front() != '/') {
      throw config::ValueError("unix:// needs an absolute path: unix:///run/redis/redis.sock");
    }
    if (query != std::string_view::npos) {
      rest.remove_prefix(query + 1);
      if (!strip("db=")) throw config::ValueError("after '?' only db=NUMBER is known");
      address.database = parse_database(rest);
    }
    return address;
  }
  if (strip("rediss://")) {
    address.tls = true;
  } else if (!strip("redis://")) {
    throw config::ValueError("it must begin with redis://, rediss:// or unix://");
  }
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = rest.substr(0, at);
    const auto colon = login.find(':');
    address.user = percent_decoded(login.substr(0, colon));
    if (colon != std::string_view::npos)
      address.password = config::Secret(percent_decoded(login.substr(colon + 1)));
    rest.remove_prefix(at + 1);
  }
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    const std::string_view database = rest.substr(slash + 1);
    if (!database.empty()) address.database = parse_database(database);
    rest = rest.substr(0, slash);
  }
  if (!rest.empty() && rest.front() == '[') {  // IPv6
    const auto close = rest.find(']');
    if (close == std::string_view::npos) throw config::ValueError("'[' without ']'");
    address.host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.empty() && !strip(":")) throw config::ValueError("only :PORT may follow ']'");
    if (!rest.empty()) address.port = parse_port(rest);
  } else {
    const auto colon = rest.find(':');
    address.host = rest.substr(0, colon);
    if (colon != std::string_view::npos) address.port = parse_port(rest.substr(colon + 1));
  }
  if (address.host.empty()) throw config::ValueError("the host is missing");
  return address;
}

std::string Address::text() const {
  if (host.empty()) return database == 0 ? "unix://" + path : fmt::format("unix://{}?db={}", path, database);
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}/{}", tls ? "rediss" : "redis", v6 ? "[" : "", host, v6 ? "]" : "", port,
                     database);
}

}  // namespace syncd::redis
