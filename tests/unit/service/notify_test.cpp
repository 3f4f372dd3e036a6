#include "daemon/service/notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "daemon/base/error.hpp"
#include "daemon/coro/scope.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::service {
namespace {

// The service manager's end: what it was told, one message each.
class Manager {
 public:
  Manager() : fd_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_ / "notify";
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Manager() {
    ::close(fd_);
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  std::string next() {
    char text[512];
    const ssize_t size = ::recv(fd_, text, sizeof text, MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  test::TempDir folder_;
  int fd_;
};

TEST(Notifier, TellsTheServiceManager) {
  Manager manager;
  Notifier notifier;
  notifier.ready();
  notifier.status("3 jobs, 1 running");
  notifier.status("3 jobs, 1 running");
  notifier.stopping(std::chrono::seconds(40));
  EXPECT_EQ(manager.next(), "READY=1");
  EXPECT_EQ(manager.next(), "STATUS=3 jobs, 1 running");
  EXPECT_EQ(manager.next(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=40000000");
  EXPECT_EQ(manager.next(), "");
}

TEST(Notifier, SaysNothingWhereNobodyManages) {
  Notifier notifier;
  notifier.ready();
  notifier.status("ready");
  loop::EventLoop loop;
  loop.run(notifier.feed_watchdog(loop));  // ends: there is no watchdog
}

coro::Task<> feed_until(loop::EventLoop& loop, Notifier& notifier, Manager& manager, int beats) {
  coro::AsyncScope scope;
  scope.spawn(notifier.feed_watchdog(loop));
  while (beats > 0) {
    if (manager.next() == "WATCHDOG=1") --beats;
    co_await sleep_for(loop, std::chrono::milliseconds(1));
  }
  scope.request_stop();
  co_await scope.join();
}

TEST(Notifier, FeedsTheWatchdogFromTheLoop) {
  Manager manager;
  ::setenv("WATCHDOG_USEC", "15000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  Notifier notifier;
  loop::EventLoop loop;
  loop.run(feed_until(loop, notifier, manager, 3));
}

// What `body` returns in a process that systemd has started with `fd` as its only inherited descriptor.
int started_with(int fd, const char* name, int (*body)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (fd != 3) ::dup2(fd, 3);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", name, 1);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int take_control_socket() {
  try {
    const auto fd = inherited_socket("control");
    if (!fd) return 10;
    return inherited_socket("control") ? 11 : *fd;  // a second time there is none
  } catch (const Error&) {
    return 12;
  }
}

TEST(InheritedSocket, IsTheOneOfThatName) {
  const test::TempDir folder;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (folder / "s").c_str());
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(started_with(fd, "control", &take_control_socket), 12) << "it does not listen";
  ASSERT_EQ(::listen(fd, 1), 0);
  EXPECT_EQ(started_with(fd, "control", &take_control_socket), 3);
  EXPECT_EQ(started_with(fd, "other", &take_control_socket), 10);
  ::close(fd);
  EXPECT_EQ(take_control_socket(), 10) << "outside systemd";
}

}  // namespace
}  // namespace syncd::service
