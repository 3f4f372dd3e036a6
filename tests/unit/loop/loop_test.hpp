// LOOP_TEST: a test whose body is a coroutine on a real loop.  `loop` is at hand in the body; a body that
// hangs fails after a deadline.
#pragma once
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/coro/scope.hpp"
#include "daemon/coro/timeout.hpp"
#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/stream.hpp"

namespace syncd::loop::test {

inline void run(EventLoop& loop, coro::Task<> task) {
  loop.run(with_timeout(loop, std::chrono::seconds(30), "the test", std::move(task)));
}

// A few turns of the loop: what is ready by now has happened afterwards.
inline coro::Task<> turns(EventLoop& loop) {
  for (int i = 0; i < 5; ++i) co_await yield_to_loop(loop);
}

// A file descriptor of the test's own: the far end of what is tested.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void send(std::string_view data) const {
    ASSERT_EQ(::write(fd_, data.data(), data.size()), static_cast<ssize_t>(data.size()));
  }
  // What is there now, without waiting; "" when nothing is.
  std::string receive() const {
    std::string data(64 * 1024, '\0');
    const ssize_t count = ::recv(fd_, data.data(), data.size(), MSG_DONTWAIT);
    data.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return data;
  }
  // Fills the way to the other end until the system takes no more.
  std::size_t fill() const {
    const std::string chunk(16 * 1024, 'x');
    std::size_t total = 0;
    while (true) {
      const ssize_t count = ::send(fd_, chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count <= 0) return total;
      total += static_cast<std::size_t>(count);
    }
  }

 private:
  int fd_;
};

// A stream and the descriptor at its other end.
class Pair {
 public:
  explicit Pair(EventLoop& loop) {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    stream = adopt_unix(loop, fds[0]);
    peer = Fd(fds[1]);
  }
  std::unique_ptr<Stream> stream;
  Fd peer;
};

// Listens; connections wait in the backlog until somebody accepts them.
inline Fd listen_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(fd.get(), 16), 0);
  return fd;
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// A TCP socket on a free loopback port; it refuses connections until it listens.
class TcpPort {
 public:
  TcpPort() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    number = ntohs(address.sin_port);
  }
  void listen(int backlog) const { EXPECT_EQ(::listen(socket.get(), backlog), 0); }
  Fd accept() const { return Fd(::accept(socket.get(), nullptr, nullptr)); }
  Fd socket;
  std::uint16_t number = 0;
};

// The text of the Error that `task` throws; "" when it throws none.
inline coro::Task<std::string> error_of(coro::Task<> task) {
  std::string text;
  try {
    co_await std::move(task);
  } catch (const Error& error) {
    text = std::string(to_string(error.kind())) + " " + error.what();
  }
  co_return text;
}

template <class T>
coro::Task<> ignore_result(coro::Task<T> task) {
  (void)co_await std::move(task);
}

}  // namespace syncd::loop::test

#define LOOP_TEST(suite, name)                        \
  struct suite##_##name {                             \
    ::syncd::loop::EventLoop loop;                    \
    ::syncd::coro::Task<> body();                     \
  };                                                  \
  TEST(suite, name) {                                 \
    suite##_##name test;                              \
    ::syncd::loop::test::run(test.loop, test.body()); \
  }                                                   \
  ::syncd::coro::Task<> suite##_##name::body()
