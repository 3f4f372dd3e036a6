#include "daemon/status/changes.hpp"

namespace syncd::status {

void Changes::touch(const std::string& job) {
  versions_[job] = ++version_;
  for (Subscription* subscription : subscriptions_) subscription->signal_.notify();
}

std::uint64_t Changes::version_of(const std::string& job) const {
  const auto found = versions_.find(job);
  return found == versions_.end() ? 0 : found->second;
}

Changes::Subscription::Subscription(Changes& changes) : changes_(changes), signal_(changes.clock_) {
  changes_.subscriptions_.push_back(this);
}

Changes::Subscription::~Subscription() { changes_.subscriptions_.remove(this); }

}  // namespace syncd::status
