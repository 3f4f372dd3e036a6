// Anthropic's Messages API.  Wire format: https://docs.claude.com/en/api/messages-streaming and the types of
// the vendor's own SDKs.
#include "jobs/llm/messages.hpp"
#include "jobs/llm/quick_json.hpp"
#include "jobs/llm/vendors.hpp"

namespace syncd::llm {

using wire::Json;

namespace messages {

FailureKind kind_of(const wire::Report& report) {
  const std::string& type = report.type;
  // An account without money was, and on some ways still is, an invalid request like any other.
  if (report.message.find("credit balance") != std::string::npos) return FailureKind::Auth;
  if (type == "rate_limit_error") return FailureKind::RateLimited;
  if (type == "authentication_error" || type == "permission_error" || type == "billing_error") {
    return FailureKind::Auth;
  }
  if (type == "not_found_error") return FailureKind::NotFound;
  if (type == "invalid_request_error" || type == "request_too_large") return FailureKind::Invalid;
  return FailureKind::Retry;  // api_error, timeout_error, overloaded_error, and those to come
}

Json body(const Ask& ask) {
  Json message = {{"role", "user"}, {"content", ask.user}};
  Json body = {{"model", ask.model}, {"max_tokens", ask.max_tokens}};
  body["messages"] = Json::array({std::move(message)});
  if (!ask.system.empty()) body["system"] = ask.system;
  if (ask.temperature) body["temperature"] = *ask.temperature;
  if (ask.top_p) body["top_p"] = *ask.top_p;
  if (!ask.stop.empty()) body["stop_sequences"] = ask.stop;
  return body;
}

http::Request signed_request(const Options& options, http::Request request) {
  request.headers.emplace_back("anthropic-version: 2023-06-01");
  if (options.api_key) request.headers.push_back("x-api-key: " + options.api_key->reveal());
  return request;
}

void take_stop(End& end, std::string reason) {
  if (reason.empty()) return;
  end.reason = std::move(reason);
  if (end.reason == "end_turn" || end.reason == "stop_sequence") {
    end.stop = Stop::Complete;
  } else if (end.reason == "max_tokens" || end.reason == "model_context_window_exceeded") {
    end.stop = Stop::Truncated;
  } else {
    end.stop = end.reason == "refusal" ? Stop::Refused : Stop::Other;
  }
}

void take_usage(End& end, const Json& json) {
  if (!json.is_object()) return;
  if (!end.usage) end.usage.emplace();
  if (const auto input = wire::count(json, "input_tokens")) {
    end.usage->input = *input + wire::count(json, "cache_creation_input_tokens").value_or(0) +
                       wire::count(json, "cache_read_input_tokens").value_or(0);
  }
  if (const auto output = wire::count(json, "output_tokens")) end.usage->output = *output;
}

}  // namespace messages

namespace {

class MessageDecoder final : public Decoder {
 public:
  MessageDecoder(std::shared_ptr<QuickJson> quick, wire::Secrets secrets)
      : quick_(std::move(quick)), secrets_(std::move(secrets)) {}

  void take(const http::Event& event, std::string& text) override {
    if (!known(event.type) || take_delta(event.data, text)) return;
    const Json json = wire::object(event.data);
    const std::string type = wire::text(json, "type");
    if (type == "content_block_delta") {
      const Json& delta = wire::member(json, "delta");
      if (wire::member(delta, "type") == "text_delta") text += wire::text(delta, "text");
    } else if (type == "message_start") {
      const Json& message = wire::member(json, "message");
      end_.model = wire::text(message, "model");
      messages::take_usage(end_, wire::member(message, "usage"));
    } else if (type == "message_delta") {
      messages::take_stop(end_, wire::text(wire::member(json, "delta"), "stop_reason"));
      messages::take_usage(end_, wire::member(json, "usage"));
    } else if (type == "message_stop") {
      done_ = true;
    } else if (type == "error") {
      const wire::Report report = wire::report(wire::member(json, "error"));
      throw Failure(messages::kind_of(report), report.words(secrets_));
    }
  }
  bool done() const noexcept override { return done_; }
  End end() const override { return end_; }

