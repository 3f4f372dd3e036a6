// Stream: one connection (TCP, Unix socket, TLS) as awaitable reads and writes.  Loop thread only; one
// read and one write at a time.  Nothing is read while nobody asks: back-pressure reaches the peer.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/coro/task.hpp"
#include "daemon/loop/event_loop.hpp"

namespace syncd::loop {

class Stream {
 public:
  virtual ~Stream() = default;

  // The next bytes, valid until the next read(); empty at the end of the stream.  Throws a Transient error
  // when the connection breaks, Cancelled on a stop (nothing is lost: the next read() goes on).
  virtual coro::Task<std::string_view> read() = 0;

  // Returns when the system has all of `data`, which must stay valid that long.  A stop or an error closes
  // the stream: the peer has an unknown part of it.  After an error read() has what the peer sent until then.
  virtual coro::Task<> write(std::string_view data) = 0;

  // The next read() need not return before so many bytes are there: the system wakes us once for all of
  // them.  A hint; the end of the stream and errors wake in any case.  Holds until it is changed; 1 at first.
  virtual void expect(std::size_t bytes) noexcept { static_cast<void>(bytes); }

  // Idempotent; pending reads and writes fail.
  virtual void close() noexcept = 0;
  virtual bool closed() const noexcept = 0;
  virtual int fd() const noexcept = 0;  // -1 when closed
};

// Resolves `host` without blocking the loop and tries each address in turn.  No deadline of its own: use
// with_timeout.  Throws a Transient error that names host and port; Cancelled at once on a stop, also while
// the resolver hangs.
coro::Task<std::unique_ptr<Stream>> connect_tcp(EventLoop& loop, std::string host, std::uint16_t port);
coro::Task<std::unique_ptr<Stream>> connect_unix(EventLoop& loop, std::string path);

// Takes over an accepted socket or one end of a socketpair; closes it if it throws.
std::unique_ptr<Stream> adopt_unix(EventLoop& loop, int fd);

}  // namespace syncd::loop
