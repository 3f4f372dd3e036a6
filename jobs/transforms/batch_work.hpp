// BatchWork: what a transform does to the batches that pass, where it may take long: a large batch is worked
// on by a thread beside the loop, so that no timer and no request waits for it.  Order is kept: one batch at
// a time.
#pragma once
#include <memory>
#include <vector>

#include "jobs/component.hpp"

namespace syncd::jobs {

class BatchWork {
 public:
  // `at_once`: a batch with no more text than this is worked on where it is; the way to a thread and back
  // costs about as much as some thousand bytes.
  explicit BatchWork(std::size_t at_once = 16 * 1024) : at_once_(at_once) {}
  virtual ~BatchWork() = default;

  // Rows that it cannot work on go to `bad` and leave the batch.  False: there is nothing to pass on yet.
  // On the loop or on a thread, never on both at a time: it may touch nothing but the batch and itself.
  virtual bool work(Batch& batch, std::vector<BadRecord>& bad) = 0;
  // The source has ended; on the loop.
  virtual void ended(Monitor&) {}

  std::size_t at_once() const noexcept { return at_once_; }

 private:
  std::size_t at_once_;
};

// `run` outlives the result.
Batches work_through(RunContext& run, std::unique_ptr<BatchWork> work, Batches upstream);

// The transform that does this; `make` is called for each flow.
class WorkTransform final : public Transform {
 public:
  using Make = std::function<std::unique_ptr<BatchWork>()>;
  WorkTransform(RunContext& run, Make make) : run_(run), make_(std::move(make)) {}
  Batches apply(Batches upstream) override { return work_through(run_, make_(), std::move(upstream)); }

 private:
  RunContext& run_;
  Make make_;
};

}  // namespace syncd::jobs
