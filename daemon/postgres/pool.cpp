#include "daemon/postgres/pool.hpp"

#include <fmt/format.h>

namespace syncd::postgres {

Pool::Pool(loop::EventLoop& loop, std::string name, Options options, Duration grace)
    : loop_(loop),
      name_(std::move(name)),
      options_(std::move(options)),
      grace_(grace),
      permits_(loop, options_.pool) {}

coro::Task<Pool::Lease> Pool::acquire() {
  auto permit = co_await permits_.take_until(loop_.now() + options_.timeout);
  if (!permit) {
    throw Error(ErrorKind::Transient,
                fmt::format("connection '{}': all {} are in use since {}; raise pool, or stagger the jobs",
                            name_, options_.pool, human_duration(options_.timeout)));
  }
  std::unique_ptr<Connection> connection;
  while (!connection && !idle_.empty()) {
    connection = std::move(idle_.front());  // the one used last: its statements are prepared
    idle_.pop_front();
    if (connection->hung_up()) connection.reset();
  }
  if (!connection) connection = std::make_unique<Connection>(loop_, options_, "syncd", grace_);
  co_return Lease(*this, std::move(*permit), std::move(connection));
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  if (connection->broken()) {
    idle_.clear();  // what ended this one has likely ended the others too
  } else {
    idle_.push_front(std::move(connection));
  }
}

}  // namespace syncd::postgres
