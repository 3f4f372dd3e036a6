// Anthropic's Message Batches.  Wire format: the types of the vendor's own SDKs (messages/batches).  Creating
// one cannot be repeated safely and takes no mark of ours: only the custom ids within its results say whose a
// batch is.
#include <fmt/format.h>

#include <utility>

#include "jobs/llm/messages.hpp"

namespace syncd::llm::messages {
namespace {

using wire::Json;

constexpr const char* kPath = "/v1/messages/batches";

BatchView view_of(const Json& json) {
  BatchView view;
  view.id = wire::name(wire::text(json, "id"));
  view.word = wire::text(json, "processing_status");
  view.ended = view.word == "ended";
  const Json& counts = wire::member(json, "request_counts");
  for (const char* what : {"succeeded", "errored", "canceled", "expired"}) {
    view.done += wire::count(counts, what).value_or(0);
  }
  view.total = view.done + wire::count(counts, "processing").value_or(0);
  view.created = wire::rfc3339(wire::text(json, "created_at"));
  // Our own address, not the one that the reply names: the key goes nowhere else.
  if (view.ended) view.results.push_back(fmt::format("{}/{}/results", kPath, view.id));
  return view;
}

void take_message(BatchResult& result, const Json& message) {
  const Json& content = wire::member(message, "content");
  if (content.is_array()) {
    for (const Json& block : content) {
      if (wire::member(block, "type") == "text") result.text += wire::text(block, "text");
    }
  }
  result.end.model = wire::text(message, "model");
  take_stop(result.end, wire::text(message, "stop_reason"));
  take_usage(result.end, wire::member(message, "usage"));
}

class MessageBatches final : public BatchDialect {
 public:
  explicit MessageBatches(Options options) : options_(std::move(options)) {}

  std::size_t most_requests() const noexcept override { return 100'000; }
  std::size_t most_bytes() const noexcept override { return 256'000'000; }
  bool keeps_marker() const noexcept override { return false; }

  std::string entry(const std::string& custom_id, const Ask& ask) const override {
    Json json = {{"custom_id", custom_id}};
    json["params"] = body(ask);
    return wire::dump(json);
  }
  std::optional<http::Request> upload(const std::string&, const std::vector<std::string>&) const override {
    return std::nullopt;
  }
  std::string uploaded(std::string_view) const override { return ""; }
  http::Request create(const std::string&, const std::vector<std::string>& entries,
                       const std::string&) const override {
    std::string all = R"({"requests":[)";
    std::string_view between;
    for (const std::string& entry : entries) all.append(std::exchange(between, ",")).append(entry);
    all += "]}";
    return signed_request(options_, wire::post_text(options_, kPath, "application/json", std::move(all)));
  }
  http::Request look(const std::string& id) const override { return get(fmt::format("{}/{}", kPath, id)); }
  http::Request list(const std::string& path) const override {
    return get(path.empty() ? fmt::format("{}?limit=100", kPath) : path);
  }
  http::Request results(const std::string& path) const override { return get(path); }

  BatchView view(std::string_view reply) const override { return view_of(wire::object(reply)); }
  BatchPage page(std::string_view reply) const override {
    const Json json = wire::object(reply);
    BatchPage page;
    for (const Json& each : wire::member(json, "data")) page.batches.push_back(view_of(each));
    if (wire::flag(json, "has_more")) {
      page.next = fmt::format("{}?limit=100&after_id={}", kPath, wire::name(wire::text(json, "last_id")));
    }
    return page;
  }
  BatchResult result(std::string_view line) const override {
    const Json json = wire::object(line);
    BatchResult result;
    result.custom_id = wire::text(json, "custom_id");
    const Json& what = wire::member(json, "result");
    const std::string type = wire::text(what, "type");
    if (type == "succeeded") {
      take_message(result, wire::member(what, "message"));
    } else if (type == "errored") {
      const Json& error = wire::member(what, "error");
      const Json& within = wire::member(error, "error");
      const wire::Report report = wire::report(within.is_null() ? error : within);
      result.failure = Failure(kind_of(report), report.words(secrets_));
    } else {
      result.failure = Failure(FailureKind::Retry, "the batch ended before this was answered: " + type);
    }
    return result;
  }

 private:
  http::Request get(const std::string& path) const {
    return signed_request(options_, wire::get(options_, path));
  }
  const Options options_;
  const wire::Secrets secrets_{options_};
};

}  // namespace

std::unique_ptr<BatchDialect> batches(const Options& options) {
  return std::make_unique<MessageBatches>(options);
}

}  // namespace syncd::llm::messages
