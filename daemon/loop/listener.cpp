#include "daemon/loop/listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cassert>
#include <cerrno>
#include <cstring>

#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"

namespace syncd::loop {

// We accept ourselves and use libuv only to wait: uv_accept() wants a handle of its own kind first, and a
// descriptor is what adopt_unix() takes.
struct Listener::Handle {
  uv_poll_t poll{};
  int fd = -1;
  Parked* waiter = nullptr;
};

class Listener::Readable {
 public:
  Readable(Clock& clock, Handle& handle) : handle_(handle), parked_(clock) {}
  Readable(const Readable&) = delete;
  Readable& operator=(const Readable&) = delete;
  ~Readable() {
    if (handle_.waiter == &parked_) handle_.waiter = nullptr;
  }
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> h) {
    if (!parked_.park(h)) return false;
    assert(!handle_.waiter && "one accept at a time");
    handle_.waiter = &parked_;
    uv_poll_start(&handle_.poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
      uv_poll_stop(poll);
      auto* handle = static_cast<Handle*>(poll->data);
      if (handle->waiter) handle->waiter->resume_now();
    });
    return true;
  }
  void await_resume() {
    if (handle_.waiter == &parked_) handle_.waiter = nullptr;
    uv_poll_stop(&handle_.poll);
    parked_.resumed();
  }

 private:
  Handle& handle_;
  Parked parked_;
};

Listener::Listener(EventLoop& loop, int fd) : loop_(loop), handle_(new Handle) {
  handle_->fd = fd;
  const int status = uv_poll_init(loop.uv(), &handle_->poll, fd);  // makes it non-blocking
  if (status < 0) {
    delete handle_;
    ::close(fd);
    throw Error(ErrorKind::Permanent, std::string("listening: ") + uv_strerror(status));
  }
  handle_->poll.data = handle_;
}

Listener::~Listener() {
  assert(!handle_->waiter && "accept() is still awaited");
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll), [](uv_handle_t* h) {
    auto* handle = static_cast<Handle*>(h->data);
    ::close(handle->fd);
    delete handle;
  });
}

coro::Task<std::unique_ptr<Stream>> Listener::accept() {
  constexpr Duration kWaitForDescriptors = std::chrono::seconds(1);
  while (true) {
    const int fd = ::accept4(handle_->fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      // A token must not wait until the one before it was acknowledged.  Unix sockets know no such option.
      const int yes = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      co_return adopt_unix(loop_, fd);
    }
    const int error = errno;
    if (error == EAGAIN) {
      Readable readable(loop_, *handle_);
      co_await readable;
    } else if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS) {
      log::warn("", "accepting a connection: {}; next try in 1 s", std::strerror(error));
      co_await sleep_for(loop_, kWaitForDescriptors);
    } else if (error != EINTR && error != ECONNABORTED) {
      throw Error(ErrorKind::Permanent, std::string("accepting a connection: ") + std::strerror(error));
    }
  }
}

}  // namespace syncd::loop
