#include "daemon/postgres/pool.hpp"

#include "tests/integration/postgres/postgres_test.hpp"

namespace syncd::postgres::test {
namespace {

class PostgresPool : public PostgresDriver {
 protected:
  static Options pool_of(std::uint32_t size, const std::string& uri) {
    Options all = options(uri);
    all.pool = size;
    return all;
  }
};

coro::Task<std::string> pid(Pool::Lease& lease) {
  auto call =
      lease->run(25s, "asking", [](Session& session) { return std::to_string(session.backend_pid()); });
  std::string found = co_await std::move(call);
  co_return found;
}

// Takes one for a single question.
coro::Task<std::string> pid_of_next(Pool& pool) {
  auto lease = co_await pool.acquire();
  std::string found = co_await pid(lease);
  co_return found;
}

TEST_F(PostgresPool, LendsTheSameConnectionAgain) {
  Pool pool(loop, "shop", pool_of(2, server().uri()));
  const auto body = [](Pool& from) -> coro::Task<std::string> {
    auto first = co_await from.acquire();
    auto second = co_await from.acquire();
    const std::string one = co_await pid(first);
    const std::string two = co_await pid(second);
    EXPECT_NE(one, two);
    co_return one;
  };
  const std::string last_returned = run_task(loop, body(pool));  // locals go in reverse
  EXPECT_EQ(run_task(loop, pid_of_next(pool)), last_returned);
  EXPECT_EQ(run_task(loop, pid_of_next(pool)), last_returned);
}

coro::Task<> note(Pool& from, int number, std::vector<int>& order) {
  auto lease = co_await from.acquire();
  order.push_back(number);
  co_await pid(lease);
}

TEST_F(PostgresPool, ServesThoseWhoWaitInTheirOrder) {
  Pool pool(loop, "shop", pool_of(1, server().uri()));
  const auto body = [](Pool& from, std::vector<int>& order) -> coro::Task<> {
    coro::AsyncScope scope;
    for (int i = 0; i < 5; ++i) scope.spawn(note(from, i, order));
    co_await scope.join();
  };
  std::vector<int> order;
  run_task(loop, body(pool, order));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(PostgresPool, SaysThatItIsTooSmall) {
  Options narrow = pool_of(1, server().uri());
  narrow.timeout = 100ms;
  Pool pool(loop, "shop", narrow);
  const auto held = run_task(loop, pool.acquire());
  const Error error = error_of(loop, pool.acquire());
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_STREQ(error.what(),
               "connection 'shop': all 1 are in use since 100 ms; raise pool, or stagger the jobs");
}

TEST_F(PostgresPool, ReplacesAConnectionThatDiedWhileItWasIdle) {
  Pool pool(loop, "shop", pool_of(1, server().uri()));
  const std::string first = run_task(loop, pid_of_next(pool));
  server().exec("SELECT pg_terminate_backend(" + first + ", 10000)");
  // The server's good-bye is on its way: whoever meets the dead one fails once and gets a new one.
  std::string next;
  EXPECT_EVENTUALLY([&] {
    try {
      next = run_task(loop, pid_of_next(pool));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Transient);
    }
    return !next.empty();
  }());
  EXPECT_NE(next, first);
}

TEST_F(PostgresPool, SurvivesARestartOfTheServer) {
  PostgresServer own;
  Pool pool(loop, "shop", pool_of(3, own.uri()));
  const auto several = [](Pool& from) -> coro::Task<> {
    auto first = co_await from.acquire();
    auto second = co_await from.acquire();
    auto third = co_await from.acquire();
    co_await pid(first);
    co_await pid(second);
    co_await pid(third);
  };
  run_task(loop, several(pool));
  own.restart();
  run_task(loop, several(pool));
}

TEST_F(PostgresPool, DoesNotLendABrokenConnectionAgain) {
  TcpGate gate(server().port());
  Pool pool(loop, "shop", pool_of(1, gate_uri(gate)));
  const std::string first = run_task(loop, pid_of_next(pool));
  const auto breaks = [](Pool& from, TcpGate& at) -> coro::Task<> {
    auto lease = co_await from.acquire();
    at.close_all();
    auto call = lease->run(25s, "asking", [](Session& session) { return session.exec("SELECT 1"); });
    co_await std::move(call);
  };
  EXPECT_EQ(error_of(loop, breaks(pool, gate)).kind(), ErrorKind::Transient);
  EXPECT_NE(run_task(loop, pid_of_next(pool)), first);
}

}  // namespace
}  // namespace syncd::postgres::test
