// What name resolution answers is decided here: getaddrinfo() below stands before the C library's.
#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/loop/loop_test.hpp"

namespace {

// Holds whoever resolves "slow.test" until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void set_open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  int waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
} slow_resolver;

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** list) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto system = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string_view name = host;
  if (name == "unknown.test") return EAI_NONAME;
  if (name == "slow.test") slow_resolver.pass();
  if (name == "slow.test" || name == "one.test") return system("127.0.0.1", service, hints, list);
  if (name == "two.test") {  // nothing listens at its first address
    const int status = system("127.0.0.9", service, hints, list);
    return status == 0 ? system("127.0.0.1", service, hints, &(*list)->ai_next) : status;
  }
  return system(host, service, hints, list);
}

namespace syncd::loop {
namespace {

using namespace std::chrono_literals;
using coro::AsyncScope;
using coro::Task;
using syncd::test::TempDir;
using test::error_of;
using test::ignore_result;
using test::TcpPort;

LOOP_TEST(ConnectTcp, ReachesAListeningPort) {
  TcpPort port;
  port.listen(1);
  const auto stream = co_await connect_tcp(loop, "127.0.0.1", port.number);
  const test::Fd accepted = port.accept();
  accepted.send("welcome");
  EXPECT_EQ(co_await stream->read(), "welcome");
}

LOOP_TEST(ConnectTcp, NamesTheHostAndPortThatRefuse) {
  const TcpPort port;
  EXPECT_EQ(co_await error_of(ignore_result(connect_tcp(loop, "127.0.0.1", port.number))),
            "transient connecting to 127.0.0.1:" + std::to_string(port.number) + ": connection refused");
}

LOOP_TEST(ConnectTcp, SaysThatItDoesNotKnowTheHost) {
  EXPECT_EQ(co_await error_of(ignore_result(connect_tcp(loop, "unknown.test", 6379))),
            "transient connecting to unknown.test:6379: unknown node or service");
}

LOOP_TEST(ConnectTcp, SurvivesAHostThatCannotBeOne) {
  const std::string text = co_await error_of(ignore_result(connect_tcp(loop, std::string(300, 'x'), 6379)));
  EXPECT_EQ(text.rfind("transient connecting to xxx", 0), 0U) << text;
}

LOOP_TEST(ConnectTcp, TriesEachAddressOfAHost) {
  TcpPort port;
  port.listen(1);
  const auto stream = co_await connect_tcp(loop, "two.test", port.number);
  EXPECT_FALSE(stream->closed());
}

LOOP_TEST(ConnectTcp, ReadsAResetAsAnError) {
  TcpPort port;
  port.listen(1);
  const auto stream = co_await connect_tcp(loop, "one.test", port.number);
  test::Fd accepted = port.accept();
  const linger reset{1, 0};
  ::setsockopt(accepted.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  accepted.reset();
  EXPECT_EQ(co_await error_of(ignore_result(stream->read())), "transient reading: connection reset by peer");
}

Task<> connect_and_drop(EventLoop& loop, std::string host, std::uint16_t port) {
  (void)co_await connect_tcp(loop, std::move(host), port);
}

// A listener whose backlog is full answers nothing at all.
LOOP_TEST(ConnectTcp, IsEndedByADeadlineWhenThePeerIsSilent) {
  TcpPort port;
  port.listen(0);
  std::vector<test::Fd> backlog;
  for (int i = 0; i < 4; ++i) {
    const sockaddr_in address = test::loopback(port.number);
    auto& fd = backlog.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  auto connecting = connect_and_drop(loop, "127.0.0.1", port.number);
  EXPECT_EQ(co_await error_of(with_timeout(loop, 20ms, "connecting", std::move(connecting))),
            "transient connecting: no answer within 20 ms");
}

LOOP_TEST(ConnectTcp, StopsAtOnceHoweverSlowTheResolverIs) {
  slow_resolver.set_open(false);
  AsyncScope scope;
  scope.spawn(connect_and_drop(loop, "slow.test", 6379));
  while (slow_resolver.waiting() == 0) co_await yield_to_loop(loop);
  scope.request_stop();
  co_await scope.join();
  EXPECT_EQ(slow_resolver.waiting(), 1) << "it waited for the resolver";
  slow_resolver.set_open(true);  // the loop's destructor waits for it
}

LOOP_TEST(ConnectTcp, IsNotStartedWhenAlreadyStopped) {
  AsyncScope scope;
  scope.request_stop();
  scope.spawn(connect_and_drop(loop, "one.test", 6379));
  co_await scope.join();
}

LOOP_TEST(ConnectUnix, ReachesAListeningSocket) {
  const TempDir folder;
  const test::Fd listening = test::listen_unix(folder / "socket");
  const auto stream = co_await connect_unix(loop, folder / "socket");
  co_await stream->write("hello");
  EXPECT_EQ(test::Fd(::accept(listening.get(), nullptr, nullptr)).receive(), "hello");
}

LOOP_TEST(ConnectUnix, NamesThePathThatItCannotReach) {
  const TempDir folder;
  EXPECT_EQ(co_await error_of(ignore_result(connect_unix(loop, folder / "none"))),
            "transient connecting to " + (folder / "none") + ": no such file or directory");
  { const test::Fd gone = test::listen_unix(folder / "left"); }
  EXPECT_EQ(co_await error_of(ignore_result(connect_unix(loop, folder / "left"))),
            "transient connecting to " + (folder / "left") + ": connection refused");
}

// libuv 1.44 cuts the path silently and would connect to another socket.
LOOP_TEST(ConnectUnix, RefusesAPathThatIsTooLong) {
  const TempDir folder;
  const std::string allowed = folder / std::string(107 - folder.path().string().size() - 1, 'x');
  EXPECT_EQ(allowed.size(), 107U);
  const test::Fd listening = test::listen_unix(allowed);
  EXPECT_EQ(co_await error_of(ignore_result(connect_unix(loop, allowed))), "");
  const std::string text = co_await error_of(ignore_result(connect_unix(loop, allowed + "y")));
  EXPECT_EQ(text,
            "permanent connecting to " + allowed + "y: the path of a socket has at most 107 characters");
}

}  // namespace
}  // namespace syncd::loop
