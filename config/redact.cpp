// Hides passwords in addresses and in texts that quote them.  The grammar is deliberately looser than
// that of URIs: a password with a '/', '@', '?' or a space in it is hidden too.
#include <algorithm>
#include <array>
#include <cctype>

#include "config/secret.hpp"

namespace syncd::config {

namespace {

constexpr std::string_view kHidden = "***";
// What may end an address that is quoted in a text.
constexpr std::string_view kTokenEnd = " \t\r\n\"'<>";

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Whether the authority without '@' is a list of hosts, each with a port at most: then the ':' in it
// starts no password.
bool only_hosts(std::string_view authority) {
  authority = authority.substr(0, authority.find_first_of("/?#"));
  while (true) {
    const std::size_t comma = authority.find(',');
    std::string_view host = authority.substr(0, comma);
    if (host.starts_with('[')) host.remove_prefix(std::min(host.find(']'), host.size()));
    const std::size_t colon = host.find(':');
    if (colon != std::string_view::npos) {
      const std::string_view port = host.substr(colon + 1);
      const bool digits =
          std::all_of(port.begin(), port.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
      if (!digits || port.size() > 5) return false;
    }
    if (comma == std::string_view::npos) return true;
    authority.remove_prefix(comma + 1);
  }
}

// "://user:password@": the ':' and the '@' of the last one in the token.
std::string without_userinfo(std::string_view text, bool whole) {
  std::string out;
  while (true) {
    const std::size_t mark = text.find("://");
    if (mark == std::string_view::npos) return out.append(text);
    out.append(text.substr(0, mark + 3));
    text.remove_prefix(mark + 3);
    std::size_t end = whole ? text.size() : std::min(text.find_first_of(kTokenEnd), text.size());
    std::size_t at = text.substr(0, end).rfind('@');
    const bool bare_hosts = only_hosts(text.substr(0, end));
    if (at == std::string_view::npos && !bare_hosts) {
      // A password with a space, cut off at it: what follows up to the '@' belongs to it.
      at = text.find('@');
      end = std::min(at, text.size());
    }
    const std::string_view userinfo = text.substr(0, std::min(at, end));
    const std::size_t colon = userinfo.find(':');
    const bool ipv6 = userinfo.starts_with('[');
    if (colon != std::string_view::npos && !ipv6 && colon + 1 < userinfo.size() &&
        (at != std::string_view::npos || !bare_hosts)) {
      out.append(userinfo.substr(0, colon + 1)).append(kHidden);
      text.remove_prefix(userinfo.size());
    }
  }
}

bool secret_key(std::string_view key) {
  static constexpr std::array<std::string_view, 12> kKeys{
      "password", "passwd", "pwd",   "sslpassword", "passphrase",   "secret",
      "api_key",  "apikey", "token", "auth_token",  "access_token", "client_secret"};
  std::string lower(key);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kKeys.begin(), kKeys.end(), lower) != kKeys.end();
}

// The length of the value at the front of `text`: quoted as libpq does, or up to what ends it.
std::size_t value_length(std::string_view text, bool in_uri, bool whole) {
  if (text.starts_with('\'')) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '\'') {
        return i + 1;
      }
    }
    return text.size();
  }
  if (whole && in_uri) return std::min(text.find('&'), text.size());
  return std::min(text.find_first_of(" \t\r\n\"'&;<>"), text.size());
}

// "password=...": in the query of an address, in libpq's own form, in a message.
std::string without_parameters(std::string_view text, bool whole) {
  const bool in_uri = text.find("://") != std::string_view::npos;
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) break;
    std::size_t key_end = equals;
    while (key_end > at && text[key_end - 1] == ' ') --key_end;
    std::size_t key = key_end;
    while (key > at && is_word(text[key - 1])) --key;
    std::size_t value = equals + 1;
    if (!in_uri) value = std::min(text.find_first_not_of(' ', value), text.size());
    out.append(text.substr(at, value - at));
    at = value;
    if (!secret_key(text.substr(key, key_end - key))) continue;
    const std::size_t length = value_length(text.substr(value), in_uri, whole);
    if (length > 0) out.append(kHidden);
    at = value + length;
  }
  return out.append(text.substr(std::min(at, text.size())));
}

std::string redact(std::string_view text, bool whole) {
  return without_parameters(without_userinfo(text, whole), whole);
}

}  // namespace

std::string redact_uri(std::string_view text) { return redact(text, false); }

std::string Uri::redacted() const { return redact(reveal(), true); }

bool holds_password(std::string_view text) { return redact(text, true) != text; }

}  // namespace syncd::config