 private:
  // Types to come carry whatever they like.
  static bool known(std::string_view type) {
    return type.empty() || type == "message_start" || type == "content_block_delta" ||
           type == "message_delta" || type == "message_stop" || type == "error";
  }
  // Whether it was a piece of text, which nearly all are.
  bool take_delta(std::string_view data, std::string& text) {
    const auto json = quick_->parse(data);
    const auto delta = json["delta"];
    std::string_view type;
    std::string_view kind;
    std::string_view piece;
    if (json["type"].get(type) || type != "content_block_delta" || delta["type"].get(kind) ||
        kind != "text_delta" || delta["text"].get(piece)) {
      return false;
    }
    text += piece;
    return true;
  }

  const std::shared_ptr<QuickJson> quick_;
  const wire::Secrets secrets_;
  End end_;
  bool done_ = false;
};

class Messages final : public Dialect {
 public:
  explicit Messages(Options options) : options_(std::move(options)), batches_(messages::batches(options_)) {}

  http::Request request(const Ask& ask) const override {
    Json body = messages::body(ask);
    body["stream"] = true;
    return messages::signed_request(options_, wire::post(options_, "/v1/messages", body));
  }
  std::unique_ptr<Decoder> decoder() const override {
    return std::make_unique<MessageDecoder>(quick_, secrets_);
  }
  Failure failure(int status, const http::Headers& headers, std::string_view body,
                  WallTime now) const override {
    const wire::Report report = wire::report_of_body(body);
    return wire::failure(report.type.empty() ? kind_of_status(status) : messages::kind_of(report), status,
                         headers, report.words(secrets_), now);
  }
  std::optional<std::chrono::nanoseconds> pause(const http::Headers& headers, WallTime now) const override {
    std::optional<std::chrono::nanoseconds> longest;
    for (const std::string_view what : {"requests", "tokens", "input-tokens", "output-tokens"}) {
      const std::string name = "anthropic-ratelimit-" + std::string(what);
      if (headers.find(name + "-remaining") != "0") continue;
      const auto reset = wire::rfc3339(headers.find(name + "-reset").value_or(""));
      if (reset && *reset > now && (!longest || *reset - now > *longest)) longest = *reset - now;
    }
    return longest;
  }
  const BatchDialect* batches() const noexcept override { return batches_.get(); }

 private:
  const Options options_;
  const wire::Secrets secrets_{options_};
  std::unique_ptr<BatchDialect> batches_;
  const std::shared_ptr<QuickJson> quick_ = std::make_shared<QuickJson>();  // of all decoders
};

struct Own : Options {};

const config::Fields<Own>& anthropic_fields() {
  static const auto all = config::Fields<Own>().include(option_fields());
  return all;
}

// Where the version of the API is part of the address, as it is for the other vendor, it is not added twice.
std::string without_version(std::string url) {
  url.erase(url.find_last_not_of('/') + 1);
  if (url.ends_with("/v1")) url.resize(url.size() - 3);
  return url;
}

std::unique_ptr<Dialect> make_anthropic(const config::Table& table, Options& common) {
  Own options;
  options.base_url = "https://api.anthropic.com";
  const bool good = anthropic_fields().read(table, options);
  options.base_url = without_version(std::move(options.base_url));
  if (good && !options.api_key && options.base_url.compare(0, 5, "https") == 0) {
    table.fail("api_key", "'api_key' is needed: this vendor answers nobody without");
    return nullptr;
  }
  common = options;
  return good ? std::make_unique<Messages>(common) : nullptr;
}

}  // namespace

const Vendor& anthropic() {
  static const Vendor vendor{"anthropic", "Anthropic's Messages API, and servers that speak it.",
                             [] { return anthropic_fields().docs(); }, &make_anthropic};
  return vendor;
}

}  // namespace syncd::llm
