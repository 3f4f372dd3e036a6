// The test support itself: a gate or a server that does not do what it says would prove nothing.
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <sys/time.h>

#include "tests/support/eventually.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/tcp_gate.hpp"

namespace syncd::test {
namespace {

using Client = std::unique_ptr<redisContext, void (*)(redisContext*)>;

Client client(std::uint16_t port, std::chrono::milliseconds limit = kPatience) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(limit - seconds);
  const timeval wait{seconds.count(), rest.count()};
  Client made(redisConnectWithTimeout("127.0.0.1", port, wait), &redisFree);
  redisSetTimeout(made.get(), wait);
  return made;
}

std::string ask(const Client& from, const char* command) {
  const std::unique_ptr<redisReply, void (*)(void*)> reply(
      static_cast<redisReply*>(redisCommand(from.get(), command)), &freeReplyObject);
  return reply && reply->str != nullptr ? std::string(reply->str, static_cast<std::size_t>(reply->len)) : "-";
}

TEST(RedisServer, KeepsOrLosesItsDataOverARestart) {
  RedisServer server;
  server.call("SET a 1");
  server.restart();
  EXPECT_EQ(server.call("GET a"), "1");
  server.restart(RedisServer::Data::Lose);
  EXPECT_TRUE(server.call("GET a").nil());
}

TEST(RedisServer, FindsItsDataAfterAKill) {
  RedisOptions options;
  options.config = {"appendonly yes"};
  RedisServer server(options);
  server.call("SET a 1");
  server.kill();
  server.start();
  EXPECT_EQ(server.call("GET a"), "1");
}

TEST(RedisServer, StandsStillWhileFrozen) {
  RedisServer server;
  const Client impatient = client(server.port(), std::chrono::milliseconds(50));
  Frozen frozen = server.freeze();
  EXPECT_EQ(ask(impatient, "PING"), "-");
  frozen.thaw();
  EXPECT_EQ(server.call("PING"), "PONG");
}

TEST(Process, TellsItsOutputAndExitCode) {
  const Finished done = run_program({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.out, "out\n");
  EXPECT_EQ(done.err, "err\n");
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"}).code, 137);
  EXPECT_THROW(run_program({"/no/such/program"}), std::runtime_error);
}

TEST(TcpGate, PassesAndCounts) {
  TcpGate gate(RedisServer::shared().port());
  EXPECT_EQ(ask(client(gate.port()), "PING"), "PONG");
  EXPECT_EQ(gate.bytes(TcpGate::ToClient), 7U);  // +PONG\r\n
  EXPECT_EQ(gate.accepted(), 1U);
  EXPECT_EVENTUALLY_EQ(gate.open(), 0U);
}

TEST(TcpGate, ReachesAUnixSocket) {
  TcpGate gate(RedisServer::shared().socket_path());
  EXPECT_EQ(ask(client(gate.port()), "PING"), "PONG");
}

TEST(TcpGate, CutsAfterExactlySoManyBytes) {
  TcpGate gate(RedisServer::shared().port());
  for (const auto ending : {TcpGate::Ending::Close, TcpGate::Ending::Reset}) {
    const Client cut_off = client(gate.port());
    EXPECT_EQ(ask(cut_off, "PING"), "PONG");
    const std::uint64_t before = gate.bytes(TcpGate::ToClient);
    gate.cut(TcpGate::ToClient, 3, ending);
    EXPECT_EQ(ask(cut_off, "PING"), "-");
    EXPECT_EQ(gate.bytes(TcpGate::ToClient) - before, 3U);
    EXPECT_EQ(ask(client(gate.port()), "PING"), "PONG") << "only once";
  }
  EXPECT_EQ(gate.cuts(), 2U);
}

TEST(TcpGate, DeliversHeldBytesAlsoWhenTheSenderIsGone) {
  RedisServer& server = RedisServer::shared();
  TcpGate gate(server.port());
  server.call("DEL late");
  {
    const Client impatient = client(gate.port(), std::chrono::milliseconds(50));
    EXPECT_EQ(ask(impatient, "PING"), "PONG");
    gate.hold(TcpGate::ToServer);
    EXPECT_EQ(ask(impatient, "SET late 1"), "-");
  }
  EXPECT_TRUE(server.call("GET late").nil());
  gate.pass();
  EXPECT_EVENTUALLY(server.call("GET late") == "1");
}

TEST(TcpGate, StrandsTheOpenConnectionsOnly) {
  RedisServer& server = RedisServer::shared();
  TcpGate gate(server.port());
  server.call("DEL late");
  {
    const Client impatient = client(gate.port(), std::chrono::milliseconds(50));
    EXPECT_EQ(ask(impatient, "PING"), "PONG");
    gate.strand(TcpGate::ToServer);
    EXPECT_EQ(ask(impatient, "SET late 1"), "-");
  }
  EXPECT_GT(gate.held(TcpGate::ToServer), 0U);
  EXPECT_EQ(ask(client(gate.port()), "PING"), "PONG");
  EXPECT_TRUE(server.call("GET late").nil());
  gate.pass();
  EXPECT_EVENTUALLY(server.call("GET late") == "1");
  EXPECT_EQ(gate.held(TcpGate::ToServer), 0U);
}

TEST(TcpGate, DropsForgetsAndRefuses) {
  RedisServer& server = RedisServer::shared();
  TcpGate gate(server.port());
  {
    const Client impatient = client(gate.port(), std::chrono::milliseconds(50));
    gate.drop();
    EXPECT_EQ(ask(impatient, "SET dropped 1"), "-");
  }
  gate.pass();
  EXPECT_EQ(ask(client(gate.port()), "PING"), "PONG");
  EXPECT_TRUE(server.call("GET dropped").nil());
  gate.refuse();
  EXPECT_NE(client(gate.port())->err, 0);
  gate.pass();
  EXPECT_EQ(ask(client(gate.port()), "PING"), "PONG");
  const Client open = client(gate.port());
  EXPECT_EQ(ask(open, "PING"), "PONG");
  gate.close_all();
  EXPECT_EQ(ask(open, "PING"), "-");
}

}  // namespace
}  // namespace syncd::test
