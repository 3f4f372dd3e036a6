#include "daemon/status/status_board.hpp"

namespace syncd::status {

void StatusBoard::publish(JobStatus status) {
  const auto [found, added] = jobs_.try_emplace(status.name);
  Entry& entry = found->second;
  if (!added && entry.status == status) return;
  entry.status = std::move(status);
  touch(entry);
}

void StatusBoard::remove(const std::string& job) {
  if (jobs_.erase(job) == 0) return;
  ++version_;
  announce();
}

const JobStatus* StatusBoard::find(const std::string& job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? nullptr : &found->second.status;
}

std::vector<std::string> StatusBoard::names() const {
  std::vector<std::string> names;
  names.reserve(jobs_.size());
  for (const auto& [name, entry] : jobs_) names.push_back(name);
  return names;
}

std::uint64_t StatusBoard::version_of(const std::string& job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? 0 : found->second.version;
}

void StatusBoard::touch(Entry& entry) {
  entry.version = ++version_;
  announce();
}

void StatusBoard::announce() {
  for (Subscription* subscription : subscriptions_) subscription->signal_.notify();
}

StatusBoard::Subscription::Subscription(StatusBoard& board) : board_(board), signal_(board.clock_) {
  board_.subscriptions_.push_back(this);
}

StatusBoard::Subscription::~Subscription() { board_.subscriptions_.remove(this); }

}  // namespace syncd::status
