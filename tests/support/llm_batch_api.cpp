#include "tests/support/llm_batch_api.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

namespace syncd::test {
namespace {

using Json = nlohmann::json;
using Step = LlmBatchApi::Step;

bool starts(const std::string& text, const std::string& with) {
  return text.compare(0, with.size(), with) == 0;
}
bool ends(const std::string& text, const std::string& with) {
  return text.size() >= with.size() && text.compare(text.size() - with.size(), with.size(), with) == 0;
}

constexpr const char* kMessages = "/v1/messages/batches";
constexpr const char* kChat = "/v1/batches";

std::optional<Step> step_of(const Exchange& exchange) {
  const std::string& target = exchange.target;
  const bool post = exchange.method == "POST";
  if (target == "/v1/files" && post) return Step::Upload;
  if (starts(target, "/v1/files/")) return Step::Results;
  if (!starts(target, kMessages) && !starts(target, kChat)) return std::nullopt;
  if (post) return Step::Create;
  if (ends(target, "/results")) return Step::Results;
  const std::string rest = target.substr(std::string(starts(target, kMessages) ? kMessages : kChat).size());
  return starts(rest, "/") ? Step::Look : Step::List;
}

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// As the vendor writes it: "2026-03-01T10:00:00Z".
std::string now_text() {
  const std::time_t now = now_seconds();
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.123456Z", &parts);
  return text;
}

std::string user_of(const Json& body) { return body.at("messages").back().at("content"); }

}  // namespace

bool LlmBatchApi::serve(Exchange& exchange) {
  const auto step = step_of(exchange);
  if (!step) return false;
  std::string reply;
  Spoil spoil;
  {
    const std::lock_guard lock(mutex_);
    ++counts_[*step];
    auto& planned = spoils_[*step];
    bool done = true;
    if (!planned.empty()) {
      spoil = std::move(planned.front().spoil);
      done = planned.front().done;
      planned.pop_front();
    }
    if (done) reply = perform(*step, exchange, starts(exchange.target, kMessages));
  }
  if (spoil) {
    spoil(exchange, reply);
  } else if (reply.empty()) {
    exchange.reply(404, "application/json",
                   R"({"error":{"type":"not_found_error","message":"no such batch"}})");
  } else {
    exchange.reply(200, *step == Step::Results ? "application/x-jsonl" : "application/json", reply);
  }
  return true;
}

// The reply; "" where there is no such thing.
std::string LlmBatchApi::perform(Step step, const Exchange& exchange, bool messages) {
  const std::string& target = exchange.target;
  switch (step) {
    case Step::Upload:
      body_ = exchange.body;
      return upload(exchange.body);
    case Step::Create:
      if (messages) body_ = exchange.body;
      return messages ? create_messages(exchange.body) : create_chat(exchange.body);
    case Step::List:
      return list(messages);
    case Step::Results:
      return results(target, messages);
    case Step::Look:
      break;
  }
  for (Batch& batch : batches_) {
    if (!ends(target, "/" + batch.id)) continue;
    --batch.looks_left;
    return view(batch, messages);
  }
  return "";
}

LlmBatchApi::Batch& LlmBatchApi::add(std::vector<Question> questions) {
  Batch batch;
  batch.id = "batch_" + std::to_string(batches_.size() + 1);
  batch.questions = std::move(questions);
  for (Question& question : batch.questions) question.batch = batches_.size() + 1 - foreign_;
  batch.looks_left = looks_ + 1;
  batches_.push_back(std::move(batch));
  return batches_.back();
}

std::string LlmBatchApi::create_messages(const std::string& body) {
  const Json json = Json::parse(body);
  std::vector<Question> questions;
  for (const Json& each : json.at("requests")) {
    questions.push_back({each.at("custom_id"), user_of(each.at("params"))});
  }
  return view(add(std::move(questions)), true);
}

std::string LlmBatchApi::create_chat(const std::string& body) {
  const Json json = Json::parse(body);
  const auto file = files_.find(json.at("input_file_id"));
  if (file == files_.end()) return "";
  Batch& batch = add(file->second);
  batch.metadata = json.at("metadata").dump();
  return view(batch, false);
}

// multipart/form-data: the second part is the file.
std::string LlmBatchApi::upload(const std::string& body) {
  const std::string boundary = "\r\n" + body.substr(0, body.find("\r\n"));
  const auto part = body.find(boundary);
  const auto begin = body.find("\r\n\r\n", part + boundary.size()) + 4;
  std::string lines = body.substr(begin, body.find(boundary, begin) - begin);
  std::vector<Question> questions;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    const Json json = Json::parse(lines.substr(0, end));
    questions.push_back({json.at("custom_id"), user_of(json.at("body"))});
    lines.erase(0, end == std::string::npos ? end : end + 1);
  }
  const std::string id = "file-" + std::to_string(files_.size() + 1);
  files_[id] = std::move(questions);
  return Json{{"id", id}, {"object", "file"}, {"purpose", "batch"}}.dump();
}

