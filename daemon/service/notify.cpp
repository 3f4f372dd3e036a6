#include "daemon/service/notify.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>

#include "daemon/base/error.hpp"

namespace syncd::service {
namespace {

// Names are freed one by one, then their array: sd_listen_fds_with_names(3).
struct Names {
  char** list = nullptr;
  ~Names() {
    if (list == nullptr) return;
    for (char** name = list; *name != nullptr; ++name) std::free(*name);
    std::free(list);
  }
};

std::int64_t microseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

// Nobody listens where there is no service manager; that its socket is gone is no reason to end.
void tell(const std::string& state) { sd_notify(/*unset_environment=*/0, state.c_str()); }

}  // namespace

std::optional<int> inherited_socket(std::string_view name) {
  Names names;
  const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &names.list);
  std::optional<int> found;
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    if (found || names.list[i] != name) {
      ::close(fd);
      continue;
    }
    if (sd_is_socket_unix(fd, SOCK_STREAM, /*listening=*/1, nullptr, 0) <= 0) {
      throw Error(ErrorKind::Permanent,
                  fmt::format("what systemd handed over as \"{}\" is not a listening Unix stream socket; "
                              "the socket unit needs ListenStream=/path",
                              name));
    }
    found = fd;
  }
  return found;
}

Notifier::Notifier() : heard_(std::getenv("NOTIFY_SOCKET") != nullptr) {
  std::uint64_t period = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/1, &period) > 0) {
    watchdog_ = std::chrono::microseconds(period);
  }
}

void Notifier::ready() { tell("READY=1"); }

void Notifier::status(const std::string& line) {
  if (line == last_status_) return;
  last_status_ = line;
  tell("STATUS=" + line);
}

void Notifier::stopping(Duration at_most) {
  tell(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", microseconds(at_most)));
}

coro::Task<> Notifier::feed_watchdog(loop::EventLoop& loop) {
  if (!watchdog_) co_return;
  const Duration third = *watchdog_ / 3;
  while (true) {
    if (loop.lag() < third) tell("WATCHDOG=1");
    co_await sleep_for(loop, third);
  }
}

}  // namespace syncd::service
