#include "daemon/app_job.hpp"

namespace syncd {

ManagedJob::ManagedJob(Clock& clock, store::Database& database, std::function<void()> changed,
                       std::string name, const Configuration& configuration)
    : clock_(clock), database_(database), changed_(std::move(changed)), name_(std::move(name)) {
  configure(configuration);
}

void ManagedJob::configure(const Configuration& configuration) {
  next_ = std::make_shared<Configured>();
  next_->plan = configuration.jobs().at(name_);
  next_->connections = configuration.connections();
  if (!current_ || !running()) adopt();
}

// Made only now: a runner begins with the positions that the one before has left.
void ManagedJob::adopt() {
  if (!next_) return;
  next_->runner.emplace(clock_, *next_->plan, *next_->connections, database_, changed_);
  current_ = std::move(next_);
}

std::shared_ptr<jobs::Runner> ManagedJob::runner() const {
  return std::shared_ptr<jobs::Runner>(current_, &*current_->runner);
}

coro::Task<schedule::RunRecord> ManagedJob::run(schedule::RunRecord run) {
  const std::shared_ptr<jobs::Runner> runner = this->runner();
  std::optional<jobs::Range> range;
  if (run.cause == schedule::Cause::Range) range = std::exchange(range_, std::nullopt);
  if (range) runner->run_next_over(*range);
  auto ended = co_await runner->run(std::move(run));
  if (range) {  // it has moved nothing; its bounds are what it was about
    ended.before[""] = range->from.value_or("");
    ended.after[""] = range->to.value_or("");
  }
  counters_.ended(ended.outcome, ended.ended.value_or(ended.started) - ended.started, ended.rows, ended.bytes,
                  ended.attempts, clock_.wall_now());
  adopt();
  co_return ended;
}

}  // namespace syncd
