// Connection: one Redis session over the loop.  hiredis decodes, we carry the bytes: its own async adapter
// misses refused connections and resets, and knows no deadlines and no TLS.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "daemon/loop/stream.hpp"
#include "daemon/redis/options.hpp"
#include "daemon/redis/reply.hpp"

struct redisReader;

namespace syncd::redis {

// Bytes into replies, incrementally; the same whatever way they are cut.
class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Where the next replies go.
  void decode_into(Replies& replies) noexcept { replies_ = &replies; }
  // Throws a Permanent error on bytes that are no RESP2.
  void feed(std::string_view bytes);

 private:
  struct Functions;
  struct FreeReader {
    void operator()(redisReader* reader) const;
  };
  std::size_t add(const void* task, ReplyType type, std::int64_t value, std::string_view text,
                  std::size_t elements);

  std::unique_ptr<redisReader, FreeReader> reader_;
  Replies* replies_ = nullptr;
};

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
  // One command whose error reply is an exception.
  coro::Task<Replies> command(std::vector<std::string> arguments);

  bool closed() const noexcept { return stream_->closed(); }
  const std::string& server() const noexcept { return server_; }  // for messages

 private:
  Connection(loop::EventLoop& loop, const Options& options, std::unique_ptr<loop::Stream> stream,
             std::string server);
  coro::Task<> exchange(std::string_view commands, std::size_t count, Replies& into);
  coro::Task<> log_in(const Address& address);

  loop::EventLoop& loop_;
  const Options& options_;
  std::unique_ptr<loop::Stream> stream_;
  std::string server_;
  Decoder decoder_;
};

}  // namespace syncd::redis
