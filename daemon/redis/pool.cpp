#include "daemon/redis/pool.hpp"

#include <fmt/format.h>

#include "daemon/redis/command.hpp"

namespace syncd::redis {
namespace {

// UNWATCH is as good a question as PING, and forgets what the last user may have watched.
coro::Task<bool> answers(Connection& connection) {
  CommandBuffer question;
  question.add("UNWATCH");
  Replies replies;
  try {
    co_await connection.execute(question.view(), 1, replies);
  } catch (const Error&) {
    co_return false;  // it died while it was idle: nobody has lost anything
  }
  co_return replies[0].text() != "QUEUED";  // it would be in the middle of somebody's transaction
}

}  // namespace

Pool::Pool(loop::EventLoop& loop, std::string name, Options options)
    : loop_(loop), name_(std::move(name)), options_(std::move(options)), permits_(loop, options_.pool) {}

coro::Task<Pool::Lease> Pool::acquire() {
  auto permit = co_await permits_.take_until(loop_.now() + options_.timeout);
  if (!permit) {
    throw Error(
        ErrorKind::Transient,
        fmt::format("connection '{}': all {} are in use since {}; raise pool (each running job holds one)",
                    name_, options_.pool, human_duration(options_.timeout)));
  }
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.front());
    idle_.pop_front();
    const bool alive = co_await answers(*connection);
    if (alive) co_return Lease(*this, std::move(*permit), std::move(connection));
    idle_.clear();  // what ended this one has likely ended the others too
  }
  std::unique_ptr<Connection> connection = co_await Connection::open(loop_, options_);
  co_return Lease(*this, std::move(*permit), std::move(connection));
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  if (!connection->closed()) idle_.push_front(std::move(connection));
}

}  // namespace syncd::redis
