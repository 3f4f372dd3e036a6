// The pages of the daemon: /metrics, /healthz (the loop turns), /readyz (it takes work) and the events of
// /jobs/NAME/events, the same on the control socket and over TCP.
#pragma once
#include "daemon/control/operations.hpp"
#include "daemon/http/server.hpp"

namespace syncd::control {

// Both outlive the handler.
http::Handler http_pages(Clock& clock, Operations& operations);

}  // namespace syncd::control
