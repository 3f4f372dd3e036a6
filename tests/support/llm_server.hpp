// LlmServer: a model on a loopback port that speaks both vendors' formats, written from their documentation
// and not from our parser.  It answers well, or spoils its answers as a test says.
#pragma once
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/http_server.hpp"
#include "tests/support/llm_batch_api.hpp"

namespace syncd::test {

// The events of one good stream, each with its blank line.
using StreamEvents = std::vector<std::string>;

// `words` come one a delta; `end` is the vendor's own word for how it ended.
StreamEvents message_events(const std::vector<std::string>& words, const std::string& end = "end_turn");
StreamEvents chat_events(const std::vector<std::string>& words, const std::string& end = "stop");
std::string joined(const StreamEvents& events);

// What is done with a good stream instead of sending it.
using Spoil = std::function<void(Exchange&, const StreamEvents&)>;
namespace spoil {
// An error instead of an answer.
Spoil status(int status, std::string body, std::string headers = "");
// The connection ends, or is reset, after so many bytes.
Spoil cut(std::size_t bytes, bool reset = false);
// Another event in the place of the last `count`.
Spoil end_with(std::size_t count, std::string event);
// Nothing more after the first `count` events.
Spoil silence(std::size_t count);
// This again and again after the first `count` events.
Spoil forever(std::size_t count, std::string bytes,
              std::chrono::milliseconds pause = std::chrono::milliseconds(1));
}  // namespace spoil

class LlmServer {
 public:
  LlmServer();

  // base_url of the two vendors.
  std::string messages_url() const { return server_.url(); }
  std::string chat_url() const { return server_.url() + "/v1"; }

  // What is answered to a user part, word by word; by default "Summary of N bytes."
  void answer_with(std::function<std::vector<std::string>(const std::string& user)> answer);
  // The next request that nobody spoiled yet.
  void spoil_next(Spoil spoil);
  void spoil_all(Spoil spoil);

  // The same model, asked for many answers at once.
  LlmBatchApi& batches() noexcept { return batches_; }

  // The user parts of all requests so far, in order of arrival.
  std::vector<std::string> asked() const;
  // Bodies and heads, for what else is in them.
  std::vector<std::string> bodies() const;
  std::string last_head() const;

 private:
  void serve(Exchange& exchange);

  mutable std::mutex mutex_;
  std::function<std::vector<std::string>(const std::string&)> answer_;
  std::deque<Spoil> spoils_;
  Spoil always_;
  std::vector<std::string> asked_;
  std::vector<std::string> bodies_;
  std::string head_;
  LlmBatchApi batches_;
  HttpServer server_;  // last: its threads use the rest
};

}  // namespace syncd::test
