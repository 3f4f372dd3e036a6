// The pages of the daemon: /metrics, /healthz (the loop turns) and /readyz (it takes work), the same on the
// control socket and over TCP.
#pragma once
#include "daemon/control/operations.hpp"
#include "daemon/http/server.hpp"

namespace syncd::control {

// `operations` outlives the handler.
http::Handler http_pages(Operations& operations);

}  // namespace syncd::control
