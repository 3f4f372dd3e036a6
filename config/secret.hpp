// Passwords and keys.  A Secret never prints itself, and its memory is wiped when it goes; whoever
// needs the text says reveal().  Uri is an address that may hold a password.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace syncd::config {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  Secret(const Secret& other) = default;
  // Swaps and wipes: a moved std::string may leave its bytes behind.
  Secret(Secret&& other) noexcept { take(other); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  bool empty() const { return text_.empty(); }
  // The text itself; never into a log, a status, an argument or an error.
  const std::string& reveal() const { return text_; }
  // "***", also for an empty secret: its length and presence are nobody's business.
  static std::string redacted() { return "***"; }
  // In time that does not depend on where the texts differ.
  friend bool operator==(const Secret& a, const Secret& b);

 private:
  void wipe() noexcept;
  void take(Secret& other) noexcept;

  std::string text_;
};

// postgresql://, redis://, ... addresses, or libpq's "key=value" form.  Written inline, from a
// credential, an environment variable or a file, like a Secret; a password inside is fine only where
// an inline Secret is.
class Uri {
 public:
  Uri() = default;
  explicit Uri(std::string_view text) : text_(text) {}

  bool empty() const { return text_.empty(); }
  // With the password, if there is one; never into a log, a status or an error.
  const std::string& reveal() const { return text_.reveal(); }
  std::string redacted() const;
  friend bool operator==(const Uri&, const Uri&) = default;

 private:
  Secret text_;
};

// Every password in a text that may hold URIs or libpq key=value pairs becomes "***":
// "scheme://user:***@host/db?password=***", "redis://:***@h".  In doubt (a malformed URI) it hides more
// than necessary.  Text without a password comes back as it was.
std::string redact_uri(std::string_view text);
// redact_uri(text) != text.
bool holds_password(std::string_view text);

// Where the text of a secret comes from.
enum class SecretOrigin { kCredential, kEnvironment, kFile };

// Fetches a secret; a newline at the end is no part of it.
// - kCredential: $CREDENTIALS_DIRECTORY/NAME, else $CREDENTIALS_DIRECTORY/syncd_NAME (systemd prefixes
//   the id when LoadCredential= names a directory).
// - kEnvironment: the variable NAME.
// - kFile: an absolute path; refused when more than its owner can read it (0640 is fine for a file of
//   root), as ssh and libpq do.
// Throws ValueError (duration.hpp) with the finding and the remedy, never with the content.
Secret fetch_secret(SecretOrigin origin, const std::string& name);

}  // namespace syncd::config
