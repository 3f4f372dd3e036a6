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
  auto ended = co_await runner->run(std::move(run));
  adopt();
  co_return ended;
}

}  // namespace syncd
