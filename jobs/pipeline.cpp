#include "jobs/pipeline.hpp"

#include "daemon/base/crash_point.hpp"
#include "daemon/coro/buffer.hpp"
#include "jobs/keep_alive.hpp"

namespace syncd::jobs {
namespace {

// One batch is fetched and transformed while the one before it is committed; more would only cost memory.
constexpr std::size_t kReadAhead = 1;

Task<std::optional<Batch>> pull(Batches& flow) {
  auto batch = co_await flow.next();
  co_return batch;
}

}  // namespace

Pipeline::Pipeline(const JobPlan& plan, RunContext& context)
    : clock_(context.clock),
      source_(plan.source.make(context)),
      sink_(plan.sink.make(context)),
      range_(context.range) {
  for (const auto& transform : plan.transforms) transforms_.push_back(transform.make(context));
}

Task<> Pipeline::flow(Positions from, Progress& progress, coro::AsyncScope& read_ahead, KeepAlive& alive) {
  for (auto& transform : transforms_) {
    if (!range_) transform->begins_at(from);
  }
  Batches flow = range_ ? source_->read_range(from, *range_) : source_->read(from);
  for (auto& transform : transforms_) flow = transform->apply(std::move(flow));
  const auto ready = std::make_shared<coro::Channel<Batch>>(clock_, kReadAhead);
  flow = coro::buffer(read_ahead, std::move(flow), ready);
  sink_->look_ahead([ready] { return ready->peek(); });
  // A sink that holds positions keeps those without rows for its next commit: the copy must not be ahead.
  std::vector<Position> reached;
  const auto save = [&] {
    for (const Position& position : std::exchange(reached, {})) progress.save(position, held_by_sink_);
  };
  while (true) {
    in_sink_ = false;
    auto batch = co_await alive.wait(pull(flow));
    if (!batch) break;
    in_sink_ = true;
    const Position previous = from.at(batch->partition());
    co_await sink_->commit(*batch, previous);
    crash_point("before_position_save");
    reached.push_back(batch->position());
    if (!held_by_sink_ || !batch->empty()) save();
    from.advance(batch->position());
    co_await source_->committed(batch->position());
    progress.advanced(*batch);
    if (batch->caught_up()) {
      co_await sink_->settle(Settle::CaughtUp);
      save();
    }
  }
}

Task<> Pipeline::run(Positions local, Progress& progress, const std::stop_token& soft) {
  const std::stop_token* hard = co_await coro::this_coro::stop_token();
  coro::AsyncScope read_ahead(&soft);
  in_sink_ = true;
  auto held = co_await sink_->open().with_stop(soft);
  held_by_sink_ = held.has_value();
  Positions from = held ? std::move(*held) : std::move(local);
  progress.opened(from, held_by_sink_);
  KeepAlive alive(clock_, *sink_, soft, hard);
  std::exception_ptr failure;
  bool cancelled = false;
  try {
    co_await flow(std::move(from), progress, read_ahead, alive);
  } catch (const coro::Cancelled&) {
    cancelled = true;
    failure = std::current_exception();
  } catch (...) {
    failure = std::current_exception();
  }
  in_sink_ = in_sink_ || alive.lost();
  read_ahead.request_stop();
  co_await alive.end();
  co_await read_ahead.join();
  for (auto& transform : transforms_) co_await transform->close();
  const bool hard_stop = hard != nullptr && hard->stop_requested();
  // After a failure nothing is known about the sink: the next attempt asks it.
  if (!failure || (cancelled && !hard_stop)) {
    in_sink_ = true;
    co_await sink_->settle(Settle::End);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace syncd::jobs
