// Listener: accepts connections on a listening socket, one co_await each.  Running out of descriptors
// neither ends it nor makes it spin: it waits a second and tries again.
#pragma once
#include <memory>

#include "daemon/coro/task.hpp"
#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/stream.hpp"

namespace syncd::loop {

class Listener {
 public:
  // Takes over `fd`, a socket that is bound and listens; closes it in the end, also when this throws.
  Listener(EventLoop& loop, int fd);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The next connection.  One awaiter at a time.  Throws Cancelled on a stop, a Permanent error when the
  // socket is of no more use.
  coro::Task<std::unique_ptr<Stream>> accept();

 private:
  class Readable;
  struct Handle;
  EventLoop& loop_;
  Handle* handle_;  // owns itself until libuv's close callback
};

}  // namespace syncd::loop
