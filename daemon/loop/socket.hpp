// Socket: the libuv handle under a Stream, with its buffer.  For this room only.
#pragma once
#include <uv.h>

#include <memory>
#include <optional>
#include <string>

#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/stream.hpp"

namespace syncd::loop {

// Throws a Transient error "DOING: what the system says".
[[noreturn]] void fail(const std::string& doing, int status);

// libuv may call back until the close callback, and an awaiter may be resumed after it: each of them holds
// a share.
struct Socket {
  explicit Socket(Clock& owner_clock) : clock(owner_clock) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void close() noexcept;
  // After an error: what the peer sent is kept in `last_words`, then the socket is closed.
  void close_broken();
  // The buffer for the next read, while nothing waits in it: most connections carry little.
  uv_buf_t room();

  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  Clock& clock;
  std::shared_ptr<Socket> self;  // held for libuv, from the initialisation to the close callback
  bool closing = false;
  std::string last_words;  // of a peer that hung up while we wrote
  Parked* reader = nullptr;
  // What nobody took yet: the size of what is in `buffer`, or an error.  A read that is stopped while bytes
  // arrive leaves them to the next one.
  std::optional<ssize_t> arrived;
  std::unique_ptr<char[]> buffer;
  std::size_t size = 0;  // of the buffer
  bool filled = true;    // the last read took all of it: the next one gets more
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

  // To be called once uv_..._init() has made the handle.
  void initialised() {
    socket_->handle.data = socket_.get();
    socket_->self = socket_;
  }
  Socket* operator->() const { return socket_.get(); }
  const std::shared_ptr<Socket>& share() const { return socket_; }
  std::unique_ptr<Stream> into_stream();

 private:
  std::shared_ptr<Socket> socket_;
};

}  // namespace syncd::loop
