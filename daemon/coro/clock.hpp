// Time as a dependency.  Everything that waits or stamps takes a Clock&; tests pass a ManualClock.
// One thread: a clock, its timers and every coroutine that waits on them live on the loop's thread.
#pragma once
#include <chrono>
#include <coroutine>
#include <map>
#include <optional>

#include "daemon/base/time.hpp"
#include "daemon/coro/resume.hpp"
#include "daemon/coro/stop.hpp"

namespace syncd {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

// Deadlines in order, first come first served among equals; knows nothing about libuv.
class Timers {
 public:
  class Entry {
   public:
    virtual void due() = 0;

   protected:
    ~Entry() = default;
  };
  using Slot = std::multimap<TimePoint, Entry*>::iterator;

  Slot arm(TimePoint at, Entry& entry) { return queue_.emplace(at, &entry); }
  void disarm(Slot slot) { queue_.erase(slot); }
  std::optional<TimePoint> next() const {
    return queue_.empty() ? std::nullopt : std::optional<TimePoint>(queue_.begin()->first);
  }
  std::size_t size() const noexcept { return queue_.size(); }

  // Fires what is due at `now`, but nothing that is armed meanwhile for a later instant than `now`.
  void fire(TimePoint now) {
    while (!queue_.empty() && queue_.begin()->first <= now) {
      Entry* entry = queue_.begin()->second;
      queue_.erase(queue_.begin());
      entry->due();
    }
  }

 private:
  std::multimap<TimePoint, Entry*> queue_;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;      // steady: never goes back
  virtual WallTime wall_now() const = 0;  // what a calendar says; may jump
  virtual Timers::Slot arm(TimePoint at, Timers::Entry& entry) = 0;
  virtual void disarm(Timers::Slot slot) = 0;
};

// `d` from now; the end of time where that lies beyond it.
inline TimePoint from_now(const Clock& clock, Duration d) {
  const TimePoint now = clock.now();
  return d > TimePoint::max() - now ? TimePoint::max() : now + d;
}

// One suspended coroutine that is resumed exactly once, always from the clock's timers and never in
// place: whoever wakes it (a stop callback, a destructor, another coroutine) does not find its code
// running underneath.  The base of everything that waits for an event.
class Parked : private Timers::Entry {
 public:
  explicit Parked(Clock& clock) : clock_(clock) {}
  Parked(const Parked&) = delete;
  Parked& operator=(const Parked&) = delete;
  ~Parked() {
    if (slot_) clock_.disarm(*slot_);
  }

  // Suspends `waiter` until wake(), `deadline` (if any) or a stop.  False: a stop was already requested;
  // do not suspend.
  template <class P>
  bool park(std::coroutine_handle<P> waiter, std::optional<TimePoint> deadline = std::nullopt) {
    const std::stop_token* stop = coro::stop_of(waiter);
    if (stop && stop->stop_requested()) {
      cancelled_ = true;
      return false;
    }
    waiter_ = waiter;
    if (deadline) slot_ = clock_.arm(*deadline, *this);
    if (stop && stop->stop_possible()) on_stop_.emplace(*stop, OnStop{this});
    return true;
  }

  // Resumes the waiter at the next turn of the loop; harmless when nobody waits or it is already woken.
  void wake() {
    if (!waiter_ || woken_) return;
    woken_ = true;
    if (slot_) clock_.disarm(*slot_);
    slot_ = clock_.arm(clock_.now(), *this);
  }

  // Resumes the waiter in place; only from a callback of the loop, which has nothing below it.
  void resume_now() {
    if (!waiter_ || woken_) return;
    if (slot_) clock_.disarm(*std::exchange(slot_, std::nullopt));
    coro::resume(std::exchange(waiter_, nullptr));
  }

  // To be called first in await_resume: throws Cancelled if the wait ended by a stop.
  void resumed() {
    on_stop_.reset();
    if (cancelled_) throw coro::Cancelled();
  }

  bool waiting() const noexcept { return waiter_ != nullptr && !woken_; }
  bool woken() const noexcept { return woken_; }  // by wake(), not by the deadline

 private:
  struct OnStop {
    Parked* self;
    void operator()() const { self->stopped(); }
  };
  void stopped() {
    if (woken_) return;
    cancelled_ = true;
    wake();
  }
  void due() override {
    slot_.reset();
    coro::resume(std::exchange(waiter_, nullptr));
  }

  Clock& clock_;
  std::coroutine_handle<> waiter_;
  std::optional<Timers::Slot> slot_;
  std::optional<std::stop_callback<OnStop>> on_stop_;
  bool cancelled_ = false;
  bool woken_ = false;
};

// co_await sleep_until(clock, t): resumes at t, or throws Cancelled as soon as we are told to stop.
class SleepUntil {
 public:
  SleepUntil(Clock& clock, TimePoint at) : parked_(clock), at_(at) {}
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> h) {
    return parked_.park(h, at_);
  }
  void await_resume() { parked_.resumed(); }

 private:
  Parked parked_;
  TimePoint at_;
};

inline SleepUntil sleep_until(Clock& clock, TimePoint at) { return SleepUntil(clock, at); }
inline SleepUntil sleep_for(Clock& clock, Duration d) { return SleepUntil(clock, from_now(clock, d)); }

// Lets everybody else on the loop run first.  Throws Cancelled when told to stop.
inline SleepUntil yield_to_loop(Clock& clock) { return SleepUntil(clock, clock.now()); }

}  // namespace syncd
