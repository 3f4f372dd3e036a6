#include "daemon/loop/stream.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "daemon/base/error.hpp"
#include "daemon/loop/socket.hpp"

namespace syncd::loop {
namespace {

constexpr std::size_t kSmallestBuffer = 4 * 1024;
constexpr std::size_t kLargestBuffer = 64 * 1024;
constexpr std::size_t kMostLastWords = 1024 * 1024;  // of a peer that has hung up

}  // namespace

void fail(const std::string& doing, int status) {
  throw Error(ErrorKind::Transient, fmt::format("{}: {}", doing, uv_strerror(status)));
}

void Socket::close() noexcept {
  if (closing) return;
  closing = true;
  arrived = UV_ECANCELED;
  if (reader) reader->wake();
  uv_close(&handle, [](uv_handle_t* h) { static_cast<Socket*>(h->data)->self.reset(); });
}

void Socket::close_broken() {
  uv_os_fd_t descriptor = -1;
  if (!closing && uv_fileno(&handle, &descriptor) == 0) {
    std::array<char, kSmallestBuffer> some;
    ssize_t count = 0;
    do {
      count = ::recv(descriptor, some.data(), some.size(), MSG_DONTWAIT);
      if (count > 0) last_words.append(some.data(), static_cast<std::size_t>(count));
    } while (count > 0 && last_words.size() < kMostLastWords);
  }
  close();
}

uv_buf_t Socket::room() {
  if (filled && size < kLargestBuffer) {
    size = std::max(kSmallestBuffer, 4 * size);
    buffer = std::make_unique_for_overwrite<char[]>(size);
  }
  return uv_buf_init(buffer.get(), static_cast<unsigned>(size));
}

namespace {

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
    if (!parked_.park(h)) return false;
    if (!socket_.arrived) start();
    if (socket_.arrived) return false;
    socket_.reader = &parked_;
    return true;
  }
  std::string_view await_resume() {
    if (socket_.reader == &parked_) socket_.reader = nullptr;
    if (!socket_.closing) uv_read_stop(&socket_.stream);
    parked_.resumed();
    const ssize_t count = *socket_.arrived;
    socket_.arrived.reset();
    if (count == UV_EOF) return {};
    if (count < 0) fail("reading", static_cast<int>(count));
    return {socket_.buffer.get(), static_cast<std::size_t>(count)};
  }

 private:
  void start() {
    const int status = uv_read_start(
        &socket_.stream,
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buf) {
          *buf = static_cast<Socket*>(handle->data)->room();
        },
        [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
          if (count == 0) return;
          auto& socket = *static_cast<Socket*>(stream->data);
          uv_read_stop(stream);
          socket.arrived = count;
          socket.filled = count == static_cast<ssize_t>(socket.size);
          if (socket.reader) socket.reader->resume_now();
        });
    if (status < 0) socket_.arrived = status;
  }

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
    const std::stop_token* stop = coro::stop_of(h);
    if (stop && stop->stop_requested()) {
      cancelled_ = true;
      return false;
    }
    uv_buf_t rest;
    rest.base = const_cast<char*>(data_.data());
    rest.len = data_.size();
    // Most writes fit the system's buffer: no request, no extra turn of the loop.
    const int sent = uv_try_write(&socket_->stream, &rest, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
      status_ = sent;
      return false;
    }
    if (sent > 0) {
      rest.base += sent;
      rest.len -= static_cast<std::size_t>(sent);
    }
    if (rest.len == 0) return false;
    waiter_ = h;
    request_.data = this;
    status_ = uv_write(&request_, &socket_->stream, &rest, 1, [](uv_write_t* request, int status) {
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
    if (status_ == 0) return;
    socket_->close_broken();  // the peer has an unknown part of it
    fail("writing", status_);
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
    if (!socket_->last_words.empty()) {
      last_words_ = std::exchange(socket_->last_words, std::string());
      co_return std::string_view(last_words_);
    }
    check_open("reading");
    ReadSome some(socket_);
    const std::string_view bytes = co_await some;
    co_return bytes;
  }
  coro::Task<> write(std::string_view data) override {
    check_open("writing");
    WriteAll all(socket_, data);
    co_await all;
  }
  void expect(std::size_t bytes) noexcept override {
    const int wanted = static_cast<int>(std::clamp<std::size_t>(bytes, 1, 32 * 1024));
    if (wanted == expected_) return;
    expected_ = wanted;
    ::setsockopt(fd(), SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof(wanted));
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
  std::string last_words_;  // that read() has returned
  int expected_ = 1;
};

}  // namespace

std::unique_ptr<Stream> OwnedSocket::into_stream() { return std::make_unique<UvStream>(std::move(socket_)); }

std::unique_ptr<Stream> adopt_unix(EventLoop& loop, int fd) {
  OwnedSocket socket(loop);
  uv_pipe_init(loop.uv(), &socket->pipe, 0);
  socket.initialised();
  const int status = uv_pipe_open(&socket->pipe, fd);
  if (status < 0) {
    ::close(fd);
    fail("adopting a socket", status);
  }
  return socket.into_stream();
}

}  // namespace syncd::loop
