// Desk: gets one answer, and pays for it once: the journal first, the budget, the vendor's wishes, and
// another try where that can help.
#pragma once
#include <memory>
#include <random>
#include <string>

#include "daemon/coro/permits.hpp"
#include "daemon/policy/backoff.hpp"
#include "daemon/status/relay.hpp"
#include "daemon/store/llm_journal.hpp"
#include "jobs/component.hpp"
#include "jobs/llm/provider.hpp"
#include "jobs/transforms/summarize_batches.hpp"

namespace syncd::jobs {

enum class OnAmbiguous { kRetry, kHold };
constexpr auto enum_names(OnAmbiguous) {
  return std::array{config::EnumName("retry", OnAmbiguous::kRetry),
                    config::EnumName("hold", OnAmbiguous::kHold)};
}

struct DeskOptions {
  store::LlmBudget budget;
  OnAmbiguous on_ambiguous = OnAmbiguous::kRetry;
  OnTruncated on_truncated = OnTruncated::kBadRecord;
  std::uint32_t attempts = 4;
  std::chrono::nanoseconds longest_wait = std::chrono::minutes(5);
  std::uint32_t in_flight = 4;
  BatchOptions batch;
  std::shared_ptr<const JsonSchema> schema;  // that answers must meet; null: none
};

// Digest of everything that shapes the answer.
std::string unit_of(const llm::Ask& ask);

class Desk {
 public:
  // The answer to a question that nobody was asked yet, in a dry run.
  static constexpr const char* kForeseen = "(what the model would say)";

  Desk(Clock& clock, llm::Provider& provider, std::shared_ptr<store::LlmJournal> journal,
       status::Relay& relay, Monitor& monitor, DeskOptions options, std::string job, std::string run);

  // The answer, from the journal where it is there.  Throws llm::Failure, BudgetSpent and HeldBack; a Data
  // error concerns this request alone.
  Task<store::LlmAnswer> answer(llm::Ask ask);
  // From now on nobody is asked, and nothing written: the answer is the one that is known, or a text in its
  // place.  Null: it is no dry run.
  void rehearse(Rehearsal* rehearsal) noexcept { rehearsal_ = rehearsal; }

  // More questions are expected soon: those that go together wait for them.
  void more_to_come(bool more) {
    if (batches_) batches_->more_to_come(more);
  }
  // Ends what goes on in the background: waiting at once, a call to the vendor after its reply, unless
  // stop_now() ends that too.  Whoever waits in answer() for others, or for his turn, is told Cancelled.
  void leave() {
    leaving_ = true;
    ended_.notify();
    if (batches_) batches_->leave();
  }
  void stop_now() noexcept {
    if (batches_) batches_->stop();
  }
  Task<> close();

 private:
  struct Reply;
  class Open;
  store::LlmAnswer foresee(const llm::Ask& ask);
  Task<store::LlmAnswer> ask_once(llm::Ask ask, std::string unit, bool& truncated);
  Task<llm::Provider::Permit> begun(store::LlmRequest request, std::int64_t& id);
  Task<> until_affordable(store::LlmRequest request);
  Task<Reply> reply_to(llm::Ask ask, std::string unit);
  void show(const std::string& unit, status::Piece::Kind kind, const std::string& text);
  void record_failure(std::int64_t id, const llm::Failure& failure, bool began,
                      const store::LlmUse& estimate);
  Task<> wait(const llm::Failure& failure, unsigned failures);

  Clock& clock_;
  llm::Provider& provider_;
  std::shared_ptr<store::LlmJournal> journal_;
  status::Relay& relay_;
  Monitor& monitor_;
  const DeskOptions options_;
  const std::string job_;
  const std::string run_;
  const Judge judge_;
  coro::Permits streams_;
  coro::Permits beginning_;  // one question at a time looks for room in the budget, and takes it
  std::size_t open_ = 0;     // questions that were sent and have not ended
  coro::Signal ended_;       // one of them
  bool leaving_ = false;
  std::unique_ptr<BatchDesk> batches_;  // null: each question is asked by itself
  Rehearsal* rehearsal_ = nullptr;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace syncd::jobs
