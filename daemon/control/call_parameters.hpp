// The parameters of a call, read with their types; what is missing, of the wrong type or unknown is an
// InvalidParameter that names it.
#pragma once
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemon/control/protocol.hpp"

namespace syncd::control {

class InvalidParameter : public std::runtime_error {
 public:
  InvalidParameter(const std::string& name, const std::string& why)
      : std::runtime_error("parameter " + name + ": " + why), name_(name) {}
  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

class Parameters {
 public:
  // Refuses every member that is not in `known`.  `json` is an object and outlives this.
  Parameters(const Json& json, const std::vector<std::string>& known);

  std::string text(const char* name) const;  // required
  std::optional<std::string> optional_text(const char* name) const;
  bool flag(const char* name) const;           // false where absent
  const Json& object(const char* name) const;  // required
  std::uint64_t count(const char* name, std::uint64_t fallback, std::uint64_t least,
                      std::uint64_t most) const;
  std::optional<WallTime> time(const char* name) const;  // microseconds since 1970

 private:
  const Json* member(const char* name) const;
  const Json& json_;
};

}  // namespace syncd::control
