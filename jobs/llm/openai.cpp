// Chat completions as OpenAI defined them and many servers speak them (Mistral, Ollama, llama.cpp, vLLM).
// What they do not agree about is configuration.
#include "jobs/llm/chat.hpp"
#include "jobs/llm/quick_json.hpp"
#include "jobs/llm/vendors.hpp"

namespace syncd::llm {

using chat::ChatOptions;
using wire::Json;

namespace chat {
namespace {

constexpr std::size_t kEnoughWords = 1000;  // of a refusal: who reads it is shown fewer

}  // namespace

FailureKind kind_of(const wire::Report& report, FailureKind otherwise) {
  const std::string& code = report.code;
  if (code == "insufficient_quota" || report.type == "insufficient_quota" || code == "invalid_api_key" ||
      report.type == "authentication_error" || report.type == "permission_error") {
    return FailureKind::Auth;
  }
  if (code == "rate_limit_exceeded" || report.type == "rate_limit_error") return FailureKind::RateLimited;
  if (code == "content_filter" || code == "content_policy_violation") return FailureKind::Refused;
  if (code == "model_not_found" || report.type == "not_found_error") return FailureKind::NotFound;
  if (code == "context_length_exceeded" || report.type == "invalid_request_error") {
    return FailureKind::Invalid;
  }
  if (code.size() == 3 && code.find_first_not_of("0123456789") == std::string::npos) {
    return kind_of_status(std::stoi(code));
  }
  return otherwise;
}

Json body(const ChatOptions& options, const Ask& ask) {
  Json messages = Json::array();
  if (!ask.system.empty()) {
    Json system = {{"role", "system"}, {"content", ask.system}};
    messages.push_back(std::move(system));
  }
  Json user = {{"role", "user"}, {"content", ask.user}};
  messages.push_back(std::move(user));
  Json body = {{"model", ask.model}};
  body["messages"] = std::move(messages);
  body[std::string(config::enum_text(options.limit_key))] = ask.max_tokens;
  if (ask.temperature) body["temperature"] = *ask.temperature;
  if (ask.top_p) body["top_p"] = *ask.top_p;
  if (!ask.stop.empty()) body["stop"] = ask.stop;
  return body;
}

http::Request signed_request(const Options& options, http::Request request) {
  if (options.api_key) request.headers.push_back("authorization: Bearer " + options.api_key->reveal());
  return request;
}

void take_content(std::string& text, const Json& content) {
  if (content.is_string()) text += content.get_ref<const std::string&>();
  if (!content.is_array()) return;
  for (const Json& part : content) {
    if (wire::member(part, "type") == "text") text += wire::text(part, "text");
  }
}

void take_refusal(End& end, const std::string& words) {
  if (words.empty()) return;
  if (end.refusal.size() < kEnoughWords) end.refusal += words;
  end.stop = Stop::Refused;
}

void take_stop(End& end, std::string reason) {
  if (reason.empty()) return;
  end.reason = std::move(reason);
  if (!end.refusal.empty()) {
    end.stop = Stop::Refused;
  } else if (end.reason == "stop") {
    end.stop = Stop::Complete;
  } else if (end.reason == "length" || end.reason == "model_length") {
    end.stop = Stop::Truncated;
  } else {
    end.stop = end.reason == "content_filter" ? Stop::Refused : Stop::Other;
  }
}

void take_usage(End& end, const Json& json) {
  const auto input = wire::count(json, "prompt_tokens");
  const auto output = wire::count(json, "completion_tokens");
  if (!input && !output) return;
  if (!end.usage) end.usage.emplace();
  if (input) end.usage->input = *input;
  if (output) end.usage->output = *output;
}

}  // namespace chat

namespace {

const config::Fields<ChatOptions>& openai_fields() {
  static const auto all =
      config::Fields<ChatOptions>()
          .include(option_fields())
          .add("limit_key", &ChatOptions::limit_key,
               "how the server calls the limit of an answer; most but the inventor know only max_tokens")
          .add("stream_usage", &ChatOptions::stream_usage,
               "asks for the count of tokens with `stream_options`; false for servers that refuse it");
  return all;
}

class ChunkDecoder final : public Decoder {
 public:
  ChunkDecoder(std::shared_ptr<QuickJson> quick, wire::Secrets secrets)
      : quick_(std::move(quick)), secrets_(std::move(secrets)) {}

