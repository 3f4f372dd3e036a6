// Pipeline: source -> transforms -> sink for one attempt of one run.  The sink pulls; an error is an
// exception where the consumer stands; leaving early cleans everything up.
#pragma once
#include <memory>
#include <vector>

#include "daemon/coro/scope.hpp"
#include "jobs/component.hpp"
#include "jobs/plan.hpp"

namespace syncd::jobs {

// Where a run keeps its positions beside the sink's own, and reports what it has done.
class Progress {
 public:
  virtual ~Progress() = default;
  // The sink was taken over; the run goes on from here.
  virtual void opened(const Positions& from, bool held_by_sink) = 0;
  // The local copy of the position; authoritative only where the sink holds none.
  virtual void save(const Position& position, bool held_by_sink) = 0;
  virtual void advanced(const Batch& batch) = 0;
};

class KeepAlive;

class Pipeline {
 public:
  Pipeline(const JobPlan& plan, RunContext& context);

  // Until the source ends.  `local` counts only where the sink holds no positions.  A request on `soft`
  // stops pulling: the commit under way is finished, the sink settled, then Cancelled is thrown.  The
  // awaiter's own stop token ends it at once, in the middle of a commit if need be.
  Task<> run(Positions local, Progress& progress, const std::stop_token& soft);

  // Whose failure it was when run() threw an Error: the sink's, else the source's.
  bool failed_in_sink() const noexcept { return in_sink_; }

 private:
  Task<> flow(Positions from, Progress& progress, coro::AsyncScope& scope, KeepAlive& alive);

  Clock& clock_;
  std::unique_ptr<Source> source_;
  std::vector<std::unique_ptr<Transform>> transforms_;
  std::unique_ptr<Sink> sink_;
  const std::optional<Range> range_;
  bool held_by_sink_ = false;
  bool in_sink_ = false;  // it is the sink that is awaited
};

}  // namespace syncd::jobs
