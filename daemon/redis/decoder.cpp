// The only file that names hiredis (0.14 and 1.x).
#include "daemon/redis/decoder.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include <cctype>

namespace syncd::redis {

#if HIREDIS_MAJOR >= 1
using ArraySize = std::size_t;
#else
using ArraySize = int;
#endif

// What hiredis calls for each element.  An object is the index of its node plus one, dressed as a pointer.
struct Decoder::Functions {
  static void* as_object(std::size_t node) { return reinterpret_cast<void*>(node + 1); }
  static std::size_t as_node(void* object) { return reinterpret_cast<std::size_t>(object) - 1; }
  static Decoder& self(const redisReadTask* task) { return *static_cast<Decoder*>(task->privdata); }
  // hiredis 1.x also reads RESP3, which nobody asked this server to speak.
  static void check(const redisReadTask* task) {
    switch (task->type) {
      case REDIS_REPLY_STRING:
      case REDIS_REPLY_ARRAY:
      case REDIS_REPLY_INTEGER:
      case REDIS_REPLY_NIL:
      case REDIS_REPLY_STATUS:
      case REDIS_REPLY_ERROR:
        return;
      default:
        self(task).foreign_ = true;
    }
  }
  static void* string(const redisReadTask* task, char* text, std::size_t size) {
    check(task);
    ReplyType type = ReplyType::String;
    if (task->type == REDIS_REPLY_STATUS) type = ReplyType::Status;
    if (task->type == REDIS_REPLY_ERROR) type = ReplyType::Error;
    return as_object(self(task).add(task, type, 0, {text, size}, 0));
  }
  static void* array(const redisReadTask* task, ArraySize elements) {
    check(task);
    return as_object(self(task).add(task, ReplyType::Array, 0, {}, static_cast<std::size_t>(elements)));
  }
  static void* integer(const redisReadTask* task, long long value) {
    return as_object(self(task).add(task, ReplyType::Integer, value, {}, 0));
  }
  static void* nil(const redisReadTask* task) {
    return as_object(self(task).add(task, ReplyType::Nil, 0, {}, 0));
  }
#if HIREDIS_MAJOR >= 1
  static void* real(const redisReadTask* task, double, char*, std::size_t) {
    check(task);
    return nil(task);
  }
  static void* boolean(const redisReadTask* task, int) {
    check(task);
    return nil(task);
  }
#endif
  static void release(void*) {}

  static redisReplyObjectFunctions* table() {
    static redisReplyObjectFunctions functions = [] {
      redisReplyObjectFunctions all{};
      all.createString = &string;
      all.createArray = &array;
      all.createInteger = &integer;
      all.createNil = &nil;
#if HIREDIS_MAJOR >= 1
      all.createDouble = &real;
      all.createBool = &boolean;
#endif
      all.freeObject = &release;
      return all;
    }();
    return &functions;
  }
};

void Decoder::FreeReader::operator()(redisReader* reader) const { redisReaderFree(reader); }

Decoder::Decoder() : reader_(redisReaderCreateWithFunctions(Functions::table())) {
  reader_->privdata = this;
  reader_->maxbuf = 256 * 1024;  // kept from one commit to the next
}
Decoder::~Decoder() = default;

std::size_t Decoder::add(const void* opaque, ReplyType type, std::int64_t value, std::string_view text,
                         std::size_t elements) {
  const auto* task = static_cast<const redisReadTask*>(opaque);
  auto& nodes = replies_->nodes_;
  const std::size_t index = nodes.size();
  const std::size_t size = type == ReplyType::Array ? elements : text.size();
  if (!text.empty()) {
    value = static_cast<std::int64_t>(replies_->text_.size());
    replies_->text_.append(text);
  }
  if (type == ReplyType::Array) value = static_cast<std::int64_t>(index + 1);
  nodes.push_back(Replies::Node{type, static_cast<std::uint32_t>(size), value});
  if (type == ReplyType::Array && elements > 0) return index;
  // A leaf that is the last element ends every array that it closes.
  for (const redisReadTask* t = task; t->parent != nullptr && t->idx + 1 == t->parent->elements;
       t = t->parent) {
    nodes[Functions::as_node(t->parent->obj)].value = static_cast<std::int64_t>(nodes.size());
  }
  return index;
}

void Decoder::feed(std::string_view bytes) {
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) refuse();
}

bool Decoder::next(Replies& into) {
  if (rest().empty()) return false;  // hiredis would begin a reply without its first byte
  replies_ = &into;
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK || foreign_) refuse();
  if (reply == nullptr) return false;
  into.roots_.push_back(Functions::as_node(reply));
  return true;
}

std::size_t Decoder::skip(std::string_view reply, std::size_t most) {
  if (!between_replies()) return 0;
  std::size_t skipped = 0;
  std::string_view left = rest();
  for (; skipped < most && left.starts_with(reply); ++skipped) left.remove_prefix(reply.size());
  reader_->pos += skipped * reply.size();
  return skipped;
}

bool Decoder::may_continue(std::string_view reply) const noexcept {
  const std::string_view left = rest();
  return between_replies() && left.size() < reply.size() && reply.starts_with(left);
}

std::string_view Decoder::rest() const noexcept {
  return {reader_->buf + reader_->pos, reader_->len - reader_->pos};
}
bool Decoder::between_replies() const noexcept { return reader_->ridx < 0; }
bool Decoder::drained() const noexcept { return between_replies() && rest().empty(); }

// hiredis quotes the strange byte in its message; a control character has no business there.
void Decoder::refuse() const {
  std::string why = foreign_ ? "a reply of RESP3 to a client that speaks RESP2" : reader_->errstr;
  std::erase_if(why, [](unsigned char c) { return std::iscntrl(c) != 0; });
  throw Error(ErrorKind::Permanent, "this is no Redis: " + why);
}

}  // namespace syncd::redis
