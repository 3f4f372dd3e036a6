#include "daemon/loop/stream.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <uv.h>

#include <array>
#include <cassert>

#include "daemon/base/error.hpp"

namespace syncd::loop {
namespace {

constexpr std::size_t kReadBuffer = 64 * 1024;

[[noreturn]] void fail(const std::string& doing, int status) {
  throw Error(ErrorKind::Transient, fmt::format("{}: {}", doing, uv_strerror(status)));
}

// The libuv handle with its buffer.  libuv may call back until the close callback, and an awaiter may be
// resumed after it: each of them holds a share.
struct Socket {
  explicit Socket(Clock& owner_clock) : clock(owner_clock) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  Clock& clock;
  std::shared_ptr<Socket> self;  // held for libuv, from the initialisation to the close callback
  bool closing = false;
  Parked* reader = nullptr;
  ssize_t received = 0;  // of the read under way: bytes, 0 for nothing yet, or an error
  bool read_done = false;
  std::array<char, kReadBuffer> buffer;

  void close() {
    if (closing) return;
    closing = true;
    if (reader) {
      received = UV_ECANCELED;
      read_done = true;
      reader->wake();
    }
    uv_close(&handle, [](uv_handle_t* h) { static_cast<Socket*>(h->data)->self.reset(); });
  }
};

class ReadSome {
 public:
  explicit ReadSome(std::shared_ptr<Socket> shared)
      : shared_(std::move(shared)), socket_(*shared_), parked_(socket_.clock) {}
  ReadSome(const ReadSome&) = delete;
  ReadSome& operator=(const ReadSome&) = delete;
  ~ReadSome() {
    if (socket_.reader == &parked_) socket_.reader = nullptr;
  }
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> h) {
    assert(!socket_.reader && "one read at a time");
    socket_.read_done = false;
    socket_.received = 0;
    if (!parked_.park(h)) return false;
    socket_.reader = &parked_;
    const int status = uv_read_start(
        &socket_.stream,
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buf) {
          auto& buffer = static_cast<Socket*>(handle->data)->buffer;
          *buf = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
        },
        [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
          if (count == 0) return;
          auto& socket = *static_cast<Socket*>(stream->data);
          uv_read_stop(stream);
          socket.received = count;
          socket.read_done = true;
          if (socket.reader) socket.reader->resume_now();
        });
    if (status < 0) {
      socket_.received = status;
      socket_.read_done = true;
      parked_.wake();
    }
    return true;
  }
  std::string_view await_resume() {
    if (socket_.reader == &parked_) socket_.reader = nullptr;
    if (!socket_.closing) uv_read_stop(&socket_.stream);
    parked_.resumed();
    if (socket_.received == UV_EOF) return {};
    if (socket_.received < 0) fail("reading", static_cast<int>(socket_.received));
    return {socket_.buffer.data(), static_cast<std::size_t>(socket_.received)};
  }

 private:
  std::shared_ptr<Socket> shared_;
  Socket& socket_;
  Parked parked_;
};

// A write cannot be taken back: a stop closes the socket, and the callback that follows resumes us.
class WriteAll {
 public:
  WriteAll(std::shared_ptr<Socket> socket, std::string_view data) : socket_(std::move(socket)), data_(data) {}
  WriteAll(const WriteAll&) = delete;
  WriteAll& operator=(const WriteAll&) = delete;
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> h) {
    waiter_ = h;
    const std::stop_token* stop = coro::stop_of(h);
    if (stop && stop->stop_requested()) {
      cancelled_ = true;
      return false;
    }
    uv_buf_t buf = uv_buf_init(const_cast<char*>(data_.data()), static_cast<unsigned>(data_.size()));
    // Most writes fit the socket's buffer: no request, no extra turn of the loop.
    const int sent = uv_try_write(&socket_->stream, &buf, 1);
    if (sent == static_cast<int>(data_.size())) return false;
    if (sent < 0 && sent != UV_EAGAIN) {
      status_ = sent;
      return false;
    }
    if (sent > 0) {
      buf.base += sent;
      buf.len -= static_cast<std::size_t>(sent);
    }
    request_.data = this;
    status_ = uv_write(&request_, &socket_->stream, &buf, 1, [](uv_write_t* request, int status) {
      auto* self = static_cast<WriteAll*>(request->data);
      self->status_ = status;
      self->on_stop_.reset();
      coro::resume(self->waiter_);
    });
    if (status_ < 0) return false;
    if (stop && stop->stop_possible()) on_stop_.emplace(*stop, OnStop{this});
    return true;
  }
  void await_resume() {
    if (cancelled_) throw coro::Cancelled();
    if (status_ < 0) fail("writing", status_);
  }

 private:
  struct OnStop {
    WriteAll* self;
    void operator()() const {
      self->cancelled_ = true;
      self->socket_->close();
    }
  };
  std::shared_ptr<Socket> socket_;
  std::string_view data_;
  uv_write_t request_{};
  std::coroutine_handle<> waiter_;
  int status_ = 0;
  bool cancelled_ = false;
  std::optional<std::stop_callback<OnStop>> on_stop_;
};

