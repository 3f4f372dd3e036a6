// Readiness: watches a descriptor that a library owns (inotify, timerfd) and says when it can be read or
// written.  Loop thread only.
#pragma once
#include <functional>

#include "daemon/loop/event_loop.hpp"

namespace syncd::loop {

class Readiness {
 public:
  // `ready(readable, writable)` is called on the loop; both are true when the descriptor is broken.
  Readiness(EventLoop& loop, int fd, std::function<void(bool readable, bool writable)> ready);
  // Must go before the descriptor is closed; may go while `ready` runs.
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // What to wait for from now on; nothing when both are false.
  void watch(bool readable, bool writable);

 private:
  struct Handle;
  Handle* handle_;  // owns itself until libuv's close callback
};

}  // namespace syncd::loop
