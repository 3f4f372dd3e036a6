// Connection: one Redis session over the loop.  hiredis decodes, we carry the bytes: its own async adapter
// misses refused connections and resets, and knows no deadlines and no TLS.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "daemon/loop/stream.hpp"
#include "daemon/redis/decoder.hpp"
#include "daemon/redis/options.hpp"

namespace syncd::redis {

class Connection {
 public:
  // Connects and logs in within connect_timeout; throws Transient, or Permanent where Redis refuses us.
  static coro::Task<std::unique_ptr<Connection>> open(loop::EventLoop& loop, const Options& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends `commands`, which must stay valid, and returns `count` replies in `into` (cleared first).  One
  // caller at a time.  When it throws (deadline, stop, reset) the connection is closed: what Redis did with
  // the commands is unknown.
  coro::Task<> execute(std::string_view commands, std::size_t count, Replies& into);
  // The same in two steps, so that the caller may work in between, or send more before it has read.
  coro::Task<> send(std::string_view commands);
  // For commands that are of no use before what the caller sends next: what is short goes out with that.
  coro::Task<> begin(std::string_view commands);
  coro::Task<> receive(std::size_t count, Replies& into);
  // Reads as many of the next `count` replies as are +QUEUED, the answer to a command inside MULTI, and says
  // how many; what comes after them is left to receive().
  coro::Task<std::size_t> skip_queued(std::size_t count);
  // One command whose error reply is an exception.
  coro::Task<Replies> command(std::vector<std::string> arguments);

  // For a connection whose state is unknown to its user: it will not be used again.
  void close() noexcept { stream_->close(); }
  bool closed() const noexcept { return stream_->closed(); }
  const std::string& server() const noexcept { return server_; }  // for messages

 private:
  Connection(loop::EventLoop& loop, Duration timeout, std::unique_ptr<loop::Stream> stream,
             std::string server);
  template <class T>
  coro::Task<T> in_time(coro::Task<T> task);
  coro::Task<> exchange(std::string_view commands, std::size_t count, Replies& into);
  coro::Task<> write(std::string_view commands);
  coro::Task<> read_replies(std::size_t count, Replies& into);
  coro::Task<std::size_t> read_queued(std::size_t count);
  coro::Task<> read_more();
  coro::Task<> explain(Error broken);
  static coro::Task<std::unique_ptr<Connection>> establish(loop::EventLoop& loop, const Options& options,
                                                           const Address& address);
  coro::Task<> log_in(const Address& address);

  loop::EventLoop& loop_;
  const Duration timeout_;  // for one exchange
  std::unique_ptr<loop::Stream> stream_;
  std::string server_;
  Decoder decoder_;
  std::string begun_;  // goes in front of what is sent next
};

}  // namespace syncd::redis