std::string LlmBatchApi::view(const Batch& batch, bool messages) const {
  const std::size_t total = batch.questions.size();
  Json json = {{"id", batch.id}};
  if (messages) {
    const std::size_t done = batch.ended() ? total : 0;
    json["type"] = "message_batch";
    json["processing_status"] = batch.ended() ? "ended" : "in_progress";
    json["request_counts"] = {
        {"processing", total - done}, {"succeeded", done}, {"errored", 0}, {"canceled", 0}, {"expired", 0}};
    json["created_at"] = now_text();
    json["results_url"] = nullptr;
    if (batch.ended()) json["results_url"] = "https://elsewhere.invalid/results";
    return json.dump();
  }
  json["object"] = "batch";
  json["status"] = batch.ended() ? end_ : "in_progress";
  json["request_counts"] = {
      {"total", total}, {"completed", batch.ended() ? total : total / 2}, {"failed", 0}};
  json["created_at"] = now_seconds();
  json["metadata"] = batch.metadata.empty() ? Json() : Json::parse(batch.metadata);
  json["output_file_id"] = nullptr;
  json["error_file_id"] = nullptr;
  if (batch.ended() && end_ == "failed") {
    Json error = {{"code", code_}, {"message", "not today"}, {"line", nullptr}, {"param", nullptr}};
    json["errors"] = {{"object", "list"}, {"data", Json::array({std::move(error)})}};
  } else if (batch.ended()) {
    json["output_file_id"] = "out-" + batch.id;
    json["error_file_id"] = "err-" + batch.id;
  }
  return json.dump();
}

// Newest first.
std::string LlmBatchApi::list(bool messages) {
  Json json = {{"data", Json::array()}, {"has_more", false}};
  for (auto batch = batches_.rbegin(); batch != batches_.rend(); ++batch) {
    --batch->looks_left;
    json["data"].push_back(Json::parse(view(*batch, messages)));
  }
  return json.dump();
}

std::string LlmBatchApi::results(const std::string& target, bool messages) {
  const bool errors = target.find("/err-") != std::string::npos;
  for (const Batch& batch : batches_) {
    if (target.find(batch.id + "/") == std::string::npos) continue;
    std::string all = line(batch, {"somebody-elses", "?"}, messages) + "\n";
    for (auto question = batch.questions.rbegin(); question != batch.questions.rend(); ++question) {
      const std::string outcome = outcome_(question->user, question->batch);
      const bool answered = outcome == "succeeded" || outcome == "truncated" || outcome == "refused";
      if (!messages && answered == errors) continue;
      if (!messages && outcome == "missing") continue;
      all += line(batch, *question, messages) + "\n";
    }
    return all;
  }
  return "";
}

