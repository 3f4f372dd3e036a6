// The only file that names hiredis (0.14 and 1.x).
#include "daemon/redis/connection.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include "daemon/coro/timeout.hpp"
#include "daemon/loop/tls.hpp"
#include "daemon/redis/command.hpp"

namespace syncd::redis {

// --- Decoder -----------------------------------------------------------------------------------------

#if HIREDIS_MAJOR >= 1
using ArraySize = std::size_t;
#else
using ArraySize = int;
#endif

// What hiredis calls for each element.  An object is the index of its node plus one, dressed as a pointer.
struct Decoder::Functions {
  static void* as_object(std::size_t node) { return reinterpret_cast<void*>(node + 1); }
  static Decoder& self(const redisReadTask* task) { return *static_cast<Decoder*>(task->privdata); }
  static void* string(const redisReadTask* task, char* text, std::size_t size) {
    ReplyType type = ReplyType::String;
    if (task->type == REDIS_REPLY_STATUS) type = ReplyType::Status;
    if (task->type == REDIS_REPLY_ERROR) type = ReplyType::Error;
    return as_object(self(task).add(task, type, 0, {text, size}, 0));
  }
  static void* array(const redisReadTask* task, ArraySize elements) {
    return as_object(self(task).add(task, ReplyType::Array, 0, {}, static_cast<std::size_t>(elements)));
  }
  static void* integer(const redisReadTask* task, long long value) {
    return as_object(self(task).add(task, ReplyType::Integer, value, {}, 0));
  }
  static void* nil(const redisReadTask* task) {
    return as_object(self(task).add(task, ReplyType::Nil, 0, {}, 0));
  }
  static void release(void*) {}

  static redisReplyObjectFunctions* table() {
    static redisReplyObjectFunctions functions = [] {
      redisReplyObjectFunctions all{};
      all.createString = &string;
      all.createArray = &array;
      all.createInteger = &integer;
      all.createNil = &nil;
      all.freeObject = &release;
      return all;
    }();
    return &functions;
  }
};

void Decoder::FreeReader::operator()(redisReader* reader) const { redisReaderFree(reader); }

Decoder::Decoder() : reader_(redisReaderCreateWithFunctions(Functions::table())) { reader_->privdata = this; }
Decoder::~Decoder() = default;

std::size_t Decoder::add(const void* opaque, ReplyType type, std::int64_t value, std::string_view text,
                         std::size_t elements) {
  const auto* task = static_cast<const redisReadTask*>(opaque);
  auto& nodes = replies_->nodes_;
  const std::size_t index = nodes.size();
  Replies::Node node{};
  node.type = type;
  node.value = value;
  node.size = static_cast<std::uint32_t>(type == ReplyType::Array ? elements : text.size());
  if (!text.empty()) {
    node.value = static_cast<std::int64_t>(replies_->text_.size());
    replies_->text_.append(text);
  }
  node.end = index + 1;
  nodes.push_back(node);
  if (task->parent == nullptr) replies_->roots_.push_back(index);
  if (type == ReplyType::Array && elements > 0) return index;
  // A leaf that is the last element ends every array that it closes.
  for (const redisReadTask* t = task; t->parent != nullptr && t->idx + 1 == t->parent->elements;
       t = t->parent) {
    nodes[reinterpret_cast<std::size_t>(t->parent->obj) - 1].end = nodes.size();
  }
  return index;
}

void Decoder::feed(std::string_view bytes) {
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) refuse();
}

bool Decoder::next(Replies& into) {
  replies_ = &into;
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) refuse();
  return reply != nullptr;
}

bool Decoder::drained() const noexcept { return reader_->ridx < 0 && reader_->pos == reader_->len; }

void Decoder::refuse() const {
  throw Error(ErrorKind::Permanent, fmt::format("this is no Redis: {}", reader_->errstr));
}

// --- Connection --------------------------------------------------------------------------------------

Connection::Connection(loop::EventLoop& loop, const Options& options, std::unique_ptr<loop::Stream> stream,
                       std::string server)
    : loop_(loop), options_(options), stream_(std::move(stream)), server_(std::move(server)) {}

Connection::~Connection() = default;

namespace {

coro::Task<std::unique_ptr<loop::Stream>> connect(loop::EventLoop& loop, const Address& address,
                                                  const Options& options) {
  if (address.host.empty()) {
    auto stream = co_await loop::connect_unix(loop, address.path);
    co_return stream;
  }
  auto stream = co_await loop::connect_tcp(loop, address.host, address.port);
  if (address.tls) stream = co_await loop::start_tls(std::move(stream), address.host, options.ca_file);
  co_return stream;
}

}  // namespace

