// Where secrets come from and how they go: every buffer that held one is wiped.
#include "config/secret.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "config/duration.hpp"
#include "config/file.hpp"

namespace syncd::config {

void Secret::wipe() noexcept {
  // The whole buffer: a longer text may have stood in it.
  text_.resize(text_.capacity());
  explicit_bzero(text_.data(), text_.size());
  text_.clear();
}

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe();
  text_ = other.text_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) take(other);
  return *this;
}

void Secret::take(Secret& other) noexcept {
  text_.swap(other.text_);
  other.wipe();
}

bool operator==(const Secret& a, const Secret& b) {
  if (a.text_.size() != b.text_.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.text_.size(); ++i) {
    difference |= static_cast<unsigned char>(a.text_[i] ^ b.text_[i]);
  }
  return difference == 0;
}

namespace {

Secret take(std::string& content) {
  Secret secret(content);
  explicit_bzero(content.data(), content.size());
  return secret;
}

void drop_newline(std::string& content) {
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
}

Secret from_file(const std::string& what, const std::string& path, bool check_mode) {
  FileContent file;
  try {
    file = read_file(path);
  } catch (const FileError& error) {
    throw ValueError(fmt::format("{}: {}", what, error.what()));
  }
  // The rule of libpq for keys: the owner alone, or a group that root has chosen.
  const unsigned allowed = file.owned_by_root ? 0640 : 0600;
  if (check_mode && (file.mode & ~allowed & 0777U) != 0) {
    explicit_bzero(file.text.data(), file.text.size());
    throw ValueError(fmt::format("{}: mode {:04o} lets others at it: chmod {:o}", what, file.mode, allowed));
  }
  drop_newline(file.text);
  if (file.text.empty()) throw ValueError(what + " is empty");
  return take(file.text);
}

Secret from_credential(const std::string& name) {
  const std::string what = fmt::format("credential '{}'", name);
  if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") {
    throw ValueError(what + " is no name of a credential");
  }
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') {
    throw ValueError(what + ": CREDENTIALS_DIRECTORY is not set; systemd sets it for LoadCredential=");
  }
  for (const std::string& file : {name, "syncd_" + name}) {
    const std::string path = fmt::format("{}/{}", directory, file);
    // systemd owns the folder and its permissions.
    if (access(path.c_str(), F_OK) == 0) return from_file(what, path, false);
  }
  throw ValueError(
      fmt::format("{} is not in {}; add LoadCredential={}:/path to the service", what, directory, name));
}

Secret from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) throw ValueError(fmt::format("environment variable '{}' is not set", name));
  std::string content(value);
  drop_newline(content);
  if (content.empty()) throw ValueError(fmt::format("environment variable '{}' is empty", name));
  return take(content);
}

}  // namespace

Secret fetch_secret(SecretOrigin origin, const std::string& name) {
  switch (origin) {
    case SecretOrigin::kCredential:
      return from_credential(name);
    case SecretOrigin::kEnvironment:
      return from_environment(name);
    case SecretOrigin::kFile:
      break;
  }
  if (!name.starts_with('/')) throw ValueError(fmt::format("'{}': write an absolute path", name));
  return from_file(fmt::format("secret file '{}'", name), name, true);
}

}  // namespace syncd::config
