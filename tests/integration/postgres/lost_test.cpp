// Connections that are lost, in every way and at every byte.
#include "tests/integration/postgres/postgres_test.hpp"

namespace syncd::postgres::test {
namespace {

class PostgresLost : public PostgresDriver {
 protected:
  void expect_lost(Client& client, const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Transient) << error.what();
    EXPECT_THAT(error.what(), StartsWith("asking: "));
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    EXPECT_TRUE(client.connection.broken()) << error.what();
  }
};

TEST_F(PostgresLost, WhenTheBackendIsTerminated) {
  Client client(loop, options(server().uri()));
  const std::string pid = client.value("SELECT pg_backend_pid()");
  EXPECT_FALSE(client.connection.hung_up());
  server().exec("SELECT pg_terminate_backend(" + pid + ", 10000)");
  EXPECT_EVENTUALLY(client.connection.hung_up());
  expect_lost(client, client.error("SELECT 1"));
}

TEST_F(PostgresLost, WhenTheBackendIsTerminatedInTheMiddle) {
  Client client(loop, options(server().uri()));
  const Error error = client.error("SELECT pg_terminate_backend(pg_backend_pid())");
  expect_lost(client, error);
  EXPECT_STREQ(error.what(), "asking: the connection to PostgreSQL is lost");
}

TEST_F(PostgresLost, WhenTheServerStops) {
  for (const auto how : {PostgresServer::Stop::Fast, PostgresServer::Stop::Immediate}) {
    PostgresServer own;
    Client client(loop, options(own.uri()));
    Client prepared(loop, options(own.uri()));
    EXPECT_EQ(client.value("SELECT 1"), "1");
    EXPECT_EQ(prepared.value("SELECT $1::int", {"1"}), "1");
    own.stop(how);
    expect_lost(client, client.error("SELECT 1"));
    expect_lost(prepared, prepared.error("SELECT $1::int", {"1"}));
    Client refused(loop, options(own.uri()));
    EXPECT_EQ(refused.error("SELECT 1").kind(), ErrorKind::Transient);
    own.start();
    // Never by itself: a session that came back would have lost its settings.
    expect_lost(client, client.error("SELECT 1"));
    EXPECT_EQ(Client(loop, options(own.uri())).value("SHOW default_transaction_read_only"), "on");
  }
}

TEST_F(PostgresLost, WhenAStatementIsUnderWay) {
  PostgresServer own;
  Client client(loop, options(own.uri()));
  const std::string pid = client.value("SELECT pg_backend_pid()");
  const auto body = [](Client& on, PostgresServer& at, std::string backend) -> coro::Task<Error> {
    const auto run = [](Client& with, std::optional<Error>& into) -> coro::Task<> {
      try {
        co_await query(with.connection, "SELECT pg_sleep(60)");
      } catch (const Error& error) {
        into = error;
      }
    };
    std::optional<Error> error;
    coro::AsyncScope scope;
    scope.spawn(run(on, error));
    const auto asleep = [&] {
      return at.value("SELECT wait_event FROM pg_stat_activity WHERE pid = " + backend) == "PgSleep";
    };
    co_await syncd::test::until(on.loop, std::ref(asleep));
    at.stop(PostgresServer::Stop::Immediate);
    co_await scope.join();
    co_return error.value();
  };
  expect_lost(client, run_task(loop, body(client, own, pid)));
}

// For each byte of the way: cut there, and the caller learns it.
void cut_everywhere(loop::EventLoop& loop, std::uint16_t port, TcpGate::Direction direction, bool prepared) {
  const std::string sql = "SELECT n, repeat('x', n) FROM generate_series(1, 20) n";
  const Params params = prepared ? Params{"x"} : Params();
  const std::string text = prepared ? "SELECT n, repeat($1, n) FROM generate_series(1, 20) n" : sql;
  TcpGate gate(port);
  Client whole(loop, options(gate_uri(gate)));
  whole.value("SELECT 1");
  const std::uint64_t before = gate.bytes(direction);
  EXPECT_EQ(whole.rows(text, params).size(), 20U);
  const std::uint64_t length = gate.bytes(direction) - before;
  // Every byte of the request; of the longer reply every third.
  const std::uint64_t step = length > 200 ? 3 : 1;
  std::uint64_t rounds = 0;
  for (std::uint64_t bytes = 0; bytes < length; bytes += step, ++rounds) {
    const auto ending = rounds % 2 == 0 ? TcpGate::Ending::Close : TcpGate::Ending::Reset;
    Client client(loop, options(gate_uri(gate)));
    client.value("SELECT 1");
    gate.cut(direction, bytes, ending);
    const Error error = client.error(text, params);
    ASSERT_EQ(error.kind(), ErrorKind::Transient) << bytes << ": " << error.what();
    ASSERT_TRUE(client.connection.broken()) << bytes << ": " << error.what();
  }
  EXPECT_EQ(gate.cuts(), rounds);
}

TEST_F(PostgresLost, WhenAReplyIsCutAnywhere) {
  cut_everywhere(loop, server().port(), TcpGate::ToClient, false);
  cut_everywhere(loop, server().port(), TcpGate::ToClient, true);
}

TEST_F(PostgresLost, WhenARequestIsCutAnywhere) {
  cut_everywhere(loop, server().port(), TcpGate::ToServer, false);
  cut_everywhere(loop, server().port(), TcpGate::ToServer, true);
}

TEST_F(PostgresLost, InTheMiddleOfALargeReply) {
  TcpGate gate(server().port());
  for (const std::uint64_t bytes : {1'000'000U, 5'000'000U, 9'999'999U}) {
    Client client(loop, options(gate_uri(gate)));
    client.value("SELECT 1");
    gate.cut(TcpGate::ToClient, bytes);
    expect_lost(client, client.error("SELECT repeat('x', 10000000)"));
  }
}

TEST_F(PostgresLost, WhileConnecting) {
  TcpGate gate(server().port());
  for (std::uint64_t bytes = 0; bytes < 300; bytes += 20) {
    Client client(loop, options(gate_uri(gate)));
    gate.cut(TcpGate::ToClient, bytes);
    const Error error = client.error("SELECT 1");
    expect_lost(client, error);
    EXPECT_THAT(error.what(), EndsWith("failed: server closed the connection unexpectedly"));
  }
}

}  // namespace
}  // namespace syncd::postgres::test
