#include "daemon/loop/clock_watch.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <ctime>
#include <limits>

#include "daemon/base/log.hpp"

namespace syncd::loop {

ClockWatch::ClockWatch(EventLoop& loop, std::function<void()> stepped)
    : stepped_(std::move(stepped)), timer_(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (timer_ < 0) {
    log::debug("", "a clock that is set will be noticed late: {}", std::strerror(errno));
    return;
  }
  readiness_ = std::make_unique<Readiness>(loop, timer_, [this](bool, bool) { heard(); });
  arm();
  readiness_->watch(true, false);
}

ClockWatch::~ClockWatch() {
  readiness_.reset();
  if (timer_ >= 0) ::close(timer_);
}

// For the end of time: it never rings, but the kernel cancels it when the clock is set or the machine wakes.
void ClockWatch::arm() const {
  itimerspec never{};
  never.it_value.tv_sec = std::numeric_limits<std::time_t>::max();
  ::timerfd_settime(timer_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr);
}

// read(2) says ECANCELED then, and the timer goes on.
void ClockWatch::heard() {
  std::uint64_t rung = 0;
  const bool cancelled = ::read(timer_, &rung, sizeof rung) < 0 && errno == ECANCELED;
  if (cancelled) stepped_();
}

}  // namespace syncd::loop
