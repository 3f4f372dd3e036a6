// OpenAI's Batch API: a file of requests is uploaded, a batch is made of it, and there are two files of
// results.  Wire format: https://platform.openai.com/docs/api-reference/batch and the types of the vendor's
// own SDKs.
#include <fmt/format.h>

#include "jobs/llm/chat.hpp"

namespace syncd::llm::chat {
namespace {

using wire::Json;

constexpr const char* kMarker = "syncd_batch";  // among the metadata

std::string refusal_words(const Json& error, const wire::Secrets& secrets) {
  std::string words = wire::report(error).words(secrets);
  if (const auto line = wire::count(error, "line")) words += fmt::format(" (line {})", *line);
  return words;
}

// Why no request of a batch was done.
Failure refusal_of(const Json& errors, const wire::Secrets& secrets) {
  const Json& all = wire::member(errors, "data");
  if (!all.is_array() || all.empty()) return Failure(FailureKind::Invalid, "no reason given");
  const wire::Report report = wire::report(all.front());
  // So much may wait at a time: it passes.
  const bool full = report.code == "token_limit_exceeded" || report.code == "request_limit_exceeded";
  const bool money = report.code == "billing_hard_limit_reached";
  FailureKind kind = money ? FailureKind::Auth : kind_of(report, FailureKind::Invalid);
  if (full) kind = FailureKind::RateLimited;
  return Failure(kind, refusal_words(all.front(), secrets));
}

BatchView view_of(const Json& json, const wire::Secrets& secrets) {
  BatchView view;
  view.id = wire::name(wire::text(json, "id"));
  view.word = wire::text(json, "status");
  view.cut_short = view.word == "expired" || view.word == "cancelled";
  view.ended = view.cut_short || view.word == "completed" || view.word == "failed";
  if (view.word == "failed") view.refusal = refusal_of(wire::member(json, "errors"), secrets);
  const Json& counts = wire::member(json, "request_counts");
  view.total = wire::count(counts, "total").value_or(0);
  view.done = wire::count(counts, "completed").value_or(0) + wire::count(counts, "failed").value_or(0);
  view.marker = wire::text(wire::member(json, "metadata"), kMarker);
  if (const auto created = wire::count(json, "created_at")) {
    view.created = WallTime(std::chrono::seconds(static_cast<std::int64_t>(*created)));
  }
  if (!view.ended) return view;
  for (const char* key : {"output_file_id", "error_file_id"}) {
    const std::string file = wire::text(json, key);
    if (!file.empty()) view.results.push_back(fmt::format("/files/{}/content", wire::name(file)));
  }
  return view;
}

void take_completion(BatchResult& result, const Json& completion) {
  const Json& choices = wire::member(completion, "choices");
  result.end.model = wire::text(completion, "model");
  take_usage(result.end, wire::member(completion, "usage"));
  if (!choices.is_array() || choices.empty()) return;
  const Json& message = wire::member(choices.front(), "message");
  take_content(result.text, wire::member(message, "content"));
  take_refusal(result.end, wire::text(message, "refusal"));
  take_stop(result.end, wire::text(choices.front(), "finish_reason"));
}

class ChatBatches final : public BatchDialect {
 public:
  explicit ChatBatches(ChatOptions options) : options_(std::move(options)) {}

  std::size_t most_requests() const noexcept override { return 50'000; }
  std::size_t most_bytes() const noexcept override { return 200'000'000; }
  bool keeps_marker() const noexcept override { return true; }

  std::string entry(const std::string& custom_id, const Ask& ask) const override {
    Json json = {{"custom_id", custom_id}, {"method", "POST"}, {"url", "/v1/chat/completions"}};
    json["body"] = body(options_, ask);
    return wire::dump(json);
  }
  std::optional<http::Request> upload(const std::string& marker,
                                      const std::vector<std::string>& entries) const override {
    std::string all = fmt::format(
        "--syncd-{0}\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
        "--syncd-{0}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"syncd-{0}.jsonl\"\r\n"
        "content-type: application/jsonl\r\n\r\n",
        marker);
    for (const std::string& entry : entries) all.append(entry).append("\n");
    all += fmt::format("\r\n--syncd-{}--\r\n", marker);
    return signed_request(
        options_,
        wire::post_text(options_, "/files", fmt::format("multipart/form-data; boundary=syncd-{}", marker),
                        std::move(all)));
  }
  std::string uploaded(std::string_view reply) const override {
    return wire::name(wire::text(wire::object(reply), "id"));
  }
  http::Request create(const std::string& marker, const std::vector<std::string>&,
                       const std::string& file) const override {
    Json json = {{"input_file_id", file}, {"endpoint", "/v1/chat/completions"}, {"completion_window", "24h"}};
    json["metadata"] = {{kMarker, marker}};
    return signed_request(options_,
                          wire::post_text(options_, "/batches", "application/json", wire::dump(json)));
  }
  http::Request look(const std::string& id) const override { return get(fmt::format("/batches/{}", id)); }
  http::Request list(const std::string& path) const override {
    return get(path.empty() ? "/batches?limit=100" : path);
  }
  http::Request results(const std::string& path) const override { return get(path); }

  BatchView view(std::string_view reply) const override { return view_of(wire::object(reply), secrets_); }
  BatchPage page(std::string_view reply) const override {
    const Json json = wire::object(reply);
    BatchPage page;
    for (const Json& each : wire::member(json, "data")) page.batches.push_back(view_of(each, secrets_));
    if (wire::flag(json, "has_more") && !page.batches.empty()) {
      page.next = fmt::format("/batches?limit=100&after={}", page.batches.back().id);
    }
    return page;
  }
  BatchResult result(std::string_view line) const override {
    const Json json = wire::object(line);
    BatchResult result;
    result.custom_id = wire::text(json, "custom_id");
    const Json& response = wire::member(json, "response");
    const Json& completion = wire::member(response, "body");
    const Json& error = wire::member(json, "error");
    const std::uint64_t status = wire::count(response, "status_code").value_or(0);
    if (status == 200 && error.is_null()) {
      take_completion(result, completion);
      return result;
    }
    const wire::Report report = wire::report(error.is_null() ? wire::member(completion, "error") : error);
    const FailureKind otherwise = status == 0 ? FailureKind::Retry : kind_of_status(static_cast<int>(status));
    const bool cut_short = report.code == "batch_expired" || report.code == "batch_cancelled";
    std::string words = report.words(secrets_);
    if (words.empty()) words = fmt::format("status {}", status);
    result.failure = Failure(cut_short ? FailureKind::Retry : kind_of(report, otherwise), words);
    return result;
  }

 private:
  http::Request get(const std::string& path) const {
    return signed_request(options_, wire::get(options_, path));
  }
  const ChatOptions options_;
  const wire::Secrets secrets_{options_};
};

}  // namespace

std::unique_ptr<BatchDialect> batches(ChatOptions options) {
  return std::make_unique<ChatBatches>(std::move(options));
}

}  // namespace syncd::llm::chat
