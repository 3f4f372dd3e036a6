#include "daemon/loop/listener.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/tcp.h>

#include <cerrno>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/loop/loop_test.hpp"

namespace {
bool descriptors_run_out = false;
}

// Stands before the C library's.
extern "C" int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  using Function = int (*)(int, sockaddr*, socklen_t*, int);
  static const auto system = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "accept4"));
  if (!descriptors_run_out) return system(fd, address, size, flags);
  errno = EMFILE;
  return -1;
}

namespace syncd::loop {
namespace {

using namespace std::chrono_literals;
using coro::AsyncScope;
using coro::Task;
using syncd::test::TempDir;

class Socket {
 public:
  explicit Socket(EventLoop& loop)
      : path(folder / "socket"), listener(loop, test::listen_unix(path).release()) {}
  TempDir folder;
  std::string path;
  Listener listener;
};

LOOP_TEST(Listener, AcceptsOneConnectionPerCall) {
  Socket socket(loop);
  const auto first = co_await connect_unix(loop, socket.path);
  const auto second = co_await connect_unix(loop, socket.path);
  const auto first_here = co_await socket.listener.accept();
  const auto second_here = co_await socket.listener.accept();
  co_await second->write("second");
  co_await first->write("first");
  EXPECT_EQ(co_await first_here->read(), "first");
  EXPECT_EQ(co_await second_here->read(), "second");
}

Task<> accept_one(Listener& listener, std::unique_ptr<Stream>& into) { into = co_await listener.accept(); }

LOOP_TEST(Listener, WhatIsWrittenOverTcpLeavesAtOnce) {
  test::TcpPort port;
  port.listen(4);
  Listener listener(loop, port.socket.release());
  const auto far = co_await connect_tcp(loop, "127.0.0.1", port.number);
  const auto near = co_await listener.accept();
  for (const int fd : {far->fd(), near->fd()}) {
    int at_once = 0;
    socklen_t size = sizeof at_once;
    ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, &size);
    EXPECT_NE(at_once, 0);
  }
}

LOOP_TEST(Listener, WaitsForAConnection) {
  Socket socket(loop);
  std::unique_ptr<Stream> accepted;
  AsyncScope scope;
  scope.spawn(accept_one(socket.listener, accepted));
  co_await test::turns(loop);
  EXPECT_FALSE(accepted);
  const auto client = co_await connect_unix(loop, socket.path);
  co_await scope.join();
  EXPECT_TRUE(accepted);
}

LOOP_TEST(Listener, CanBeStoppedAndUsedAgain) {
  Socket socket(loop);
  std::unique_ptr<Stream> accepted;
  AsyncScope scope;
  scope.spawn(accept_one(socket.listener, accepted));
  scope.request_stop();
  co_await scope.join();
  EXPECT_FALSE(accepted);
  const auto client = co_await connect_unix(loop, socket.path);
  EXPECT_TRUE(co_await socket.listener.accept());
}

LOOP_TEST(Listener, OutlivesATimeWithoutDescriptors) {
  Socket socket(loop);
  const auto client = co_await connect_unix(loop, socket.path);
  descriptors_run_out = true;
  std::unique_ptr<Stream> accepted;
  AsyncScope scope;
  scope.spawn(accept_one(socket.listener, accepted));
  descriptors_run_out = false;
  EXPECT_FALSE(accepted);
  co_await scope.join();
  EXPECT_TRUE(accepted);
}

TEST(Listener, SaysWhatItCannotListenOn) {
  EventLoop loop;
  EXPECT_THROW(Listener(loop, ::open("/dev/null", O_RDONLY | O_CLOEXEC)), Error);
}

}  // namespace
}  // namespace syncd::loop
