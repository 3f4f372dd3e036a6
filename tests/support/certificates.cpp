#include "tests/support/certificates.hpp"

#include "tests/support/process.hpp"

namespace syncd::test {
namespace {

void openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                       "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"});
  const Finished done = run_program(std::move(arguments));
  if (done.code != 0) throw std::runtime_error("openssl: " + done.err);
}

}  // namespace

Certificates::Certificates(const std::string& names) {
  openssl({"-keyout", folder_ / "ca.key", "-out", authority(), "-subj", "/CN=authority of the tests"});
  openssl({"-keyout", key(), "-out", certificate(), "-subj", "/CN=server of the tests", "-CA", authority(),
           "-CAkey", folder_ / "ca.key", "-addext", "subjectAltName=" + names, "-addext",
           "basicConstraints=CA:FALSE"});
}

}  // namespace syncd::test
