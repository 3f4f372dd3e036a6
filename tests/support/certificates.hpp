// Certificates: an authority of our own and what it has signed, made with the openssl program.
#pragma once
#include <string>

#include "tests/support/temp_dir.hpp"

namespace syncd::test {

class Certificates {
 public:
  // A server certificate for `names`, as openssl writes them: "DNS:localhost,IP:127.0.0.1".
  explicit Certificates(const std::string& names);

  std::string authority() const { return folder_ / "ca.pem"; }
  std::string certificate() const { return folder_ / "server.pem"; }
  std::string key() const { return folder_ / "server.key"; }

 private:
  TempDir folder_;
};

}  // namespace syncd::test
