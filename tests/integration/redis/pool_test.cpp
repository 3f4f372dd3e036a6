#include "daemon/redis/pool.hpp"

#include "tests/integration/redis/redis_test.hpp"

namespace syncd::redis::test {
namespace {

using syncd::test::Frozen;
using syncd::test::RedisServer;
using syncd::test::TcpGate;

class RedisPool : public RedisDriver {
 protected:
  static Options pool_of(std::uint32_t size, const std::string& uri) {
    Options all = options(uri);
    all.pool = size;
    return all;
  }
};

// The number that Redis gave to this connection.
coro::Task<std::int64_t> id(Pool::Lease& lease) {
  const Replies replies = co_await lease->command(words("CLIENT ID"));
  co_return replies[0].integer();
}

TEST_F(RedisPool, LendsTheSameConnectionAgain) {
  Pool pool(loop, "cache", pool_of(2, RedisServer::shared().uri()));
  const auto body = [](Pool& from) -> coro::Task<> {
    std::int64_t first = 0;
    {
      auto lease = co_await from.acquire();
      first = co_await id(lease);
      auto other = co_await from.acquire();
      EXPECT_NE(co_await id(other), first);
    }
    auto lease = co_await from.acquire();
    EXPECT_EQ(co_await id(lease), first) << "the one that came back last";
  };
  run_task(loop, body(pool));
}

coro::Task<> note(Pool& from, int number, std::vector<int>& order) {
  auto lease = co_await from.acquire();
  order.push_back(number);
  co_await id(lease);
}

TEST_F(RedisPool, ServesThoseWhoWaitInTheirOrder) {
  Pool pool(loop, "cache", pool_of(1, RedisServer::shared().uri()));
  const auto body = [](Pool& from, std::vector<int>& order) -> coro::Task<> {
    coro::AsyncScope scope;
    for (int i = 0; i < 5; ++i) scope.spawn(note(from, i, order));
    co_await scope.join();
  };
  std::vector<int> order;
  run_task(loop, body(pool, order));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(RedisPool, SaysThatItIsTooSmall) {
  Options narrow = pool_of(1, RedisServer::shared().uri());
  narrow.timeout = 100ms;
  Pool pool(loop, "cache", narrow);
  const auto held = run_task(loop, pool.acquire());
  const Error error = error_of(loop, pool.acquire());
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_STREQ(error.what(),
               "connection 'cache': all 1 are in use since 100 ms; raise pool (each running job holds one)");
}

TEST_F(RedisPool, AFailedConnectTakesNoPlace) {
  RedisServer& server = RedisServer::shared();
  TcpGate gate(server.port());
  Pool pool(loop, "cache", pool_of(1, gate_uri(gate)));
  gate.refuse();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(error_of(loop, pool.acquire()).kind(), ErrorKind::Transient);
  gate.pass();
  run_task(loop, pool.acquire());
}

TEST_F(RedisPool, ReplacesAConnectionThatDiedWhileItWasIdle) {
  RedisServer server;
  Pool pool(loop, "cache", pool_of(3, server.uri()));
  const auto several = [](Pool& from) -> coro::Task<> {
    auto first = co_await from.acquire();
    auto second = co_await from.acquire();
    EXPECT_NE(co_await id(first), co_await id(second));
  };
  run_task(loop, several(pool));
  server.call("CLIENT KILL TYPE normal");
  run_task(loop, several(pool));
  server.restart();
  run_task(loop, several(pool));
}

TEST_F(RedisPool, DoesNotLendAClosedConnectionAgain) {
  RedisServer& server = RedisServer::shared();
  Pool pool(loop, "cache", pool_of(1, server.uri()));
  const auto body = [](Pool& from) -> coro::Task<> {
    std::int64_t first = 0;
    {
      auto lease = co_await from.acquire();
      first = co_await id(lease);
      lease->close();
    }
    auto lease = co_await from.acquire();
    EXPECT_NE(co_await id(lease), first);
  };
  run_task(loop, body(pool));
}

TEST_F(RedisPool, ForgetsWhatTheLastUserWatched) {
  RedisServer& server = RedisServer::shared();
  Pool pool(loop, "cache", pool_of(1, server.uri()));
  const auto watch = [](Pool& from) -> coro::Task<> {
    auto lease = co_await from.acquire();
    co_await lease->command(words("WATCH watched"));
  };
  const auto commit = [](Pool& from) -> coro::Task<> {
    auto lease = co_await from.acquire();
    CommandBuffer commands;
    commands.add("MULTI");
    commands.add("PING");
    commands.add("EXEC");
    Replies replies;
    co_await lease->execute(commands.view(), 3, replies);
    EXPECT_EQ(replies[2].type(), ReplyType::Array);
  };
  run_task(loop, watch(pool));
  server.call("SET watched changed");
  run_task(loop, commit(pool));
}

TEST_F(RedisPool, SaysThatRedisStandsStill) {
  RedisServer server;
  Options impatient = pool_of(4, server.uri());
  impatient.timeout = 100ms;
  impatient.connect_timeout = 100ms;
  Pool pool(loop, "cache", impatient);
  run_task(loop, pool.acquire());
  const Frozen frozen = server.freeze();
  EXPECT_EQ(error_of(loop, pool.acquire()).what(),
            "connecting to " + server.uri() + ": no answer within 100 ms");
}

}  // namespace
}  // namespace syncd::redis::test
