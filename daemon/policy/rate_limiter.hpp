// A rate as a token bucket that may go into debt: a batch passes whole, and the next one waits until the
// debt is paid.  Pure: time comes from outside.
#pragma once
#include "daemon/coro/clock.hpp"

namespace syncd::policy {

class RateLimiter {
 public:
  // `per_second` > 0; at most one second's worth is saved up while idle.
  explicit RateLimiter(double per_second) : per_second_(per_second) {}

  // Takes `amount` at `now`; returns when the next taker may come.
  TimePoint take(TimePoint now, double amount) {
    const TimePoint earliest = now - std::chrono::seconds(1);
    if (!free_at_ || *free_at_ < earliest) free_at_ = earliest;
    *free_at_ += Duration(static_cast<std::int64_t>(amount / per_second_ * 1e9));
    return *free_at_;
  }

 private:
  double per_second_;
  std::optional<TimePoint> free_at_;
};

}  // namespace syncd::policy
