#include "daemon/redis/pool.hpp"

#include <fmt/format.h>

#include <cassert>

#include "daemon/redis/command.hpp"

namespace syncd::redis {

// A place among the connections that may be out; free again unless it becomes a lease.
class Pool::Slot {
 public:
  explicit Slot(Pool& pool) : pool_(&pool) { ++pool_->out_; }
  ~Slot() {
    if (pool_ != nullptr) pool_->give_back(nullptr);
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  void taken() noexcept { pool_ = nullptr; }

 private:
  Pool* pool_;
};

Pool::Pool(loop::EventLoop& loop, std::string name, Options options)
    : loop_(loop), name_(std::move(name)), options_(std::move(options)) {}

Pool::~Pool() { assert(out_ == 0 && "a lease outlived its pool"); }

coro::Task<Pool::Lease> Pool::acquire() {
  if (out_ >= options_.pool || !waiters_.empty()) {
    const TimePoint deadline = loop_.now() + options_.timeout;
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
            fmt::format(
                "connection '{}': all {} are in use since {}; raise pool (each running job holds one)", name_,
                options_.pool, human_duration(options_.timeout)));
      }
    }
  }
  Slot slot(*this);
  // Another free connection may be there for the next in the queue.
  for (coro::Signal* waiter : waiters_) waiter->notify();
  // As good a question as PING, and it forgets what the last user may have watched.
  CommandBuffer ping;
  ping.add("UNWATCH");
  Replies replies;
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.front());
    idle_.pop_front();
    bool alive = true;
    try {
      co_await connection->execute(ping.view(), 1, replies);
    } catch (const Error&) {
      alive = false;  // it died while it was idle: nobody has lost anything
    }
    if (alive) {
      slot.taken();
      co_return Lease(*this, std::move(connection));
    }
  }
  std::unique_ptr<Connection> connection = co_await Connection::open(loop_, options_);
  slot.taken();
  co_return Lease(*this, std::move(connection));
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  --out_;
  if (connection && !connection->closed()) idle_.push_front(std::move(connection));
  if (!waiters_.empty()) waiters_.front()->notify();
}

}  // namespace syncd::redis
