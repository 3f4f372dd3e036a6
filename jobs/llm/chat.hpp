// What the two ways of asking of chat completions, streams and batches, have in common.  For their own files.
#pragma once
#include <array>
#include <memory>
#include <string>

#include "jobs/llm/batch_dialect.hpp"
#include "jobs/llm/wire.hpp"

namespace syncd::llm::chat {

enum class LimitKey { kMaxTokens, kMaxCompletionTokens };
constexpr auto enum_names(LimitKey) {
  return std::array{config::EnumName("max_tokens", LimitKey::kMaxTokens),
                    config::EnumName("max_completion_tokens", LimitKey::kMaxCompletionTokens)};
}

struct ChatOptions : Options {
  LimitKey limit_key = LimitKey::kMaxCompletionTokens;
  bool stream_usage = true;
};

FailureKind kind_of(const wire::Report& report, FailureKind otherwise);

// The body of a request that is not streamed.
wire::Json body(const ChatOptions& options, const Ask& ask);
http::Request signed_request(const Options& options, http::Request request);

// A text, or a list of parts of which some are text (others are thoughts and references).
void take_content(std::string& text, const wire::Json& content);
// A refusal is one whatever reason the stream or the batch gives for its end.
void take_refusal(End& end, const std::string& words);
void take_stop(End& end, std::string reason);
void take_usage(End& end, const wire::Json& json);

std::unique_ptr<BatchDialect> batches(ChatOptions options);

}  // namespace syncd::llm::chat