  void take(const http::Event& event, std::string& text) override {
    if (event.data == "[DONE]") {
      done_ = true;
      return;
    }
    if (event.type != "error" && take_content(event.data, text)) return;
    const Json json = wire::object(event.data);
    const Json& error = wire::member(json, "error");
    if (!error.is_null() || event.type == "error") {
      const wire::Report report = wire::report(error.is_null() ? json : error);
      throw Failure(chat::kind_of(report, FailureKind::Retry), report.words(secrets_));
    }
    if (const std::string model = wire::text(json, "model"); !model.empty()) end_.model = model;
    chat::take_usage(end_, wire::member(json, "usage"));
    const Json& choices = wire::member(json, "choices");
    if (!choices.is_array() || choices.empty()) return;
    const Json& delta = wire::member(choices.front(), "delta");
    chat::take_content(text, wire::member(delta, "content"));
    chat::take_refusal(end_, wire::text(delta, "refusal"));
    chat::take_stop(end_, wire::text(choices.front(), "finish_reason"));
  }
  bool done() const noexcept override { return done_; }
  End end() const override { return end_; }

 private:
  // Whether it was a piece of text and nothing else, which nearly all are.
  bool take_content(std::string_view data, std::string& text) {
    if (end_.model.empty()) return false;  // the first one names it
    const auto json = quick_->parse(data);
    const auto choice = json["choices"].at(0);
    std::string_view piece;
    if (choice["delta"]["content"].get(piece) || !QuickJson::absent(json["error"]) ||
        !QuickJson::absent(json["usage"]) || !QuickJson::absent(choice["finish_reason"]) ||
        !QuickJson::absent(choice["delta"]["refusal"])) {
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

class ChatCompletions final : public Dialect {
 public:
  explicit ChatCompletions(ChatOptions options)
      : options_(std::move(options)), batches_(chat::batches(options_)) {}

  http::Request request(const Ask& ask) const override {
    Json body = chat::body(options_, ask);
    body["stream"] = true;
    if (options_.stream_usage) body["stream_options"] = {{"include_usage", true}};
    return chat::signed_request(options_, wire::post(options_, "/chat/completions", body));
  }
  std::unique_ptr<Decoder> decoder() const override {
    return std::make_unique<ChunkDecoder>(quick_, secrets_);
  }
  Failure failure(int status, const http::Headers& headers, std::string_view body,
                  WallTime now) const override {
    const wire::Report report = wire::report_of_body(body);
    return wire::failure(chat::kind_of(report, kind_of_status(status)), status, headers,
                         report.words(secrets_), now);
  }
  // Resets are told as "12ms" or "6m0s".
  std::optional<std::chrono::nanoseconds> pause(const http::Headers& headers, WallTime) const override {
    std::optional<std::chrono::nanoseconds> longest;
    for (const std::string what : {"requests", "tokens"}) {
      if (headers.find("x-ratelimit-remaining-" + what) != "0") continue;
      try {
        const auto wait = config::parse_duration(headers.find("x-ratelimit-reset-" + what).value_or(""));
        if (!longest || wait > *longest) longest = wait;
      } catch (const config::ValueError&) {
        continue;  // said in a way that nobody knows
      }
    }
    return longest;
  }
  const BatchDialect* batches() const noexcept override { return batches_.get(); }

 private:
  const ChatOptions options_;
  const wire::Secrets secrets_{options_};
  std::unique_ptr<BatchDialect> batches_;
  const std::shared_ptr<QuickJson> quick_ = std::make_shared<QuickJson>();  // of all decoders
};

std::unique_ptr<Dialect> make_openai(const config::Table& table, Options& common) {
  ChatOptions options;
  options.base_url = "https://api.openai.com/v1";
  const bool good = openai_fields().read(table, options);
  common = options;
  return good ? std::make_unique<ChatCompletions>(std::move(options)) : nullptr;
}

}  // namespace

const Vendor& openai() {
  static const Vendor vendor{
      "openai", "Chat completions: OpenAI, and with `base_url` Mistral, Ollama, llama.cpp, vLLM.",
      [] { return openai_fields().docs(); }, &make_openai};
  return vendor;
}

}  // namespace syncd::llm
