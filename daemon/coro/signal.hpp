// Signal: one coroutine waits for an event that others announce.  An announcement that comes while nobody
// waits is kept: the next wait returns at once.
#pragma once
#include <cassert>
#include <optional>

#include "daemon/coro/clock.hpp"

namespace syncd::coro {

class Signal {
 public:
  explicit Signal(Clock& clock) : clock_(clock) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  // Wakes the waiter at the next turn of the loop, or lets the next wait pass.
  void notify() {
    pending_ = true;
    if (waiter_) waiter_->wake();
  }
  void clear() noexcept { pending_ = false; }

  class Wait {
   public:
    Wait(Signal& signal, std::optional<TimePoint> deadline)
        : signal_(signal), parked_(signal.clock_), deadline_(deadline) {}
    ~Wait() {
      if (signal_.waiter_ == &parked_) signal_.waiter_ = nullptr;
    }
    bool await_ready() const noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> h) {
      if (!parked_.park(h, deadline_)) return false;
      assert(!signal_.waiter_ && "one waiter at a time");
      signal_.waiter_ = &parked_;
      if (signal_.pending_) parked_.wake();
      return true;
    }
    // True: announced.  False: the deadline passed.  Throws Cancelled on a stop.
    bool await_resume() {
      if (signal_.waiter_ == &parked_) signal_.waiter_ = nullptr;
      parked_.resumed();
      return std::exchange(signal_.pending_, false);
    }

   private:
    Signal& signal_;
    Parked parked_;
    std::optional<TimePoint> deadline_;
  };

  Wait wait() { return Wait(*this, std::nullopt); }
  Wait wait_until(TimePoint deadline) { return Wait(*this, deadline); }

 private:
  Clock& clock_;
  Parked* waiter_ = nullptr;
  bool pending_ = false;
};

}  // namespace syncd::coro
