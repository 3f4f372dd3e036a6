// Exponential back-off with full jitter: the wait before try n is drawn from (0, min(max, first * 2^n)],
// so that clients that failed together do not come back together.  Pure: the chance comes from outside.
// Source: M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), variant "full".
#pragma once
#include <algorithm>
#include <chrono>

namespace syncd::policy {

class Backoff {
 public:
  // 0 < first <= max.
  Backoff(std::chrono::nanoseconds first, std::chrono::nanoseconds max) : first_(first), max_(max) {}

  // The wait after `failures` failures in a row (at least 1); `chance` is in [0, 1).
  std::chrono::nanoseconds wait(unsigned failures, double chance) const {
    auto ceiling = first_;
    for (unsigned i = 1; i < failures && ceiling < max_; ++i) ceiling *= 2;
    ceiling = std::min(ceiling, max_);
    const auto wait = std::chrono::nanoseconds(
        static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * (1.0 - chance)));
    return std::max(wait, std::chrono::nanoseconds(1));
  }

 private:
  std::chrono::nanoseconds first_;
  std::chrono::nanoseconds max_;
};

}  // namespace syncd::policy
