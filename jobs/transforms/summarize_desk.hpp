// Desk: gets one answer, and pays for it once: the journal first, the budget, the vendor's wishes, and
// another try where that can help.
#pragma once
#include <random>
#include <string>

#include "daemon/policy/backoff.hpp"
#include "daemon/status/relay.hpp"
#include "daemon/store/llm_journal.hpp"
#include "jobs/component.hpp"
#include "jobs/llm/provider.hpp"

namespace syncd::jobs {

enum class OnAmbiguous { kRetry, kHold };
constexpr auto enum_names(OnAmbiguous) {
  return std::array{config::EnumName("retry", OnAmbiguous::kRetry),
                    config::EnumName("hold", OnAmbiguous::kHold)};
}

enum class OnTruncated { kBadRecord, kRaise, kAccept };
constexpr auto enum_names(OnTruncated) {
  return std::array{config::EnumName("bad_record", OnTruncated::kBadRecord),
                    config::EnumName("raise", OnTruncated::kRaise),
                    config::EnumName("accept", OnTruncated::kAccept)};
}

struct DeskOptions {
  store::LlmBudget budget;
  OnAmbiguous on_ambiguous = OnAmbiguous::kRetry;
  OnTruncated on_truncated = OnTruncated::kBadRecord;
  std::uint32_t attempts = 4;
  std::chrono::nanoseconds longest_wait = std::chrono::minutes(5);
};

// Digest of everything that shapes the answer.
std::string unit_of(const llm::Ask& ask);

class Desk {
 public:
  Desk(Clock& clock, llm::Provider& provider, std::shared_ptr<store::LlmJournal> journal,
       status::Relay& relay, Monitor& monitor, DeskOptions options, std::string job, std::string run);

  // The answer, from the journal where it is there.  Throws llm::Failure, BudgetSpent and HeldBack; a Data
  // error concerns this request alone.
  Task<store::LlmAnswer> answer(llm::Ask ask);

 private:
  struct Reply;
  Task<store::LlmAnswer> ask_once(llm::Ask ask, std::string unit, bool& truncated);
  Task<Reply> reply_to(llm::Ask ask, std::string unit);
  void record_failure(std::int64_t id, const llm::Failure& failure, bool began,
                      const store::LlmUse& estimate);
  store::LlmUse estimate(const llm::Ask& ask) const;
  store::LlmUse priced(const llm::Ask& ask, std::uint64_t input, std::uint64_t output) const;
  Task<> wait(const llm::Failure& failure, unsigned failures);

  Clock& clock_;
  llm::Provider& provider_;
  std::shared_ptr<store::LlmJournal> journal_;
  status::Relay& relay_;
  Monitor& monitor_;
  const DeskOptions options_;
  const std::string job_;
  const std::string run_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace syncd::jobs
