// The control server on its own loop in its own thread, and plain blocking clients that may misbehave.
#pragma once
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <thread>

#include "daemon/control/server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/control/fake_operations.hpp"

namespace syncd::control::test {

class Daemon {
 public:
  explicit Daemon(const std::string& path, Limits limits = Limits(), Access access = Access("", ::getuid()))
      : socket_(path, ""), server_(loop_, operations_, socket_, std::move(access), limits) {
    ::signal(SIGPIPE, SIG_IGN);
    thread_ = std::thread([this] { loop_.run(serve()); });
  }
  ~Daemon() {
    loop_.post([this] { stopping_.notify(); });
    thread_.join();
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // The result of fn(FakeOperations&), run on the loop's thread.
  template <class F>
  auto on_loop(F fn) {
    std::promise<std::invoke_result_t<F, FakeOperations&>> promise;
    auto result = promise.get_future();
    loop_.post([&] {
      if constexpr (std::is_void_v<std::invoke_result_t<F, FakeOperations&>>) {
        fn(operations_);
        promise.set_value();
      } else {
        promise.set_value(fn(operations_));
      }
    });
    return result.get();
  }

 private:
  coro::Task<> serve() {
    coro::AsyncScope scope;
    scope.spawn(server_.serve());
    co_await stopping_.wait();
    scope.request_stop();
    co_await scope.join();
  }

  loop::EventLoop loop_;
  FakeOperations operations_{loop_};
  coro::Signal stopping_{loop_};
  ControlSocket socket_;
  Server server_;
  std::thread thread_;
};

class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // False: the other end has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  bool call(const std::string& method, Json parameters = Json::object(), bool more = false) {
    Call made;
    made.method = "io.syncd.Manager." + method;
    made.parameters = std::move(parameters);
    made.more = more;
    return send(to_frame(made));
  }
  // The next reply; an error "closed" or "silent" of its own where none comes.
  Reply reply(std::chrono::milliseconds patience = syncd::test::kPatience) {
    std::string buffer(64 * 1024, '\0');
    while (true) {
      if (const auto frame = framer_.next()) return parse_reply(*frame);
      pollfd waiting{fd_, POLLIN, 0};
      if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return ended("silent");
      const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (count <= 0) return ended("closed");
      framer_.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
    }
  }
  std::string error() { return reply().error; }
  // Everything until the daemon closes.
  std::string rest() {
    std::string all, buffer(64 * 1024, '\0');
    ssize_t count = 0;
    while ((count = ::recv(fd_, buffer.data(), buffer.size(), 0)) > 0) {
      all.append(buffer, 0, static_cast<std::size_t>(count));
    }
    return all;
  }
  int fd() const { return fd_; }

 private:
  static Reply ended(const char* how) {
    Reply none;
    none.error = how;
    return none;
  }
  int fd_;
  bool connected_ = false;
  Framer framer_{kMaxReply};
};

}  // namespace syncd::control::test
