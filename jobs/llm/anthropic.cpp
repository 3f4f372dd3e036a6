// Anthropic's Messages API.  Wire format: https://docs.claude.com/en/api/messages-streaming and the types of
// the vendor's own SDKs.
#include "jobs/llm/vendors.hpp"
#include "jobs/llm/wire.hpp"

namespace syncd::llm {
namespace {

using wire::Json;

FailureKind kind_of(const std::string& type) {
  if (type == "rate_limit_error") return FailureKind::RateLimited;
  if (type == "authentication_error" || type == "permission_error" || type == "billing_error") {
    return FailureKind::Auth;
  }
  if (type == "invalid_request_error" || type == "not_found_error" || type == "request_too_large") {
    return FailureKind::Invalid;
  }
  return FailureKind::Retry;  // api_error, timeout_error, overloaded_error, and those to come
}

class MessageDecoder final : public Decoder {
 public:
  void take(const http::Event& event, std::string& text) override {
    if (!known(event.type)) return;
    const Json json = wire::object(event.data);
    const std::string type = wire::text(json, "type");
    if (type == "content_block_delta") {
      const Json& delta = wire::member(json, "delta");
      if (wire::member(delta, "type") == "text_delta") text += wire::text(delta, "text");
    } else if (type == "message_start") {
      const Json& message = wire::member(json, "message");
      end_.model = wire::text(message, "model");
      take_usage(wire::member(message, "usage"));
    } else if (type == "message_delta") {
      take_stop(wire::text(wire::member(json, "delta"), "stop_reason"));
      take_usage(wire::member(json, "usage"));
    } else if (type == "message_stop") {
      done_ = true;
    } else if (type == "error") {
      const wire::Report report = wire::report(wire::member(json, "error"));
      throw Failure(kind_of(report.type), report.words());
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
  void take_stop(std::string reason) {
    if (reason.empty()) return;
    end_.reason = std::move(reason);
    if (end_.reason == "end_turn" || end_.reason == "stop_sequence") {
      end_.stop = Stop::Complete;
    } else if (end_.reason == "max_tokens" || end_.reason == "model_context_window_exceeded") {
      end_.stop = Stop::Truncated;
    } else {
      end_.stop = end_.reason == "refusal" ? Stop::Refused : Stop::Other;
    }
  }
  // Each report replaces the one before it: they are sums.
  void take_usage(const Json& json) {
    if (!json.is_object()) return;
    if (!end_.usage) end_.usage.emplace();
    if (const auto input = wire::count(json, "input_tokens")) {
      end_.usage->input = *input + wire::count(json, "cache_creation_input_tokens").value_or(0) +
                          wire::count(json, "cache_read_input_tokens").value_or(0);
    }
    if (const auto output = wire::count(json, "output_tokens")) end_.usage->output = *output;
  }

  End end_;
  bool done_ = false;
};

class Messages final : public Dialect {
 public:
  explicit Messages(Options options) : options_(std::move(options)) {}

  http::Request request(const Ask& ask) const override {
    Json message = {{"role", "user"}, {"content", ask.user}};
    Json body = {{"model", ask.model}, {"max_tokens", ask.max_tokens}, {"stream", true}};
    body["messages"] = Json::array({std::move(message)});
    if (!ask.system.empty()) body["system"] = ask.system;
    if (ask.temperature) body["temperature"] = *ask.temperature;
    if (ask.top_p) body["top_p"] = *ask.top_p;
    if (!ask.stop.empty()) body["stop_sequences"] = ask.stop;
    http::Request request = wire::post(options_, "/v1/messages", body);
    request.headers.emplace_back("anthropic-version: 2023-06-01");
    if (options_.api_key) request.headers.push_back("x-api-key: " + options_.api_key->reveal());
    return request;
  }
  std::unique_ptr<Decoder> decoder() const override { return std::make_unique<MessageDecoder>(); }
  Failure failure(int status, const http::Headers& headers, std::string_view body,
                  WallTime now) const override {
    const wire::Report report = wire::report_of_body(body);
    return wire::failure(report.type.empty() ? kind_of_status(status) : kind_of(report.type), status, headers,
                         report, now);
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

 private:
  const Options options_;
};

struct Own : Options {};

const config::Fields<Own>& fields() {
  static const auto all = config::Fields<Own>().include(option_fields());
  return all;
}

std::unique_ptr<Dialect> make(const config::Table& table, Options& common) {
  Own options;
  options.base_url = "https://api.anthropic.com";
  const bool good = fields().read(table, options);
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
                             [] { return fields().docs(); }, &make};
  return vendor;
}

}  // namespace syncd::llm
