// How a Stream begins: resolving, connecting.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <uv.h>

#include <utility>

#include "daemon/base/error.hpp"
#include "daemon/loop/socket.hpp"

namespace syncd::loop {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { uv_freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// A resolver that runs cannot be interrupted: on a stop it is left to end by itself, which is why its
// request lives on its own.
class Resolving {
 public:
  Resolving(EventLoop& loop, const std::string& host, std::uint16_t port)
      : lookup_(std::make_shared<Lookup>()), parked_(loop) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_UNSPEC;
    const std::string service = std::to_string(port);
    lookup_->request.data = lookup_.get();
    lookup_->status =
        uv_getaddrinfo(loop.uv(), &lookup_->request, Lookup::done, host.c_str(), service.c_str(), &hints);
    if (lookup_->status == 0) lookup_->self = lookup_;
  }
  Resolving(const Resolving&) = delete;
  Resolving& operator=(const Resolving&) = delete;
  ~Resolving() {
    lookup_->waiter = nullptr;
    if (lookup_->self) uv_cancel(reinterpret_cast<uv_req_t*>(&lookup_->request));
  }
  bool await_ready() const noexcept { return lookup_->status < 0; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> h) {
    if (!parked_.park(h)) return false;
    lookup_->waiter = &parked_;
    return true;
  }
  // 0, or libuv's error.
  int await_resume() {
    parked_.resumed();
    return lookup_->status;
  }
  Addresses take() { return std::move(lookup_->found); }

 private:
  struct Lookup {
    static void done(uv_getaddrinfo_t* request, int status, addrinfo* list) {
      auto& lookup = *static_cast<Lookup*>(request->data);
      const std::shared_ptr<Lookup> alive = std::exchange(lookup.self, nullptr);
      lookup.found.reset(list);
      lookup.status = status;
      if (lookup.waiter) lookup.waiter->resume_now();
    }
    uv_getaddrinfo_t request{};
    std::shared_ptr<Lookup> self;  // held for libuv, until the callback
    Parked* waiter = nullptr;
    Addresses found;
    int status = 0;
  };
  std::shared_ptr<Lookup> lookup_;
  Parked parked_;
};

// Waits for the connect callback; a stop closes the socket, which ends the attempt.
class Connecting {
 public:
  template <class Start>
  Connecting(std::shared_ptr<Socket> socket, Start start) : socket_(std::move(socket)) {
    request_.data = this;
    status_ = start(&request_, [](uv_connect_t* request, int status) {
      auto* self = static_cast<Connecting*>(request->data);
      self->status_ = status;
      self->on_stop_.reset();
      coro::resume(self->waiter_);
    });
  }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;
  bool await_ready() const noexcept { return status_ < 0; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> h) {
    waiter_ = h;
    const std::stop_token* stop = coro::stop_of(h);
    if (stop && stop->stop_possible()) on_stop_.emplace(*stop, OnStop{this});
  }
  // 0, or libuv's error.
  int await_resume() const {
    if (cancelled_) throw coro::Cancelled();
    return status_;
  }

 private:
  struct OnStop {
    Connecting* self;
    void operator()() const {
      self->cancelled_ = true;
      self->socket_->close();
    }
  };
  std::shared_ptr<Socket> socket_;
  uv_connect_t request_{};
  std::coroutine_handle<> waiter_;
  int status_ = 0;
  bool cancelled_ = false;
  std::optional<std::stop_callback<OnStop>> on_stop_;
};

}  // namespace

coro::Task<std::unique_ptr<Stream>> connect_tcp(EventLoop& loop, std::string host, std::uint16_t port) {
  const std::string doing = fmt::format("connecting to {}:{}", host, port);
  Resolving resolving(loop, host, port);
  int status = co_await resolving;
  if (status < 0) fail(doing, status);
  const Addresses addresses = resolving.take();
  for (const addrinfo* address = addresses.get(); address; address = address->ai_next) {
    OwnedSocket socket(loop);
    uv_tcp_init(loop.uv(), &socket->tcp);
    socket.initialised();
    Connecting connecting(socket.share(), [&](uv_connect_t* request, uv_connect_cb done) {
      return uv_tcp_connect(request, &socket->tcp, address->ai_addr, done);
    });
    status = co_await connecting;
    if (status == 0) {
      uv_tcp_nodelay(&socket->tcp, 1);
      uv_tcp_keepalive(&socket->tcp, 1, 30);
      co_return socket.into_stream();
    }
  }
  fail(doing, status);
}

coro::Task<std::unique_ptr<Stream>> connect_unix(EventLoop& loop, std::string path) {
  const std::string doing = "connecting to " + path;
  constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > kLongest) {  // libuv would cut it and connect to another socket
    throw Error(ErrorKind::Permanent,
                fmt::format("{}: the path of a socket has at most {} characters", doing, kLongest));
  }
  OwnedSocket socket(loop);
  uv_pipe_init(loop.uv(), &socket->pipe, 0);
  socket.initialised();
  Connecting connecting(socket.share(), [&](uv_connect_t* request, uv_connect_cb done) {
    uv_pipe_connect(request, &socket->pipe, path.c_str(), done);
    return 0;
  });
  const int status = co_await connecting;
  if (status < 0) fail(doing, status);
  co_return socket.into_stream();
}

}  // namespace syncd::loop
