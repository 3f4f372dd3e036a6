// What the service manager hears of us and what it hands over: sd_notify(3), sd_watchdog_enabled(3) and
// sd_listen_fds(3).  Outside systemd all of it does nothing.  Loop thread only.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "daemon/coro/task.hpp"
#include "daemon/loop/event_loop.hpp"

namespace syncd::service {

// The listening socket that systemd made and calls `name` (FileDescriptorName=); nullopt: there is none.
// The caller owns it.  Throws a Permanent error when what was handed over is not a listening Unix stream
// socket.  Once: children and later calls see nothing of it.
std::optional<int> inherited_socket(std::string_view name);

class Notifier {
 public:
  Notifier();

  // Whether there is a service manager that wants to hear.
  bool heard() const noexcept { return heard_; }
  // The configuration is loaded, the state open and the socket stands.
  void ready();
  // One line for `systemctl status`; said only when it differs from the last one.
  void status(const std::string& line);
  // The end has begun and may take this long: the manager's patience is extended to it.
  void stopping(Duration at_most);

  // Tells the watchdog (WatchdogSec=) that we live, three times in its period, as long as the loop turns in
  // time: a loop that is late by a third of the period is not called alive.  Ends at once where no watchdog
  // is set, else when it is stopped.
  coro::Task<> feed_watchdog(loop::EventLoop& loop);

 private:
  bool heard_;
  std::string last_status_;
  std::optional<Duration> watchdog_;
};

}  // namespace syncd::service
