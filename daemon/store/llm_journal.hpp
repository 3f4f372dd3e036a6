// The journal of what was asked of models and what it cost: written, and on the disk, before the first byte
// of a request goes out.  An answer that was received is found again and never asked for twice; a request
// whose fate nobody knows is remembered; budgets count what was spent, whatever the clock does.
//
// A file of its own (STATE_DIR/llm.db): a damaged one is refused, not begun anew, for that would be paid
// twice. Synchronous, about a millisecond; loop thread only.
#pragma once
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
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

// Requests that are asked together and answered later.
struct LlmBatch {
  enum class State {
    Planned,   // nothing was sent that has to be paid
    Creating,  // the vendor was asked for it, and has not answered
    Open,      // the vendor has it
  };
  std::int64_t id = 0;
  std::string job;
  std::string connection;
  std::string marker;     // ours: it tells the batch from all others
  std::string vendor_id;  // "" until it is open
  State state = State::Planned;
  WallTime since;
  std::uint64_t requests = 0;
};

// What may be asked now, and for each request that may not, why.
struct LlmPlan {
  std::optional<LlmBatch> batch;            // nullopt: none may
  std::vector<std::exception_ptr> refused;  // BudgetSpent or HeldBack, one a request; null: it is in
  std::vector<bool> later;  // one a request: what lacks room beside others in the batch, not after them
};

// A request of a batch of which nothing is known yet.
struct LlmBatched {
  std::int64_t id = 0;
  std::string unit;
  std::string model;
  LlmUse estimate;
};

// What became of it: an answer, or why not and what that cost.
struct LlmSettled {
  std::int64_t id = 0;
  std::optional<LlmAnswer> answer;
  std::string why;
  LlmUse use;
};

// Rows that were asked about together: so many from `before` on, up to `reached`.
struct LlmCut {
  std::string partition;
  std::string before;
  std::string reached;
  std::uint64_t rows = 0;
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

  // Throws BudgetSpent where begin() would: for who waits for something else before it.
  void require_room(const LlmRequest& request, const LlmBudget& budget, WallTime now);
  // Returns when the request is on the disk and may be sent.  Throws BudgetSpent, and HeldBack where `hold`
  // and the unit is in doubt.
  std::int64_t begin(const LlmRequest& request, const LlmBudget& budget, bool hold, WallTime now);
  // One of these ends it.
  void answered(std::int64_t id, const LlmAnswer& answer, WallTime now);
  void failed(std::int64_t id, const std::string& why, const LlmUse& use, WallTime now);
  void in_doubt(std::int64_t id, const std::string& why, WallTime now);

  // --- batches (llm_batches.cpp)

  // Returns when it is on the disk.
  LlmPlan plan_batch(const std::string& connection, const std::string& marker,
                     const std::vector<LlmRequest>& requests, const LlmBudget& budget, bool hold,
                     WallTime now);
  // On the disk before the vendor is asked for the batch.
  void creating(LlmBatch& batch, WallTime now);
  void opened(LlmBatch& batch, const std::string& vendor_id);
  // Those of a job that have not ended; oldest first.
  std::vector<LlmBatch> open_batches(const std::string& job);
  // One of ours, or one that once was.
  bool knows_batch(const std::string& connection, const std::string& vendor_id);
  // A batch that has not ended holds this unit.
  bool in_batch(const std::string& unit);
  // The request whose unit begins like this; nullopt where the batch has none, or it is settled.
  std::optional<LlmBatched> batched(const LlmBatch& batch, const std::string& unit_prefix);
  void settle(const std::vector<LlmSettled>& settled, WallTime now);
  std::uint64_t unsettled(const LlmBatch& batch);
  // What is not settled was not done and costs nothing, or is in doubt.
  void end_batch(const LlmBatch& batch, bool doubt, const std::string& why, WallTime now);

  // Not resolved yet; oldest first.  `job` "" for all.
  std::vector<LlmDoubt> doubts(const std::string& job);
  // Somebody looked it up: the unit may be asked again, and what was not paid counts no more.  False: there
  // is no such doubt.
  bool resolve(std::int64_t id, bool paid);
  // Newest day first.
  std::vector<LlmSpending> spending(const std::string& job, std::uint64_t days);

  // Returns when they are on the disk.  `shape`: of whatever else decides where windows end.
  void remember_cuts(const std::string& shape, const std::vector<LlmCut>& cuts, WallTime now);
  // The one that began at this position.
  std::optional<LlmCut> cut_at(const std::string& shape, const std::string& partition,
                               const std::string& before);

  // Answers and cuts that are older are forgotten: they would be paid again.
  void forget_answers(WallTime before);

  // What was paid for through this object, by job.
  const std::map<std::string, LlmUse>& used() const noexcept { return used_; }

 private:
  std::string day(WallTime now);
  struct Spent {
    LlmUse run;  // tokens of both ways as input
    LlmUse day;
    std::string today;
  };
  Spent spent(const std::string& job, const std::string& run, const LlmBudget& budget, WallTime now);
  static void check(const LlmUse& wanted, const LlmBudget& budget, const Spent& spent);
  void refuse_held(const std::string& unit);
  std::int64_t insert(const LlmRequest& request, const std::string& day, const char* state,
                      std::optional<std::int64_t> batch, WallTime now);
  void keep(std::int64_t id, const LlmAnswer& answer, WallTime now);
  void end(std::int64_t id, const char* state, const std::string& why, const LlmUse* use, WallTime now);

  sqlite::Handle handle_;
  std::map<std::string, LlmUse> used_;
};

}  // namespace syncd::store
