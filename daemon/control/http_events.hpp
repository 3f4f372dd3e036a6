// GET /jobs/NAME/events: the answers that models write for a job, as server-sent events.  docs/llm.md
// describes them; EventSource, `curl -N` and the stream parsers of the vendors' own SDKs read them.
#pragma once
#include <string>
#include <vector>

#include "daemon/control/operations.hpp"
#include "daemon/http/server.hpp"

namespace syncd::control {

// The job's name where `path` is that of a stream of events; nullopt where it is another page.
std::optional<std::string> events_of(const std::string& path);

// Until the run under way has ended, or the next one where none is; or until the client goes.
coro::Task<> send_events(Clock& clock, Operations& operations, std::string job, http::PageWriter& response);

// What these pieces are on the wire.
std::string event_text(const std::vector<status::Piece>& pieces);

}  // namespace syncd::control
