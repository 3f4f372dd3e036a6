#include "tests/support/llm_server.hpp"

#include <nlohmann/json.hpp>

namespace syncd::test {
namespace {

using Json = nlohmann::json;

std::string named(const std::string& type, Json json) {
  json["type"] = type;
  return "event: " + type + "\ndata: " + json.dump() + "\n\n";
}
std::string unnamed(const Json& json) { return "data: " + json.dump() + "\n\n"; }

Json chunk(Json delta, Json finish) {
  Json choice = {{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}};
  Json json = {{"id", "chatcmpl-1"},
               {"object", "chat.completion.chunk"},
               {"model", "test-model-1"},
               {"usage", nullptr}};
  json["choices"] = Json::array({std::move(choice)});
  return json;
}

}  // namespace

StreamEvents message_events(const std::vector<std::string>& words, const std::string& end) {
  StreamEvents events;
  events.push_back(named("message_start", {{"message",
                                            {{"id", "msg_1"},
                                             {"type", "message"},
                                             {"role", "assistant"},
                                             {"content", Json::array()},
                                             {"model", "test-model-1"},
                                             {"stop_reason", nullptr},
                                             {"usage", {{"input_tokens", 11}, {"output_tokens", 1}}}}}}));
  events.push_back(
      named("content_block_start", {{"index", 0}, {"content_block", {{"type", "text"}, {"text", ""}}}}));
  events.push_back(named("ping", Json::object()));
  for (const std::string& word : words) {
    events.push_back(
        named("content_block_delta", {{"index", 0}, {"delta", {{"type", "text_delta"}, {"text", word}}}}));
  }
  events.push_back(named("content_block_stop", {{"index", 0}}));
  events.push_back(named("message_delta", {{"delta", {{"stop_reason", end}, {"stop_sequence", nullptr}}},
                                           {"usage", {{"output_tokens", words.size()}}}}));
  events.push_back(named("message_stop", Json::object()));
  return events;
}

StreamEvents chat_events(const std::vector<std::string>& words, const std::string& end) {
  StreamEvents events;
  events.push_back(unnamed(chunk({{"role", "assistant"}, {"content", ""}}, nullptr)));
  for (const std::string& word : words) events.push_back(unnamed(chunk({{"content", word}}, nullptr)));
  events.push_back(unnamed(chunk(Json::object(), end)));
  Json usage = chunk(Json::object(), nullptr);
  usage["choices"] = Json::array();
  usage["usage"] = {
      {"prompt_tokens", 11}, {"completion_tokens", words.size()}, {"total_tokens", 11 + words.size()}};
  events.push_back(unnamed(usage));
  events.push_back("data: [DONE]\n\n");
  return events;
}

std::string joined(const StreamEvents& events) {
  std::string all;
  for (const std::string& event : events) all += event;
  return all;
}

namespace spoil {

Spoil status(int status, std::string body, std::string headers) {
  return [=](Exchange& exchange, const StreamEvents&) {
    exchange.reply(status, "application/json", body, headers);
  };
}

Spoil cut(std::size_t bytes, bool reset) {
  return [=](Exchange& exchange, const StreamEvents& events) {
    exchange.start("text/event-stream");
    exchange.send(joined(events).substr(0, bytes));
    if (reset) exchange.reset();
  };
}

Spoil end_with(std::size_t count, std::string event) {
  return [=](Exchange& exchange, const StreamEvents& events) {
    exchange.start("text/event-stream");
    for (std::size_t i = 0; i + count < events.size(); ++i) exchange.send(events[i]);
    exchange.send(event);
  };
}

Spoil silence(std::size_t count) {
  return [=](Exchange& exchange, const StreamEvents& events) {
    exchange.start("text/event-stream");
    for (std::size_t i = 0; i < count; ++i) exchange.send(events[i]);
    exchange.wait_for_peer();
  };
}

Spoil forever(std::size_t count, std::string bytes, std::chrono::milliseconds pause) {
  return [=](Exchange& exchange, const StreamEvents& events) {
    exchange.start("text/event-stream");
    for (std::size_t i = 0; i < count; ++i) exchange.send(events[i]);
    while (exchange.send(bytes) && (pause.count() == 0 || exchange.be_silent(pause))) {
    }
  };
}

}  // namespace spoil

LlmServer::LlmServer()
    : answer_([](const std::string& user) {
        return std::vector<std::string>{"Summary ", "of ", std::to_string(user.size()), " bytes."};
      }),
      batches_([this](const std::string& user) {
        const std::lock_guard lock(mutex_);
        return joined(answer_(user));
      }),
      server_([this](Exchange& exchange) { serve(exchange); }) {}

void LlmServer::answer_with(std::function<std::vector<std::string>(const std::string&)> answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

void LlmServer::spoil_next(Spoil spoil) {
  const std::lock_guard lock(mutex_);
  spoils_.push_back(std::move(spoil));
}

void LlmServer::spoil_all(Spoil spoil) {
  const std::lock_guard lock(mutex_);
  always_ = std::move(spoil);
}

std::vector<std::string> LlmServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::vector<std::string> LlmServer::bodies() const {
  const std::lock_guard lock(mutex_);
  return bodies_;
}

std::string LlmServer::last_head() const {
  const std::lock_guard lock(mutex_);
  return head_;
}

void LlmServer::serve(Exchange& exchange) {
  if (batches_.serve(exchange)) return;
  const bool messages = exchange.target == "/v1/messages";
  if (!messages && exchange.target != "/v1/chat/completions") {
    exchange.reply(404, "application/json",
                   R"({"error":{"type":"not_found_error","message":"no such path"}})");
    return;
  }
  const std::string user = Json::parse(exchange.body).at("messages").back().at("content");
  StreamEvents events;
  Spoil spoil;
  {
    const std::lock_guard lock(mutex_);
    asked_.push_back(user);
    bodies_.push_back(exchange.body);
    head_ = exchange.head;
    const std::vector<std::string> words = answer_(user);
    events = messages ? message_events(words) : chat_events(words);
    spoil = always_;
    if (!spoils_.empty()) {
      spoil = std::move(spoils_.front());
      spoils_.pop_front();
    }
  }
  if (spoil) {
    spoil(exchange, events);
    return;
  }
  exchange.start("text/event-stream");
  for (const std::string& event : events) exchange.send(event);
}

}  // namespace syncd::test
