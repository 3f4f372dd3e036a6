// LlmBatchApi: the batch APIs of both vendors, written from their documentation and not from our code, for
// LlmServer.  Results come in the reverse order, with one that nobody asked for; a test may spoil any step.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/http_server.hpp"

namespace syncd::test {

class LlmBatchApi {
 public:
  enum class Step { Upload, Create, Look, List, Results };
  // What is done with a good reply instead of sending it.
  using Spoil = std::function<void(Exchange&, const std::string& reply)>;

  // `answer`: what the model says to a user part.
  explicit LlmBatchApi(std::function<std::string(const std::string& user)> answer)
      : answer_(std::move(answer)) {}

  // False: this is no request of a batch API.
  bool serve(Exchange& exchange);

  // The next request of this step that nobody spoiled yet; `done`: it has its effect all the same.
  void spoil_next(Step step, Spoil spoil, bool done = true);
  // How often a new batch is said to be open, by itself or in a list, before it has ended; by default once.
  void stay_open(int looks);
  // What becomes of a question of the nth batch that was created (from 1); by default "succeeded".  Also
  // "truncated", "refused", "errored" (invalid), "overloaded", "expired", "canceled".
  using Outcome = std::function<std::string(const std::string& user, std::size_t batch)>;
  void outcome(Outcome outcome);
  // How a whole batch of the chat API ends: "completed", "expired" (what is not done has no result at all),
  // or "failed" with this code.
  void end_as(std::string status, std::string code = "");
  // Somebody else's batch with one request: one that has ended, or never will.
  void add_foreign(bool ended, std::size_t requests);

  std::size_t created() const;
  std::size_t count(Step step) const;
  // The user parts of all questions in all batches, in order of arrival.
  std::vector<std::string> asked() const;
  // Those that were answered, which are paid.
  std::vector<std::string> paid() const;
  // The body of the last creation or upload.
  std::string last_body() const;

 private:
  struct Question {
    std::string custom_id;
    std::string user;
    std::size_t batch = 0;
  };
  struct Batch {
    std::string id;
    std::vector<Question> questions;
    std::string metadata;
    int looks_left = 0;
    bool ended() const { return looks_left <= 0; }
  };
  struct Planned {
    Spoil spoil;
    bool done;
  };
  std::string perform(Step step, const Exchange& exchange, bool messages);
  std::string create_messages(const std::string& body);
  std::string create_chat(const std::string& body);
  std::string upload(const std::string& body);
  Batch& add(std::vector<Question> questions);
  std::string view(const Batch& batch, bool messages) const;
  std::string list(bool messages);
  std::string results(const std::string& target, bool messages);
  std::string line(const Batch& batch, const Question& question, bool messages);

  mutable std::mutex mutex_;
  std::function<std::string(const std::string&)> answer_;
  Outcome outcome_ = [](const std::string&, std::size_t) { return "succeeded"; };
  std::map<Step, std::deque<Planned>> spoils_;
  std::map<Step, std::size_t> counts_;
  std::map<std::string, std::vector<Question>> files_;
  std::deque<Batch> batches_;
  std::size_t foreign_ = 0;
  int looks_ = 1;
  std::string end_ = "completed";
  std::string code_;
  std::string body_;
};

}  // namespace syncd::test
