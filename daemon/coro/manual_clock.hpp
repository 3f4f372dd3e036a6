// ManualClock: virtual time for tests.  Time stands still until it is advanced; timers fire in order.
#pragma once
#include "daemon/coro/clock.hpp"

namespace syncd {

class ManualClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  WallTime wall_now() const override { return wall_; }
  Timers::Slot arm(TimePoint at, Timers::Entry& entry) override { return timers_.arm(at, entry); }
  void disarm(Timers::Slot slot) override { timers_.disarm(slot); }

  // Runs everything that is due now, without moving time.
  void settle() { timers_.fire(now_); }

  // Moves both clocks forward, stopping at each timer on the way.
  void advance(Duration by) {
    const TimePoint target = now_ + by;
    settle();
    while (timers_.next() && *timers_.next() <= target) {
      step_to(std::max(now_, *timers_.next()));
      settle();
    }
    step_to(target);
  }
  // Moves to the next timer.  False: nobody waits for time.
  bool advance_to_next() {
    if (!timers_.next()) return false;
    step_to(std::max(now_, *timers_.next()));
    settle();
    return true;
  }
  // The wall clock alone is set, as an administrator or NTP would.
  void set_wall(WallTime wall) { wall_ = wall; }
  std::size_t waiting() const noexcept { return timers_.size(); }

 private:
  void step_to(TimePoint at) {
    wall_ += std::chrono::duration_cast<WallTime::duration>(at - now_);
    now_ = at;
  }
  Timers timers_;
  TimePoint now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
};

}  // namespace syncd