class UvStream final : public Stream {
 public:
  explicit UvStream(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}
  ~UvStream() override { close(); }

  coro::Task<std::string_view> read() override {
    check_open("reading");
    ReadSome some(socket_);
    const std::string_view bytes = co_await some;
    co_return bytes;
  }
  coro::Task<> write(std::string_view data) override {
    check_open("writing");
    WriteAll all(socket_, data);
    try {
      co_await all;
    } catch (...) {
      close();
      throw;
    }
  }
  void close() noexcept override { socket_->close(); }
  bool closed() const noexcept override { return socket_->closing; }
  int fd() const noexcept override {
    uv_os_fd_t descriptor = -1;
    if (closed() || uv_fileno(&socket_->handle, &descriptor) != 0) return -1;
    return descriptor;
  }

 private:
  void check_open(const char* doing) const {
    if (closed()) throw Error(ErrorKind::Transient, fmt::format("{}: the connection is closed", doing));
  }
  std::shared_ptr<Socket> socket_;
};

// Closes the socket unless it is handed on.
class OwnedSocket {
 public:
  explicit OwnedSocket(EventLoop& loop) : socket_(std::make_shared<Socket>(loop)) {}
  ~OwnedSocket() {
    if (socket_) socket_->close();
  }
  OwnedSocket(const OwnedSocket&) = delete;
  OwnedSocket& operator=(const OwnedSocket&) = delete;
  void initialised() {
    socket_->handle.data = socket_.get();
    socket_->self = socket_;
  }
  Socket* operator->() const { return socket_.get(); }
  const std::shared_ptr<Socket>& share() const { return socket_; }
  std::unique_ptr<Stream> into_stream() { return std::make_unique<UvStream>(std::move(socket_)); }

 private:
  std::shared_ptr<Socket> socket_;
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
      self->done_ = true;
      self->on_stop_.reset();
      if (self->waiter_) coro::resume(self->waiter_);
    });
    if (status_ < 0) done_ = true;
  }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;
  bool await_ready() const noexcept { return done_; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> h) {
    waiter_ = h;
    const std::stop_token* stop = coro::stop_of(h);
    if (stop && stop->stop_possible()) on_stop_.emplace(*stop, OnStop{this});
  }
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
  bool done_ = false;
  bool cancelled_ = false;
  std::optional<std::stop_callback<OnStop>> on_stop_;
};

struct FreeAddresses {
  void operator()(addrinfo* list) const { uv_freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

class Resolving {
 public:
  Resolving(EventLoop& loop, const std::string& host, std::uint16_t port) {
    request_.data = this;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_UNSPEC;
    const std::string service = std::to_string(port);
    status_ = uv_getaddrinfo(
        loop.uv(), &request_,
        [](uv_getaddrinfo_t* request, int status, addrinfo* list) {
          auto* self = static_cast<Resolving*>(request->data);
          self->found_.reset(list);
          self->status_ = status;
          self->on_stop_.reset();
          coro::resume(self->waiter_);
        },
        host.c_str(), service.c_str(), &hints);
  }
  Resolving(const Resolving&) = delete;
  Resolving& operator=(const Resolving&) = delete;
  bool await_ready() const noexcept { return status_ < 0; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> h) {
    waiter_ = h;
    const std::stop_token* stop = coro::stop_of(h);
    if (stop && stop->stop_possible()) on_stop_.emplace(*stop, OnStop{this});
  }
  // A resolver that already runs cannot be interrupted; we then wait for it and throw.
  int await_resume() const {
    if (cancelled_) throw coro::Cancelled();
    return status_;
  }
  Addresses take() { return std::move(found_); }

 private:
  struct OnStop {
    Resolving* self;
    void operator()() const {
      self->cancelled_ = true;
      uv_cancel(reinterpret_cast<uv_req_t*>(&self->request_));
    }
  };
  uv_getaddrinfo_t request_{};
  std::coroutine_handle<> waiter_;
  Addresses found_;
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
  OwnedSocket socket(loop);
  uv_pipe_init(loop.uv(), &socket->pipe, 0);
  socket.initialised();
  Connecting connecting(socket.share(), [&](uv_connect_t* request, uv_connect_cb done) {
    uv_pipe_connect(request, &socket->pipe, path.c_str(), done);
    return 0;
  });
  const int status = co_await connecting;
  if (status < 0) fail("connecting to " + path, status);
  co_return socket.into_stream();
}

std::unique_ptr<Stream> adopt_unix(EventLoop& loop, int fd) {
  OwnedSocket socket(loop);
  uv_pipe_init(loop.uv(), &socket->pipe, 0);
  socket.initialised();
  const int status = uv_pipe_open(&socket->pipe, fd);
  if (status < 0) fail("adopting a socket", status);
  return socket.into_stream();
}

}  // namespace syncd::loop
