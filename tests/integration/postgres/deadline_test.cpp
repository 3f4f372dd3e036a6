// Deadlines and stops that really end a call, also against a server that says nothing any more.
#include "tests/integration/postgres/postgres_test.hpp"

namespace syncd::postgres::test {
namespace {

class PostgresDeadline : public PostgresDriver {};

// Runs a statement, stops it once `under_way` says so, and tells whether it threw Cancelled.
template <class F>
bool cancelled(Client& client, const std::string& sql, F under_way) {
  const auto body = [](Client& on, std::string text, F& ready, bool& result) -> coro::Task<> {
    const auto run = [](Client& with, std::string what, bool& noted) -> coro::Task<> {
      try {
        co_await query(with.connection, std::move(what));
      } catch (const coro::Cancelled&) {
        noted = true;
      }
    };
    coro::AsyncScope scope;
    scope.spawn(run(on, std::move(text), result));
    co_await syncd::test::until(on.loop, std::ref(ready));
    scope.request_stop();
    co_await scope.join();
  };
  bool result = false;
  run_task(client.loop, body(client, sql, under_way, result));
  return result;
}

TEST_F(PostgresDeadline, CancelsTheStatementAndKeepsTheSession) {
  Client client(loop, options(server().uri()));
  const std::string pid = client.value("SELECT pg_backend_pid()");
  const Error error = client.error("SELECT pg_sleep(60)", {}, 50ms);
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_STREQ(error.what(), "asking: no answer within 50 ms");
  EXPECT_FALSE(client.connection.broken());
  EXPECT_EQ(client.value("SELECT pg_backend_pid()"), pid);
}

TEST_F(PostgresDeadline, CancelsOverAUnixSocketToo) {
  Client client(loop, options(server().socket_uri()));
  EXPECT_STREQ(client.error("SELECT pg_sleep(60)", {}, 50ms).what(), "asking: no answer within 50 ms");
  EXPECT_EQ(client.value("SELECT 1"), "1");
}

TEST_F(PostgresDeadline, NeverCancelsTheNextStatement) {
  Client client(loop, options(server().uri()));
  int late = 0;
  for (int i = 0; i < 40; ++i) {  // ends at about its deadline
    try {
      run_task(loop, query(client.connection, "SELECT pg_sleep(0.01)", Params(), 11ms));
    } catch (const Error&) {
      ++late;
    }
    ASSERT_EQ(client.value("SELECT 'next' FROM pg_sleep(0.002)"), "next") << late << " were late before";
  }
}

TEST_F(PostgresDeadline, AStopCancelsTheStatementAndKeepsTheSession) {
  Client client(loop, options(server().uri()));
  const std::string pid = client.value("SELECT pg_backend_pid()");
  EXPECT_TRUE(cancelled(client, "SELECT pg_sleep(60)", [&] {
    return server().value("SELECT wait_event FROM pg_stat_activity WHERE pid = " + pid) == "PgSleep";
  }));
  EXPECT_EQ(client.value("SELECT pg_backend_pid()"), pid);
}

TEST_F(PostgresDeadline, AStopBeforeTheCallSendsNothing) {
  Client client(loop, options(server().uri()));
  const auto body = [](Connection& connection, int& calls) -> coro::Task<> {
    auto call = connection.run(25s, "asking", [&calls](Session&) { return ++calls; });
    co_await std::move(call);
  };
  const auto stopped = [body](Connection& connection, int& calls) -> coro::Task<> {
    coro::AsyncScope scope;
    scope.request_stop();
    scope.spawn(body(connection, calls));
    co_await scope.join();
  };
  int calls = 0;
  run_task(loop, stopped(client.connection, calls));
  EXPECT_EQ(calls, 0);
}

// --- silence -----------------------------------------------------------------------------------------

TEST_F(PostgresDeadline, LeavesAServerThatStandsStill) {
  PostgresServer own;
  Client client(loop, options(own.uri()), 50ms);
  EXPECT_EQ(client.value("SELECT 1"), "1");
  Frozen frozen = own.freeze();
  const Error error = client.error("SELECT 1", {}, 50ms);
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_STREQ(error.what(), "asking: no answer within 50 ms");
  EXPECT_TRUE(client.connection.broken());
  EXPECT_THAT(client.error("SELECT 1").what(), EndsWith("the connection to PostgreSQL is lost"));
  frozen.thaw();
  EXPECT_EQ(Client(loop, options(own.uri())).value("SELECT 1"), "1");
}

TEST_F(PostgresDeadline, AStopLeavesAServerThatStandsStill) {
  PostgresServer own;
  Client client(loop, options(own.uri()), 50ms);
  EXPECT_EQ(client.value("SELECT 1"), "1");
  const Frozen frozen = own.freeze();
  EXPECT_TRUE(cancelled(client, "SELECT 1", [] { return true; }));
  EXPECT_TRUE(client.connection.broken());
}

TEST_F(PostgresDeadline, GivesUpConnectingToAServerThatStandsStill) {
  PostgresServer own;
  Options impatient = options(own.uri());
  impatient.connect_timeout = 2s;  // the least that libpq knows
  const Frozen frozen = own.freeze();
  Client client(loop, impatient);
  const Error error = client.error("SELECT 1");
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_THAT(error.what(), StartsWith("asking: connecting to PostgreSQL: "));
  EXPECT_THAT(error.what(), HasSubstr("timeout expired"));
}

TEST_F(PostgresDeadline, LeavesAConnectionThatAFirewallForgot) {
  TcpGate gate(server().port());
  Client client(loop, options(gate_uri(gate)), 50ms);
  EXPECT_EQ(client.value("SELECT 1"), "1");
  gate.drop();
  EXPECT_STREQ(client.error("SELECT 1", {}, 50ms).what(), "asking: no answer within 50 ms");
  EXPECT_TRUE(client.connection.broken());
}

TEST_F(PostgresDeadline, LeavesAStatementWhoseCancelGotLost) {
  TcpGate gate(server().port());
  Client client(loop, options(gate_uri(gate)), 50ms);
  EXPECT_EQ(client.value("SELECT 1"), "1");
  gate.refuse();  // the cancel needs a connection of its own
  EXPECT_STREQ(client.error("SELECT pg_sleep(60)", {}, 50ms).what(), "asking: no answer within 50 ms");
  EXPECT_TRUE(client.connection.broken());
}

}  // namespace
}  // namespace syncd::postgres::test
