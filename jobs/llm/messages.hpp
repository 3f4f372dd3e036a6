// What Anthropic's two ways of asking, streams and batches, have in common.  For its own files.
#pragma once
#include <memory>
#include <string>

#include "jobs/llm/batch_dialect.hpp"
#include "jobs/llm/wire.hpp"

namespace syncd::llm::messages {

FailureKind kind_of(const wire::Report& report);

// The body of a request that is not streamed.
wire::Json body(const Ask& ask);
// Adds what the vendor wants of every request.
http::Request signed_request(const Options& options, http::Request request);

void take_stop(End& end, std::string reason);
// Each report replaces the one before it: they are sums.
void take_usage(End& end, const wire::Json& json);

std::unique_ptr<BatchDialect> batches(const Options& options);

}  // namespace syncd::llm::messages
