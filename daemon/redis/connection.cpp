#include "daemon/redis/connection.hpp"

#include <fmt/format.h>

#include "daemon/coro/timeout.hpp"
#include "daemon/loop/tls.hpp"
#include "daemon/redis/command.hpp"

namespace syncd::redis {

Connection::Connection(loop::EventLoop& loop, Duration timeout, std::unique_ptr<loop::Stream> stream,
                       std::string server)
    : loop_(loop), timeout_(timeout), stream_(std::move(stream)), server_(std::move(server)) {}

Connection::~Connection() = default;

namespace {

coro::Task<std::unique_ptr<loop::Stream>> connect(loop::EventLoop& loop, const Address& address,
                                                  const Options& options) {
  if (address.host.empty()) {
    auto stream = co_await loop::connect_unix(loop, address.path);
    co_return stream;
  }
  auto stream = co_await loop::connect_tcp(loop, address.host, address.port);
  if (!address.tls) co_return stream;
  try {
    auto secured = co_await loop::start_tls(std::move(stream), address.host, options.ca_file);
    co_return secured;
  } catch (const Error& error) {
    throw error.within("connecting to " + address.text());
  }
}

}  // namespace

coro::Task<std::unique_ptr<Connection>> Connection::open(loop::EventLoop& loop, const Options& options) {
  Address address = Address::parse(options.uri);
  if (options.password) address.password = *options.password;
  auto made = co_await with_timeout(loop, options.connect_timeout, "connecting to " + address.text(),
                                    establish(loop, options, address));
  co_return made;
}

coro::Task<std::unique_ptr<Connection>> Connection::establish(loop::EventLoop& loop, const Options& options,
                                                              const Address& address) {
  auto stream = co_await connect(loop, address, options);
  std::unique_ptr<Connection> connection(
      new Connection(loop, options.timeout, std::move(stream), address.text()));
  co_await connection->log_in(address);
  co_return connection;
}

coro::Task<> Connection::log_in(const Address& address) {
  CommandBuffer commands;
  if (!address.user.empty()) {
    commands.add("AUTH", address.user, address.password.reveal());
  } else if (!address.password.empty()) {
    commands.add("AUTH", address.password.reveal());
  }
  if (address.database != 0) commands.add("SELECT", std::to_string(address.database));
  const std::size_t vital = commands.commands();
  commands.add("CLIENT", "SETNAME", "syncd");  // a courtesy; an ACL may forbid it
  Replies replies;
  std::optional<Error> lost;
  const std::string doing = "logging in to " + server_;
  try {
    co_await exchange(commands.view(), vital + 1, replies);
  } catch (const Error& error) {
    lost = error.within(doing);  // Redis may have said why, once for all, and hung up
  }
  for (std::size_t i = 0; i < replies.count(); ++i) {
    if (!replies[i].error()) continue;
    const Error error = to_error(replies[i].text());
    if (i >= vital && error.kind() == ErrorKind::Permanent && !replies[i].text().starts_with("NOAUTH"))
      continue;
    // There is no row yet whose fault it could be.
    const ErrorKind kind = error.kind() == ErrorKind::Data ? ErrorKind::Permanent : error.kind();
    throw Error(kind, error.what()).within(doing);
  }
  if (lost) throw *lost;
}

coro::Task<> Connection::exchange(std::string_view commands, std::size_t count, Replies& into) {
  co_await write(commands);
  co_await read_replies(count, into);
  if (!decoder_.drained()) {
    throw Error(ErrorKind::Transient, "Redis sent more replies than were asked for");
  }
}

namespace {

// Redis hangs up on whom it cannot understand, and says why before: `replies` are the last that came.
Error explained(const Error& broken, const Replies& replies) {
  if (replies.count() == 0) return broken;
  const Reply last = replies[replies.count() - 1];
  return last.error() && ends_connection(last.text()) ? to_error(last.text()) : broken;
}

}  // namespace

// After a failed write; throws.
coro::Task<> Connection::explain(Error broken) {
  Replies replies;
  try {
    while (true) {
      const bool whole = decoder_.next(replies);
      if (!whole) co_await read_more();  // the stream is closed: it returns at once
    }
  } catch (const Error&) {
    broken = explained(broken, replies);  // that was all
  }
  throw std::move(broken);
}

coro::Task<> Connection::write(std::string_view commands) {
  if (!begun_.empty()) {
    begun_ += commands;
    commands = begun_;
  }
  std::optional<Error> broken;
  try {
    co_await stream_->write(commands);
  } catch (const Error& error) {
    broken = error;
  }
  if (broken) co_await explain(std::move(*broken));
  begun_.clear();
}

coro::Task<> Connection::read_more() {
  const std::string_view bytes = co_await stream_->read();
  if (bytes.empty()) throw Error(ErrorKind::Transient, "Redis closed the connection");
  decoder_.feed(bytes);
}

coro::Task<> Connection::read_replies(std::size_t count, Replies& into) {
  into.clear();
  try {
    while (into.count() < count) {
      const bool whole = decoder_.next(into);
      if (!whole) co_await read_more();
    }
  } catch (const Error& error) {
    throw explained(error, into);
  }
}

coro::Task<std::size_t> Connection::read_queued(std::size_t count) {
  constexpr std::string_view kQueued = "+QUEUED\r\n";
  std::size_t skipped = decoder_.skip(kQueued, count);
  while (skipped < count && decoder_.may_continue(kQueued)) {
    // Nothing that Redis may answer instead is shorter.
    stream_->expect((count - skipped - 1) * kQueued.size());
    co_await read_more();
    skipped += decoder_.skip(kQueued, count - skipped);
  }
  stream_->expect(1);
  co_return skipped;
}

// Whatever goes wrong, the connection is closed: nobody knows what Redis did.
template <class T>
coro::Task<T> Connection::in_time(coro::Task<T> task) {
  std::exception_ptr failure;
  try {
    co_return co_await with_timeout(loop_, timeout_, "waiting for " + server_, std::move(task));
  } catch (const Error& error) {
    const bool named = std::string_view(error.what()).find(server_) != std::string_view::npos;
    failure = std::make_exception_ptr(named ? error : error.within(server_));
  } catch (...) {
    failure = std::current_exception();
  }
  stream_->close();
  std::rethrow_exception(failure);
}

coro::Task<> Connection::execute(std::string_view commands, std::size_t count, Replies& into) {
  co_await in_time(exchange(commands, count, into));
}

coro::Task<> Connection::send(std::string_view commands) { co_await in_time(write(commands)); }

coro::Task<> Connection::begin(std::string_view commands) {
  constexpr std::size_t kShort = 16 * 1024;
  if (commands.size() > kShort) {
    co_await send(commands);
  } else {
    begun_ += commands;
  }
}

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
