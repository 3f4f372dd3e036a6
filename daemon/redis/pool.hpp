// Pool: the connections of one [connections.NAME], shared by all jobs, first come first served.
#pragma once
#include <list>
#include <memory>
#include <string>

#include "daemon/coro/signal.hpp"
#include "daemon/redis/connection.hpp"

namespace syncd::redis {

class Pool {
 public:
  Pool(loop::EventLoop& loop, std::string name, Options options);
  ~Pool();  // every lease must be back
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // A connection for the time of its life; a closed one is thrown away when it comes back.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept : pool_(other.pool_), connection_(std::move(other.connection_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_));
    }
    Connection* operator->() const noexcept { return connection_.get(); }
    Connection& operator*() const noexcept { return *connection_; }

   private:
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  // Waits for a free connection, `timeout` at most, and opens one where none is idle.  An idle one is asked
  // first whether it still lives.
  coro::Task<Lease> acquire();

  const Options& options() const noexcept { return options_; }

 private:
  class Slot;
  void give_back(std::unique_ptr<Connection> connection);

  loop::EventLoop& loop_;
  std::string name_;
  const Options options_;
  std::list<std::unique_ptr<Connection>> idle_;
  std::size_t out_ = 0;  // leased or being opened
  std::list<coro::Signal*> waiters_;
};

}  // namespace syncd::redis