std::string LlmBatchApi::line(const Batch& batch, const Question& question, bool messages) {
  const std::string outcome = outcome_(question.user, question.batch);
  const std::string text = answer_(question.user);
  Json json = {{"custom_id", question.custom_id}};
  if (messages) {
    Json& result = json["result"];
    if (outcome == "errored" || outcome == "overloaded") {
      const char* type = outcome == "errored" ? "invalid_request_error" : "overloaded_error";
      result = {{"type", "errored"},
                {"error", {{"type", "error"}, {"error", {{"type", type}, {"message", "no"}}}}}};
    } else if (outcome == "expired" || outcome == "canceled") {
      result = {{"type", outcome}};
    } else {
      const char* stop = outcome == "truncated" ? "max_tokens"
                         : outcome == "refused" ? "refusal"
                                                : "end_turn";
      Json block = {{"type", "text"}, {"text", text}};
      result = {{"type", "succeeded"}};
      result["message"] = {{"id", "msg_1"},
                           {"type", "message"},
                           {"model", "test-model-1"},
                           {"stop_reason", stop},
                           {"usage", {{"input_tokens", 11}, {"output_tokens", 4}}}};
      result["message"]["content"] = Json::array({std::move(block)});
    }
    return json.dump();
  }
  json["id"] = "batch_req_" + batch.id;
  json["error"] = nullptr;
  json["response"] = nullptr;
  if (outcome == "expired" || outcome == "canceled") {
    json["error"] = {{"code", outcome == "expired" ? "batch_expired" : "batch_cancelled"},
                     {"message", "too late"}};
  } else if (outcome == "errored" || outcome == "overloaded") {
    const bool invalid = outcome == "errored";
    json["response"] = {
        {"status_code", invalid ? 400 : 503},
        {"body",
         {{"error", {{"type", invalid ? "invalid_request_error" : "server_error"}, {"message", "no"}}}}}};
  } else {
    const char* stop = outcome == "truncated" ? "length" : outcome == "refused" ? "content_filter" : "stop";
    Json choice = {
        {"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", stop}};
    Json body = {{"object", "chat.completion"},
                 {"model", "test-model-1"},
                 {"usage", {{"prompt_tokens", 11}, {"completion_tokens", 4}}}};
    body["choices"] = Json::array({std::move(choice)});
    json["response"] = {{"status_code", 200}, {"request_id", "r"}};
    json["response"]["body"] = std::move(body);
  }
  return json.dump();
}

void LlmBatchApi::spoil_next(Step step, Spoil spoil, bool done) {
  const std::lock_guard lock(mutex_);
  spoils_[step].push_back({std::move(spoil), done});
}

void LlmBatchApi::stay_open(int looks) {
  const std::lock_guard lock(mutex_);
  looks_ = looks;
  for (Batch& batch : batches_) {
    if (!batch.ended()) batch.looks_left = looks;
  }
}

void LlmBatchApi::outcome(Outcome outcome) {
  const std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
}

void LlmBatchApi::end_as(std::string status, std::string code) {
  const std::lock_guard lock(mutex_);
  end_ = std::move(status);
  code_ = std::move(code);
}

void LlmBatchApi::add_foreign(bool ended, std::size_t requests) {
  const std::lock_guard lock(mutex_);
  Batch& batch = add(std::vector<Question>(requests, Question{"0123456789abcdef-of-another-program", "?"}));
  batch.looks_left = ended ? 0 : 1'000'000;
  ++foreign_;
}

std::size_t LlmBatchApi::created() const {
  const std::lock_guard lock(mutex_);
  return batches_.size() - foreign_;
}

std::size_t LlmBatchApi::count(Step step) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(step);
  return found == counts_.end() ? 0 : found->second;
}

std::vector<std::string> LlmBatchApi::asked() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const Batch& batch : batches_) {
    for (const Question& question : batch.questions) {
      if (question.user != "?") all.push_back(question.user);
    }
  }
  return all;
}

std::vector<std::string> LlmBatchApi::paid() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const Batch& batch : batches_) {
    for (const Question& question : batch.questions) {
      const std::string outcome = outcome_(question.user, question.batch);
      const bool answered = outcome == "succeeded" || outcome == "truncated" || outcome == "refused";
      if (question.user != "?" && answered) all.push_back(question.user);
    }
  }
  return all;
}

std::string LlmBatchApi::last_body() const {
  const std::lock_guard lock(mutex_);
  return body_;
}

}  // namespace syncd::test
