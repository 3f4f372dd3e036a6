#include "daemon/app_job.hpp"

namespace syncd {

ManagedJob::ManagedJob(Clock& clock, store::Database& database,
                       std::function<void(const std::string&)> changed, std::string name,
                       const Configuration& configuration)
    : clock_(clock), database_(database), changed_(std::move(changed)), name_(std::move(name)) {
  configure(configuration);
}

void ManagedJob::configure(const Configuration& configuration) {
  next_ = std::make_shared<Configured>();
  next_->plan = configuration.jobs().at(name_);
  next_->connections = configuration.connections();
  next_->changed = changed_;
  if (!current_ || !running()) adopt();
}

// Made only now: a runner begins with the positions that the one before has left.
void ManagedJob::adopt() {
  if (!next_) return;
  const auto tell = [made = next_.get()] { made->changed(made->plan->job.name); };
  next_->runner.emplace(clock_, *next_->plan, *next_->connections, database_, tell);
  current_ = std::move(next_);
}

std::shared_ptr<jobs::Runner> ManagedJob::runner() const {
  return std::shared_ptr<jobs::Runner>(current_, &*current_->runner);
}

coro::Task<schedule::RunRecord> ManagedJob::run(schedule::RunRecord run) {
  const std::shared_ptr<jobs::Runner> runner = this->runner();
  std::unique_ptr<jobs::Range> range;
  if (run.cause == schedule::Cause::Range) range = std::move(range_);
  if (range) runner->run_next_over(*range);
  auto ended = co_await runner->run(std::move(run));
  if (range) {  // it has moved nothing; its bounds are what it was about
    ended.before[""] = range->from.value_or("");
    ended.after[""] = range->to.value_or("");
  }
  if (!counters_) counters_ = std::make_unique<status::JobCounters>();
  counters_->ended(ended.outcome, ended.ended.value_or(ended.started) - ended.started, ended.rows,
                   ended.bytes, ended.attempts, clock_.wall_now());
  adopt();
  tell_waiters(ended);
  co_return ended;
}

void ManagedJob::left_out(const std::string& why) {
  range_.reset();
  schedule::RunRecord end;
  end.job = name_;
  end.outcome = "skipped";
  end.error = why;
  end.started = clock_.wall_now();
  tell_waiters(end);
}

coro::Task<schedule::RunRecord> ManagedJob::wait_for_end() {
  std::erase_if(waiters_, [](const auto& waiter) { return waiter.expired(); });
  const auto waiter = std::make_shared<Waiter>(clock_);
  waiters_.push_back(waiter);
  co_await waiter->told.wait();
  co_return std::move(waiter->end);
}

void ManagedJob::tell_waiters(const schedule::RunRecord& end) {
  for (const auto& known : std::exchange(waiters_, {})) {
    const auto waiter = known.lock();
    if (!waiter) continue;
    waiter->end = end;
    waiter->told.notify();
  }
}

}  // namespace syncd
