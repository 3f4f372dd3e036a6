// DryRun: what a job would do from here on, with its real source and transforms.  Its sink only says what it
// would write: nothing is written, no position moves, no lease is taken, no model is asked.
#pragma once
#include <string>
#include <vector>

#include "jobs/component.hpp"
#include "jobs/plan.hpp"

namespace syncd::jobs {

struct DryRunLimits {
  std::uint64_t rows = 20;            // that reach the sink
  std::uint64_t read = 100'000;       // that the source brings
  std::uint64_t bytes = 1024 * 1024;  // of what is told
  Duration time = std::chrono::seconds(15);
};

// What was found.
struct DryRunReport {
  std::vector<std::string> from;    // where it would go on, in words; none: at the beginning
  std::uint64_t read = 0;           // rows of the source
  std::uint64_t rows = 0;           // of them, or of what became of them: before the sink
  std::vector<std::string> writes;  // commands, statements or lines
  std::vector<BadRecord> bad;
  std::vector<Question> questions;
  std::vector<std::string> notes;  // why it ended early, and what was odd
};

class DryRun final : private Monitor, private BadRecords, private Rehearsal {
 public:
  // Everything outlives it.  `state_dir`: where the journal of models is; "" where there is none.
  DryRun(Clock& clock, const JobPlan& plan, Connections& connections, std::string instance,
         std::filesystem::path state_dir, DryRunLimits limits);

  // Once.  `local`: the positions that count where the sink holds none.  Throws what the source, a transform
  // or the sink throws.
  Task<DryRunReport> run(Positions local);

 private:
  Task<Positions> begin(Positions local);
  Task<> flow(Positions local);
  Task<> take(const Batch& batch);
  static Batches counted(DryRun& self, Batches upstream);
  bool full() const noexcept { return report_.rows >= limits_.rows || bytes_ >= limits_.bytes; }

  void waiting_for(std::string why) override { waiting_for_ = std::move(why); }
  void note(std::string what) override;
  void lag(std::optional<std::chrono::nanoseconds>, std::optional<std::uint64_t>) override {}
  void warn(std::string text) override { report_.notes.push_back(std::move(text)); }
  void take(const BadRecord& bad) override;
  void asked(Question question) override { report_.questions.push_back(std::move(question)); }

  Clock& clock_;
  const JobPlan& plan_;
  const DryRunLimits limits_;
  RunContext context_;
  std::unique_ptr<Source> source_;
  std::vector<std::unique_ptr<Transform>> transforms_;
  std::unique_ptr<Sink> sink_;
  DryRunReport report_;
  std::uint64_t bytes_ = 0;
  std::string waiting_for_;
};

}  // namespace syncd::jobs
