#include "daemon/postgres/pool.hpp"

#include <fmt/format.h>

#include <cassert>

namespace syncd::postgres {

Pool::Pool(loop::EventLoop& loop, std::string name, Options options, Duration grace)
    : loop_(loop), name_(std::move(name)), options_(std::move(options)), grace_(grace) {}

Pool::~Pool() { assert(out_ == 0 && "a lease outlived its pool"); }

coro::Task<Pool::Lease> Pool::acquire() {
  const TimePoint deadline = loop_.now() + options_.timeout;
  if (out_ >= options_.pool || !waiters_.empty()) {
    coro::Signal turn(loop_);
    struct Queued {
      std::list<coro::Signal*>& queue;
      std::list<coro::Signal*>::iterator mine;
      ~Queued() { queue.erase(mine); }
    };
    Queued queued{waiters_, waiters_.insert(waiters_.end(), &turn)};
    while (out_ >= options_.pool || waiters_.front() != &turn) {
      const bool announced = co_await turn.wait_until(deadline);
      if (!announced) {
        throw Error(
            ErrorKind::Transient,
            fmt::format("connection '{}': all {} are in use since {}; raise pool, or stagger the jobs", name_,
                        options_.pool, human_duration(options_.timeout)));
      }
    }
  }
  ++out_;
  // Another free connection may be there for the next in the queue.
  for (coro::Signal* waiter : waiters_) waiter->notify();
  std::unique_ptr<Connection> connection;
  while (!connection && !idle_.empty()) {
    connection = std::move(idle_.front());  // the one used last: its statements are prepared
    idle_.pop_front();
    if (connection->hung_up()) connection.reset();
  }
  if (!connection) connection = std::make_unique<Connection>(loop_, options_, "syncd", grace_);
  co_return Lease(*this, std::move(connection));
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  --out_;
  if (connection->broken()) {
    idle_.clear();  // what ended this one has likely ended the others too
  } else {
    idle_.push_front(std::move(connection));
  }
  if (!waiters_.empty()) waiters_.front()->notify();
}

}  // namespace syncd::postgres
