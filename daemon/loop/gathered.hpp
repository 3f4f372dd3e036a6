// Gathered: watches many descriptors that a library owns (libcurl's sockets) and, while they are busy, looks
// at them once a millisecond: two hundred streams that each bring a few bytes would wake the loop ten
// thousand times a second.  The first news after a quiet moment, and a stream that brings much, wait for
// nothing. Loop thread only.
#pragma once
#include <functional>
#include <optional>
#include <unordered_map>

#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/readiness.hpp"

namespace syncd::loop {

class Gathered final : private Timers::Entry {
 public:
  static constexpr Duration kPause = std::chrono::milliseconds(1);

  // `ready(fd, readable, writable)` is called on the loop, both true when the descriptor is broken; it
  // returns whether there was much: then the next look is at the next turn of the loop.
  using Ready = std::function<bool(int fd, bool readable, bool writable)>;
  Gathered(EventLoop& loop, Ready ready);
  ~Gathered();
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;

  // What to wait for from now on; both false: nothing, and it must be said before the descriptor is closed.
  // Throws a Transient error where the descriptor cannot be watched.
  void watch(int fd, bool readable, bool writable);

 private:
  // Whether there was anything, and whether it was much.
  struct Seen {
    bool anything;
    bool much;
  };
  Seen look();
  void woken();
  void due() override;
  void pause(Duration how_long);

  EventLoop& loop_;
  const Ready ready_;
  const int epoll_;
  std::optional<Readiness> any_;
  std::unordered_map<int, std::uint32_t> watched_;
  TimePoint last_;
  std::optional<Timers::Slot> slot_;
};

}  // namespace syncd::loop
