// EventLoop: the one thread of the daemon, on libuv.  It is also the Clock of everything that runs on it.
// post() is the only member that other threads may call.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/coro/clock.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/coro/task.hpp"

struct uv_loop_s;

namespace syncd::loop {

class EventLoop final : public Clock {
 public:
  // Ignores SIGPIPE and SIGXFSZ in the whole process: a write to a peer that has gone, or beyond a limit, is
  // an error like any other.
  EventLoop();
  // Every stream, listener and worker must have gone by then (asserted).  Waits for a name that is still
  // being resolved.
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs `main` and the loop until it is done; throws what it throws.  Not reentrant.
  void run(coro::Task<> main);

  // Runs `fn` on the loop's thread, at its next turn.  Thread-safe; `fn` must not throw.
  void post(std::function<void()> fn);

  TimePoint now() const override;
  WallTime wall_now() const override { return syncd::wall_now(); }
  Timers::Slot arm(TimePoint at, Timers::Entry& entry) override { return timers_.arm(at, entry); }
  void disarm(Timers::Slot slot) override { timers_.disarm(slot); }

  // How late the last due timer was fired: the loop's own lag.
  Duration lag() const noexcept { return lag_; }

  uv_loop_s* uv() noexcept { return uv_.get(); }  // for this room only

 private:
  struct Handles;
  void prepare();
  void fire_timers();
  void run_posted();

  std::unique_ptr<uv_loop_s> uv_;
  std::unique_ptr<Handles> handles_;
  Timers timers_;
  Duration lag_{0};
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace syncd::loop
