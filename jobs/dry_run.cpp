#include "jobs/dry_run.hpp"

#include <fmt/format.h>

#include "daemon/coro/timeout.hpp"

namespace syncd::jobs {
namespace {

constexpr std::size_t kMostPartitions = 20;  // whose positions are told

}  // namespace

DryRun::DryRun(Clock& clock, const JobPlan& plan, Connections& connections, std::string instance,
               std::filesystem::path state_dir, DryRunLimits limits)
    : clock_(clock),
      plan_(plan),
      limits_(limits),
      context_(clock, connections, *this, *this, plan.job.name, std::move(instance)) {
  context_.state_dir = std::move(state_dir);
  context_.rehearsal = this;
  source_ = plan.source.make(context_);
  for (const auto& transform : plan.transforms) transforms_.push_back(transform.make(context_));
  sink_ = plan.sink.make(context_);
}

Task<DryRunReport> DryRun::run(Positions local) {
  const std::stop_token* outer = co_await coro::this_coro::stop_token();
  coro::StopScope scope(outer);
  Alarm alarm(clock_, from_now(clock_, limits_.time), scope);
  std::exception_ptr failure;
  try {
    co_await flow(std::move(local)).with_stop(scope.token());
  } catch (const coro::Cancelled&) {
    if (!alarm.rang() || (outer != nullptr && outer->stop_requested())) failure = std::current_exception();
  } catch (...) {
    failure = std::current_exception();
  }
  for (auto& transform : transforms_) co_await transform->close();
  if (failure) std::rethrow_exception(failure);
  if (alarm.rang()) {
    report_.notes.push_back(fmt::format("ended after {}, as nothing more had come{}{}",
                                        human_duration(limits_.time), waiting_for_.empty() ? "" : ": ",
                                        waiting_for_));
  }
  co_return std::move(report_);
}

// Where the job stands; a sink that is away is no reason to show nothing.
Task<Positions> DryRun::begin(Positions local) {
  std::optional<Positions> held;
  try {
    held = co_await sink_->recall();
  } catch (const Error& error) {
    report_.notes.push_back(fmt::format(
        "the sink cannot be asked where the job stands, the local copy is used: {}", error.what()));
  }
  if (held) local = std::move(*held);
  for (const auto& [partition, text] : local.all()) {
    if (report_.from.size() == kMostPartitions) {
      report_.from.push_back(fmt::format("and {} more", human_count(local.all().size() - kMostPartitions)));
      break;
    }
    report_.from.push_back(source_->describe(Position(partition, text)));
  }
  co_return local;
}

Task<> DryRun::flow(Positions local) {
  const Positions from = co_await begin(std::move(local));
  for (auto& transform : transforms_) transform->begins_at(from);
  Batches flow = counted(*this, source_->read(from));
  for (auto& transform : transforms_) flow = transform->apply(std::move(flow));
  while (!full()) {
    auto batch = co_await flow.next();
    if (!batch) co_return;
    co_await take(*batch);
  }
  if (bytes_ >= limits_.bytes)
    report_.notes.emplace_back("ended early: more would be too much for one reply");
}

// Row by row is what a person asked for; a batch may hold more.
Task<> DryRun::take(const Batch& batch) {
  const std::uint64_t rows = std::min<std::uint64_t>(batch.rows(), limits_.rows - report_.rows);
  if (rows == 0) co_return;
  const Batch few = batch.slice(0, rows, Position());
  report_.rows += rows;
  std::vector<std::string> writes = co_await sink_->preview(few);
  for (std::string& text : writes) {
    if (bytes_ >= limits_.bytes) co_return;
    bytes_ += text.size();
    report_.writes.push_back(std::move(text));
  }
}

// The source, as long as somebody may want to know; then it ends like one that has caught up.
Batches DryRun::counted(DryRun& self, Batches upstream) {
  while (self.report_.read < self.limits_.read) {
    auto batch = co_await upstream.next();
    if (!batch) co_return;
    self.report_.read += batch->rows();
    co_yield std::move(*batch);
  }
  self.report_.notes.push_back(
      fmt::format("no more than {} rows of the source were read", human_count(self.report_.read)));
}

void DryRun::note(std::string what) {
  if (!what.empty()) report_.notes.push_back(std::move(what));
}

// Whatever on_bad_record says: a dry run has nothing to halt.
void DryRun::take(const BadRecord& bad) {
  bytes_ += bad.record.size() + bad.error.size();
  if (bytes_ < limits_.bytes) report_.bad.push_back(bad);
}

}  // namespace syncd::jobs