coro::Task<std::unique_ptr<Connection>> Connection::open(loop::EventLoop& loop, const Options& options) {
  Address address = Address::parse(options.uri);
  if (options.password) address.password = *options.password;
  const TimePoint deadline = loop.now() + options.connect_timeout;
  auto stream = co_await with_timeout(loop, options.connect_timeout, "connecting to " + address.text(),
                                      connect(loop, address, options));
  std::unique_ptr<Connection> connection(new Connection(loop, options, std::move(stream), address.text()));
  const Duration left = std::max<Duration>(deadline - loop.now(), std::chrono::milliseconds(1));
  co_await with_timeout(loop, left, "logging in to " + address.text(), connection->log_in(address));
  co_return connection;
}

coro::Task<> Connection::log_in(const Address& address) {
  if (!address.password.empty()) {
    std::vector<std::string> auth{"AUTH"};
    if (!address.user.empty()) auth.push_back(address.user);
    auth.push_back(address.password.reveal());
    co_await command(std::move(auth));
  }
  if (address.database != 0) {
    std::vector<std::string> select{"SELECT", std::to_string(address.database)};
    co_await command(std::move(select));
  }
  CommandBuffer name;
  name.add("CLIENT", "SETNAME", "syncd");
  Replies replies;
  co_await exchange(name.view(), 1, replies);  // a courtesy; an ACL may forbid it
  if (replies[0].error() && replies[0].text().substr(0, 6) == "NOAUTH") throw to_error(replies[0].text());
}

coro::Task<> Connection::exchange(std::string_view commands, std::size_t count, Replies& into) {
  co_await stream_->write(commands);
  co_await read_replies(count, into);
  if (!decoder_.drained() || !received_.empty()) {
    throw Error(ErrorKind::Transient, server_ + " sent more replies than were asked for");
  }
}

coro::Task<> Connection::read_more() {
  received_ = co_await stream_->read();
  if (received_.empty()) throw Error(ErrorKind::Transient, server_ + " closed the connection");
}

coro::Task<> Connection::read_replies(std::size_t count, Replies& into) {
  into.clear();
  while (into.count() < count) {
    const bool complete = decoder_.next(into);
    if (complete) continue;
    if (received_.empty()) co_await read_more();
    decoder_.feed(received_);
    received_ = {};
  }
}

// Straight from the bytes: a commit has a thousand of these.
coro::Task<std::size_t> Connection::read_queued(std::size_t count) {
  constexpr std::string_view kQueued = "+QUEUED\r\n";
  std::size_t skipped = 0;
  while (skipped < count && decoder_.drained()) {
    while (skipped < count && received_.starts_with(kQueued)) {
      received_.remove_prefix(kQueued.size());
      ++skipped;
    }
    if (skipped == count) break;
    if (received_.empty()) {
      co_await read_more();
    } else if (received_.size() < kQueued.size() && kQueued.starts_with(received_)) {
      const std::string begun(received_);  // cut in the middle
      co_await read_more();
      const std::size_t missing = std::min(kQueued.size() - begun.size(), received_.size());
      const bool whole = begun.size() + missing == kQueued.size() &&
                         kQueued.substr(begun.size()) == received_.substr(0, missing);
      if (whole) {
        received_.remove_prefix(missing);
        ++skipped;
      } else {
        decoder_.feed(begun);
      }
    } else {
      break;
    }
  }
  co_return skipped;
}

// Whatever goes wrong, the connection is closed: nobody knows what Redis did.
template <class T>
coro::Task<T> Connection::in_time(coro::Task<T> task) {
  std::exception_ptr failure;
  try {
    co_return co_await with_timeout(loop_, options_.timeout, "waiting for " + server_, std::move(task));
  } catch (const Error& error) {
    const bool named = std::string_view(error.what()).find(server_) != std::string_view::npos;
    const bool passing = error.kind() == ErrorKind::Transient;
    failure = std::make_exception_ptr(passing && !named ? error.within(server_) : error);
  } catch (...) {
    failure = std::current_exception();
  }
  stream_->close();
  std::rethrow_exception(failure);
}

coro::Task<> Connection::execute(std::string_view commands, std::size_t count, Replies& into) {
  co_await in_time(exchange(commands, count, into));
}

coro::Task<> Connection::send(std::string_view commands) { co_await in_time(stream_->write(commands)); }

coro::Task<> Connection::receive(std::size_t count, Replies& into) {
  co_await in_time(read_replies(count, into));
}

coro::Task<std::size_t> Connection::skip_queued(std::size_t count) {
  const std::size_t skipped = co_await in_time(read_queued(count));
  co_return skipped;
}

coro::Task<Replies> Connection::command(std::vector<std::string> arguments) {
  CommandBuffer buffer;
  buffer.command(arguments.size());
  for (const std::string& argument : arguments) buffer.argument(argument);
  Replies replies;
  co_await execute(buffer.view(), 1, replies);
  if (replies[0].error()) throw to_error(replies[0].text());
  co_return replies;
}

}  // namespace syncd::redis
