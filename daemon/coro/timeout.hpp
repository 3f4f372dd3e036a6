// with_timeout: a narrower stop scope with an alarm in it.
#pragma once
#include <string>

#include "daemon/base/error.hpp"
#include "daemon/coro/clock.hpp"
#include "daemon/coro/task.hpp"

namespace syncd {

// Stops `target` at the given time, unless it goes out of scope first.
class Alarm final : private Timers::Entry {
 public:
  Alarm(Clock& clock, TimePoint at, coro::StopScope& target)
      : clock_(clock), target_(target), slot_(clock.arm(at, *this)) {}
  ~Alarm() {
    if (!rang_) clock_.disarm(slot_);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  bool rang() const { return rang_; }

 private:
  void due() override {
    rang_ = true;
    target_.request_stop();
  }
  Clock& clock_;
  coro::StopScope& target_;
  bool rang_ = false;
  Timers::Slot slot_;
};

// The task's result.  Throws a Transient error "DOING: no answer within 30 s" if the limit passes first, and
// Cancelled if we ourselves are told to stop.
template <class T>
coro::Task<T> with_timeout(Clock& clock, Duration limit, std::string doing, coro::Task<T> task) {
  const std::stop_token* outer = co_await coro::this_coro::stop_token();
  coro::StopScope scope(outer);
  Alarm alarm(clock, from_now(clock, limit), scope);
  try {
    co_return co_await std::move(task).with_stop(scope.token());
  } catch (const coro::Cancelled&) {
    if (!alarm.rang() || (outer && outer->stop_requested())) throw;
  }
  throw Error(ErrorKind::Transient, doing + ": no answer within " + human_duration(limit));
}

}  // namespace syncd
