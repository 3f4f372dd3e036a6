// Runner: the life of one job: attempts with back-off, bookkeeping, and the counters that status shows.
// Retry = resume = restart: each attempt is a new pipeline that begins at the checkpoint.
#pragma once
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "daemon/policy/backoff.hpp"
#include "daemon/schedule/runnable.hpp"
#include "daemon/store/database.hpp"
#include "jobs/breakers.hpp"
#include "jobs/narrator.hpp"
#include "jobs/pipeline.hpp"
#include "jobs/plan.hpp"

namespace syncd::jobs {

// What the runner knows about its job right now; times are wall clock.
struct RunnerView {
  enum class State { Idle, Running, Waiting };
  State state = State::Idle;
  std::string waiting_for;                      // while nothing moves: why; "" otherwise
  std::string note;                             // worth knowing although nothing waits for it
  bool caught_up = false;                       // the last batch said that the source has nothing more
  std::optional<std::chrono::nanoseconds> lag;  // grows while nothing comes and it has not caught up
  std::optional<std::uint64_t> lag_rows;
  std::uint32_t attempts = 0;  // of the run under way
  std::uint64_t rows = 0;      // of the run under way
  std::uint64_t bytes = 0;
  std::uint64_t batches = 0;
  double rows_per_second = 0;  // over the last seconds; lower by the second when nothing comes
  std::optional<WallTime> started;
  std::optional<WallTime> last_commit;  // also of a run before this one
  std::string last_error;               // of the latest failed attempt; cleared by the next batch
  std::optional<WallTime> last_error_at;
  std::map<std::string, std::string> positions;  // partition -> text, as last committed
  bool fenced = false;                           // the latest run ended because another daemon owns the sink
};

class Runner final : public schedule::Runnable, private Progress, private Monitor, private BadRecords {
 public:
  // Everything outlives the runner.  `changed` is called on each change of the view.  `until_caught_up`:
  // end there even where the schedule says continuous.
  Runner(Clock& clock, const JobPlan& plan, Connections& connections, store::Database& database,
         std::function<void()> changed, bool until_caught_up = false);

  coro::Task<schedule::RunRecord> run(schedule::RunRecord run) override;
  void stop(std::string reason) override { stop(false, std::move(reason)); }
  // The breakers of its connections.
  std::optional<schedule::Gate> gate() override { return breakers_.gate(clock_); }

  bool running() const noexcept { return run_ != nullptr; }
  // Ends the run under way: the commit in progress is finished first; `hard` does not wait for it.
  // `reason` becomes the run's outcome text.
  void stop(bool hard, std::string reason);

  // The next run is over this part of the source only, and moves no position.
  void run_next_over(Range range) { range_ = std::make_unique<Range>(std::move(range)); }

  RunnerView view() const;
  const JobPlan& plan() const noexcept { return plan_; }

  // A context for components that are made outside a run (check, explain, checkpoint).
  RunContext context();

  // Replaces the positions, in the sink and here.  Precondition: no run is under way, nor begins meanwhile.
  Task<> assign(Positions positions);

 private:
  struct Run {
    explicit Run(const std::stop_token* parent) : hard(parent), soft(&hard.token()) {}
    coro::StopScope hard;
    coro::StopScope soft;
    std::string stop_reason;
    std::int64_t id = 0;  // of its row in the history
  };
  // How an attempt ended.
  struct Verdict {
    enum class End { Done, Cancelled, Failed } end = End::Done;
    bool retry = false;
    bool fenced = false;
    std::optional<std::chrono::nanoseconds> retry_after;
    std::string error;
    std::string connection;  // that failed, where it is none of the source's or the sink's
  };

  void begin(const store::RunRecord& record);
  Task<Verdict> attempts();
  Task<> attempt();
  Task<Verdict> judged_attempt();
  Task<bool> pass_breakers();
  Task<bool> rest(Duration time);
  Task<bool> wait_before_retry(const Verdict& verdict, unsigned failures);
  void fail(Verdict& verdict, std::string error);
  void conclude(const Verdict& verdict, store::RunRecord& record);
  void finish(store::RunRecord& record);
  void record_moves(store::RunRecord& record) const;
  void save_unsaved();
  void save_all();

  // Progress
  void opened(const Positions& from, bool held_by_sink) override;
  void save(const Position& position, bool held_by_sink) override;
  void advanced(const Batch& batch) override;
  void local_copy_saved();
  void local_copy_failed(const Error& error);
  // Monitor
  void waiting_for(std::string why) override;
  void note(std::string what) override;
  void lag(std::optional<std::chrono::nanoseconds> time, std::optional<std::uint64_t> rows) override;
  void warn(std::string text) override;
  // BadRecords
  void take(const BadRecord& bad) override;

  Clock& clock_;
  const JobPlan& plan_;
  Connections& connections_;
  Breakers breakers_;
  Narrator narrator_;
  store::Database& database_;
  std::function<void()> changed_;
  const bool continuous_;
  std::unique_ptr<Range> range_;  // of the run under way, or the next one
  bool failed_in_sink_ = false;   // the latest attempt
  RunnerView view_;
  std::optional<std::map<std::string, std::string>> before_;  // the positions at which the run began
  std::unique_ptr<Run> run_;
  std::minstd_rand random_{std::random_device{}()};
  std::set<std::string> unsaved_;  // partitions whose local copy is behind
  TimePoint saved_at_{};
  TimePoint lag_at_{};
  std::string local_trouble_;  // why it cannot be written; "" while it can
  TimePoint rate_since_{};
  std::uint64_t rate_rows_ = 0;
};

}  // namespace syncd::jobs
