// The journal of what was asked of models and what it cost: written, and on the disk, before the first byte
// of a request goes out.  An answer that was received is found again and never asked for twice; a request
// whose fate nobody knows is remembered; budgets count what was spent, whatever the clock does.
//
// A file of its own (STATE_DIR/llm.db): a damaged one is refused, not begun anew, for that would be paid
// twice. Synchronous, about a millisecond; loop thread only.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/store/sqlite.hpp"

namespace syncd::store {

// Tokens, and money in millionths.
struct LlmUse {
  std::uint64_t input = 0;
  std::uint64_t output = 0;
  std::int64_t cost = 0;
};

struct LlmAnswer {
  std::string text;
  std::string model;  // that answered
  LlmUse use;
};

// A request that is about to be sent.
struct LlmRequest {
  std::string unit;  // what makes it the same request: a digest
  std::string job;
  std::string run;
  std::string model;
  LlmUse estimate;  // counts until the real figures are known
};

// nullopt: no limit.
struct LlmBudget {
  std::optional<std::uint64_t> tokens_per_run;
  std::optional<std::uint64_t> tokens_per_day;
  std::optional<std::int64_t> cost_per_run;
  std::optional<std::int64_t> cost_per_day;
};

// A request whose fate is unknown: it was sent, and its answer never came whole.
struct LlmDoubt {
  std::int64_t id = 0;
  std::string job;
  std::string model;
  std::string unit;
  WallTime sent;
  std::string why;
  LlmUse use;  // estimated
};

// What one job spent on one day (UTC).
struct LlmSpending {
  std::string job;
  std::string day;  // "2026-03-01"
  std::uint64_t requests = 0;
  std::uint64_t doubts = 0;  // of these, with unknown fate
  LlmUse use;
};

// The budget does not allow another request.
class BudgetSpent : public Error {
 public:
  BudgetSpent(const std::string& text, bool daily) : Error(ErrorKind::Permanent, text), daily_(daily) {}
  bool daily() const noexcept { return daily_; }  // another day helps

 private:
  bool daily_;
};

// `on_ambiguous = "hold"`: somebody must say first what became of an earlier request.
class HeldBack : public Error {
 public:
  explicit HeldBack(const std::string& text) : Error(ErrorKind::Permanent, text) {}
};

class LlmJournal {
 public:
  // What an earlier process left open becomes a doubt.
  explicit LlmJournal(const std::filesystem::path& file);

  std::optional<LlmAnswer> find(const std::string& unit);

  // Returns when the request is on the disk and may be sent.  Throws BudgetSpent, and HeldBack where `hold`
  // and the unit is in doubt.
  std::int64_t begin(const LlmRequest& request, const LlmBudget& budget, bool hold, WallTime now);
  // One of these ends it.
  void answered(std::int64_t id, const LlmAnswer& answer, WallTime now);
  void failed(std::int64_t id, const std::string& why, const LlmUse& use, WallTime now);
  void in_doubt(std::int64_t id, const std::string& why, WallTime now);

  // Not resolved yet; oldest first.  `job` "" for all.
  std::vector<LlmDoubt> doubts(const std::string& job);
  // Somebody looked it up: the unit may be asked again, and what was not paid counts no more.  False: there
  // is no such doubt.
  bool resolve(std::int64_t id, bool paid);
  // Newest day first.
  std::vector<LlmSpending> spending(const std::string& job, std::uint64_t days);

  // Answers that are older are forgotten: they would be paid again.
  void forget_answers(WallTime before);

 private:
  std::string day(WallTime now);
  void check(const LlmRequest& request, const LlmBudget& budget, const std::string& day);
  void end(std::int64_t id, const char* state, const std::string& why, const LlmUse* use, WallTime now);

  sqlite::Handle handle_;
};

}  // namespace syncd::store
