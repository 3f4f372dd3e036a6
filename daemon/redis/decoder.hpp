// Decoder: bytes into replies, incrementally; the same whatever way they are cut.
#pragma once
#include <memory>
#include <string_view>

#include "daemon/redis/reply.hpp"

struct redisReader;

namespace syncd::redis {

class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Takes a copy; at best 64 KiB at a time.
  void feed(std::string_view bytes);
  // Decodes the next reply, if it is there whole, and appends it.  Throws a Permanent error on bytes that are
  // no RESP2.  The same `into` until the reply is whole.
  bool next(Replies& into);

  // Passes over as many of the next `most` replies as are `reply`, literally, and says how many.  Much
  // cheaper than next(): a commit has a thousand +QUEUED.
  std::size_t skip(std::string_view reply, std::size_t most);
  // What is left could be the beginning of `reply`: skip() may find more once more is fed.
  bool may_continue(std::string_view reply) const noexcept;

  // Nothing is left of what was fed.
  bool drained() const noexcept;

 private:
  struct Functions;
  struct FreeReader {
    void operator()(redisReader* reader) const;
  };
  [[noreturn]] void refuse() const;
  std::string_view rest() const noexcept;
  bool between_replies() const noexcept;
  std::size_t add(const void* task, ReplyType type, std::int64_t value, std::string_view text,
                  std::size_t elements);

  std::unique_ptr<redisReader, FreeReader> reader_;
  bool foreign_ = false;  // a reply that RESP2 does not have
  Replies* replies_ = nullptr;
};

}  // namespace syncd::redis
