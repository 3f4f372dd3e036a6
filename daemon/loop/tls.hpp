// TLS over any Stream, as a Stream.  The server's certificate and name are always verified.
#pragma once
#include <memory>
#include <string>

#include "daemon/loop/stream.hpp"

namespace syncd::loop {

// Does the handshake; throws a Transient error where the connection breaks, a Permanent one where the
// certificate is not trusted or names another host.  `ca_file`: authorities instead of the system's; "" for
// those.
coro::Task<std::unique_ptr<Stream>> start_tls(std::unique_ptr<Stream> inner, std::string host,
                                              std::string ca_file);

}  // namespace syncd::loop
