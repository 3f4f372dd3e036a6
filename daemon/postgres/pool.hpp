// Pool: the connections of one [connections.NAME], shared by all jobs, first come first served.
#pragma once
#include <list>
#include <memory>
#include <string>

#include "daemon/coro/permits.hpp"
#include "daemon/postgres/connection.hpp"

namespace syncd::postgres {

class Pool {
 public:
  Pool(loop::EventLoop& loop, std::string name, Options options, Duration grace = Connection::kGrace);
  // Every lease must be back when it goes.
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // A connection for the time of the lease's life; a broken one is thrown away when it comes back.
  class Lease {
   public:
    Lease(Pool& pool, coro::Permits::Permit permit, std::unique_ptr<Connection> connection)
        : pool_(&pool), permit_(std::move(permit)), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_));
    }
    Connection* operator->() const noexcept { return connection_.get(); }

   private:
    Pool* pool_;
    coro::Permits::Permit permit_;
    std::unique_ptr<Connection> connection_;
  };

  // Waits for a free connection, `timeout` at most; throws a Transient error then.  Connecting itself
  // happens at the first call of run().
  coro::Task<Lease> acquire(std::string application_name = kReader);

  const Options& options() const noexcept { return options_; }
  const std::string& name() const noexcept { return name_; }

 private:
  std::unique_ptr<Connection> take_idle(const std::string& application_name);
  void give_back(std::unique_ptr<Connection> connection);

  loop::EventLoop& loop_;
  std::string name_;
  const Options options_;
  Duration grace_;
  std::list<std::unique_ptr<Connection>> idle_;  // the one used last in front: its statements are prepared
  std::size_t leased_ = 0;
  coro::Permits permits_;  // for those that are leased
};

}  // namespace syncd::postgres
