#include "daemon/postgres/pool.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace syncd::postgres {

Pool::Pool(loop::EventLoop& loop, std::string name, Options options, Duration grace)
    : loop_(loop),
      name_(std::move(name)),
      options_(std::move(options)),
      grace_(grace),
      permits_(loop, options_.pool) {}

coro::Task<Pool::Lease> Pool::acquire(std::string application_name) {
  auto permit = co_await permits_.take_until(loop_.now() + options_.timeout);
  if (!permit) {
    throw Error(ErrorKind::Transient,
                fmt::format("connection '{}': all {} are in use since {}; raise pool, or stagger the jobs",
                            name_, options_.pool, human_duration(options_.timeout)));
  }
  std::unique_ptr<Connection> connection = take_idle(application_name);
  if (!connection) {
    if (leased_ + idle_.size() >= options_.pool && !idle_.empty()) idle_.pop_back();
    connection = std::make_unique<Connection>(loop_, options_, std::move(application_name), grace_);
  }
  ++leased_;
  co_return Lease(*this, std::move(*permit), std::move(connection));
}

std::unique_ptr<Connection> Pool::take_idle(const std::string& application_name) {
  idle_.remove_if([](const auto& connection) { return connection->hung_up(); });
  const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& connection) {
    return connection->application_name() == application_name;
  });
  if (found == idle_.end()) return nullptr;
  std::unique_ptr<Connection> connection = std::move(*found);
  idle_.erase(found);
  return connection;
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  --leased_;
  if (connection->broken()) {
    idle_.clear();  // what ended this one has likely ended the others too
  } else {
    idle_.push_front(std::move(connection));
  }
}

}  // namespace syncd::postgres
