// BatchDesk: asks questions together, for less money and later.  One batch of a job is open at a time; it is
// in the journal at every step, so that a restart goes on where this one ended, and pays nothing again.
#pragma once
#include <list>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "config/duration.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/coro/signal.hpp"
#include "jobs/component.hpp"
#include "jobs/llm/batches.hpp"
#include "jobs/transforms/summarize_judge.hpp"

namespace syncd::jobs {

enum class Mode { kStream, kBatch, kAuto };
constexpr auto enum_names(Mode) {
  return std::array{config::EnumName("stream", Mode::kStream), config::EnumName("batch", Mode::kBatch),
                    config::EnumName("auto", Mode::kAuto)};
}

struct BatchOptions {
  Mode mode = Mode::kStream;
  bool patient = true;  // the schedule lets the job wait
  std::uint32_t requests = 10'000;
  std::uint64_t bytes = 64 * 1024 * 1024;
  std::uint32_t auto_from = 50;  // fewer are not worth the waiting
  config::DurationRange poll{std::chrono::seconds(5), std::chrono::minutes(2)};
};

// What concerns a batch as a whole; the rest is as for single requests.
struct BatchPolicy {
  store::LlmBudget budget;
  bool hold = false;
  std::uint32_t attempts = 4;
  std::chrono::nanoseconds longest_wait = std::chrono::minutes(5);
};

class BatchDesk {
 public:
  // Precondition: the provider has batches.
  BatchDesk(Clock& clock, llm::Provider& provider, std::shared_ptr<store::LlmJournal> journal,
            Monitor& monitor, const Judge& judge, BatchOptions options, BatchPolicy policy, std::string job,
            std::string run);

  // Somebody who may ask: a batch goes out when all of them wait in answer().
  class Asker {
   public:
    explicit Asker(BatchDesk* desk) : desk_(desk) {
      if (desk_ != nullptr) ++desk_->askers_;
    }
    ~Asker() {
      if (desk_ == nullptr) return;
      --desk_->askers_;
      desk_->changed_.notify();
    }
    Asker(const Asker&) = delete;
    Asker& operator=(const Asker&) = delete;

   private:
    BatchDesk* desk_;
  };
  // More of them are expected soon.
  void more_to_come(bool more);

  // Nullopt: this question is to be asked by itself.  Precondition: the awaiter is an Asker, and keeps `ask`.
  Task<std::optional<Verdict>> answer(const llm::Ask& ask, std::string unit);

  // Whoever waits is told Cancelled; an open batch stays open.  A call to the vendor is finished first,
  // unless stop() ends it.
  void leave();
  void stop() noexcept { working_.request_stop(); }
  Task<> close();

 private:
  struct Entry;
  struct Waiting {
    std::list<Entry*> in_order;
    std::multimap<std::string_view, Entry*> by_unit;
  };
  struct Search;
  Task<> work();
  Task<> work_until_stopped();
  Task<> resume(store::LlmBatch batch);
  Task<> until_all_wait();
  bool worth_a_batch() const;
  void let_go_alone();
  Task<> ask_together();
  std::vector<Entry*> chosen(std::vector<std::string>& entries, const std::string& marker) const;
  std::optional<store::LlmBatch> planned(const std::string& marker, std::vector<std::string>& entries);
  Task<bool> sent(store::LlmBatch& batch, const std::vector<std::string>& entries);
  Task<bool> created(store::LlmBatch& batch, const std::vector<std::string>& entries, std::string file);
  Task<bool> found(store::LlmBatch& batch);
  Task<bool> among_listed(store::LlmBatch& batch, Search& search);
  Task<bool> is_ours(const store::LlmBatch& batch, llm::BatchView view);
  Task<> settle(store::LlmBatch batch);
  Task<std::optional<llm::BatchView>> ended(const store::LlmBatch& batch);
  Task<> fetch(const store::LlmBatch& batch, llm::BatchView view);
  Task<> take_results(const store::LlmBatch& batch, llm::BatchView view, std::size_t& too_long);
  struct Taken;
  void take(const store::LlmBatch& batch, llm::BatchResult result, Taken& taken);
  void write_down(Taken& taken);
  void resolve(const std::string& unit, const Verdict& verdict);
  void remove_and_wake(Entry& entry);
  Task<> bear(const llm::Failure& failure);
  Task<> rest(Duration time);

  Clock& clock_;
  llm::Provider& provider_;
  llm::Batches vendor_;
  std::shared_ptr<store::LlmJournal> journal_;
  Monitor& monitor_;
  const Judge& judge_;
  const BatchOptions options_;
  const BatchPolicy policy_;
  const std::string job_;
  const std::string run_;
  std::minstd_rand random_{std::random_device{}()};
  Waiting waiting_;
  std::size_t askers_ = 0;
  bool more_to_come_ = true;
  bool leaving_ = false;
  bool over_ = false;
  std::exception_ptr error_;  // why it is over
  unsigned failures_ = 0;     // in a row
  coro::Signal changed_;
  coro::AsyncScope working_;
};

}  // namespace syncd::jobs
