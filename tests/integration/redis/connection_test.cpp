// Replies, deadlines, and what happens when the connection breaks.
#include "tests/integration/redis/redis_test.hpp"

namespace syncd::redis::test {
namespace {

using syncd::test::Frozen;
using syncd::test::Process;
using syncd::test::RedisOptions;
using syncd::test::RedisServer;
using syncd::test::TcpGate;

class RedisConnection : public RedisDriver {
 protected:
  // Each reply of `commands` as text, an array as the texts of its elements.
  std::vector<std::string> replies(Connection& connection, const CommandBuffer& commands) {
    Replies all;
    run_task(loop, connection.execute(commands.view(), commands.commands(), all));
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < all.count(); ++i) {
      if (all[i].type() != ReplyType::Array) {
        texts.emplace_back(all[i].text());
        continue;
      }
      Reply element = all[i].first();
      for (std::size_t j = 0; j < all[i].size(); ++j, element = element.next())
        texts.emplace_back(element.text());
    }
    return texts;
  }
  RedisServer& server() { return RedisServer::shared(); }
};

TEST_F(RedisConnection, AnswersManyCommandsInTheirOrder) {
  const auto connection = open(options(server().uri()));
  CommandBuffer commands;
  for (int i = 0; i < 50'000; ++i) commands.add("ECHO", std::to_string(i));
  const auto texts = replies(*connection, commands);
  ASSERT_EQ(texts.size(), 50'000U);
  for (int i = 0; i < 50'000; ++i) ASSERT_EQ(texts[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(RedisConnection, SendsWhatWasBegunInFrontOfWhatComesNext) {
  const auto connection = open(options(server().uri()));
  const auto append_twice = [](Connection& on, std::size_t size, Replies& into) -> coro::Task<> {
    CommandBuffer first;
    first.add("SET", "begun", std::string(size, 'a'));
    CommandBuffer second;
    second.add("APPEND", "begun", "b");
    co_await on.begin(first.view());
    co_await on.begin(second.view());
    co_await on.execute(second.view(), 3, into);
  };
  for (const std::size_t size : {1U, 1'000'000U, 1U}) {
    Replies into;
    run_task(loop, append_twice(*connection, size, into));
    EXPECT_EQ(into[0].text(), "OK");
    EXPECT_EQ(into[2].integer(), static_cast<std::int64_t>(size + 2));
  }
}

TEST_F(RedisConnection, CarriesLargeAndBinaryValues) {
  std::string large(5'000'000, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7);
  ask(options(server().socket_uri()), {"SET", "large", large});
  EXPECT_EQ(ask(options(server().uri()), {"GET", "large"}), large);
}

TEST_F(RedisConnection, PassesOverTheQueuedOnesAndKeepsTheRefused) {
  const auto connection = open(options(server().uri()));
  const auto commit = [](Connection& on, std::size_t good, std::size_t& skipped,
                         Replies& rest) -> coro::Task<> {
    CommandBuffer commands;
    commands.add("MULTI");
    for (std::size_t i = 0; i < good; ++i) commands.add("SET", "k", std::uint64_t{i});
    commands.add("NOSUCHCOMMAND");
    commands.add("SET", "k", "last");
    commands.add("EXEC");
    co_await on.send(commands.view());
    co_await on.receive(1, rest);
    skipped = co_await on.skip_queued(good + 2);
    co_await on.receive(good + 2 - skipped + 1, rest);
  };
  for (const std::size_t good : {0U, 1U, 3'000U}) {
    std::size_t skipped = 0;
    Replies rest;
    run_task(loop, commit(*connection, good, skipped, rest));
    EXPECT_EQ(skipped, good);
    ASSERT_EQ(rest.count(), 3U);
    EXPECT_THAT(std::string(rest[0].text()), StartsWith("ERR unknown command"));
    EXPECT_EQ(rest[1].text(), "QUEUED");
    EXPECT_THAT(std::string(rest[2].text()), StartsWith("EXECABORT"));
  }
}

TEST_F(RedisConnection, TellsErrorRepliesByWhatToDoAboutThem) {
  RedisServer own;
  own.call("SET text x");
  const auto connection = open(options(own.uri()));
  const auto kind_of = [&](std::vector<std::string> words) {
    const Error error = failure(*connection, std::move(words));
    EXPECT_FALSE(connection->closed()) << "a refused command is no broken connection: " << error.what();
    return error.kind();
  };
  EXPECT_EQ(kind_of({"HSET", "text", "a", "b"}), ErrorKind::Data);  // WRONGTYPE
  own.call("CONFIG SET maxmemory 1");
  EXPECT_EQ(kind_of({"SET", "a", "b"}), ErrorKind::Transient);  // OOM
  own.call("CONFIG SET maxmemory 0");
  own.call("REPLICAOF 127.0.0.1 1");
  EXPECT_EQ(kind_of({"SET", "a", "b"}), ErrorKind::Transient);  // READONLY
  own.call("REPLICAOF NO ONE");
  own.call("ACL SETUSER default -set");
  EXPECT_EQ(kind_of({"SET", "a", "b"}), ErrorKind::Permanent);  // NOPERM
}

TEST_F(RedisConnection, WaitsForRedisToLoad) {
  RedisOptions slow;
  slow.config = {"loading-process-events-interval-bytes 1024"};
  RedisServer own(slow);
  own.call("DEBUG POPULATE 2000 key 100");
  own.call("CONFIG SET key-load-delay 1000");
  Process reload({"redis-cli", "-s", own.socket_path(), "DEBUG", "RELOAD"});
  const auto connection = open(options(own.uri()));
  bool loading = false;
  EXPECT_EVENTUALLY([&] {
    try {
      run_task(loop, connection->command({"GET", "key:1"}));
    } catch (const Error& error) {
      loading = true;
      EXPECT_EQ(error.kind(), ErrorKind::Transient);
      EXPECT_STREQ(error.what(),
                   "Redis: LOADING Redis is loading the dataset in memory (Redis is loading its data)");
    }
    return loading;
  }());
  own.call("CONFIG SET key-load-delay 0");
  EXPECT_EQ(reload.wait(), 0);
}

// --- deadlines and stop ------------------------------------------------------------------------------

TEST_F(RedisConnection, GivesUpLoggingInToAServerThatStandsStill) {
  RedisServer own;
  Options impatient = options(own.uri());
  impatient.connect_timeout = 100ms;
  const Frozen frozen = own.freeze();
  const Error error = refusal(impatient);
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_EQ(error.what(), "connecting to " + own.uri() + ": no answer within 100 ms");
}

TEST_F(RedisConnection, GivesUpATlsHandshakeWithAServerThatStandsStill) {
  RedisOptions tls;
  tls.tls = true;
  RedisServer own(tls);
  Options impatient = options(own.tls_uri());
  impatient.connect_timeout = 100ms;
  impatient.ca_file = own.certificates().authority();
  const Frozen frozen = own.freeze();
  EXPECT_EQ(refusal(impatient).what(), "connecting to " + own.tls_uri() + ": no answer within 100 ms");
}

TEST_F(RedisConnection, GivesUpWaitingForAReply) {
  RedisServer own;
  Options impatient = options(own.uri());
  impatient.timeout = 100ms;
  const auto connection = open(impatient);
  const Frozen frozen = own.freeze();
  const Error error = failure(*connection, {"PING"});
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_EQ(error.what(), "waiting for " + own.uri() + ": no answer within 100 ms");
  EXPECT_TRUE(connection->closed()) << "a reply that comes late must not be taken for the next one's";
}

TEST_F(RedisConnection, GivesUpSendingWhatNobodyReads) {
  RedisServer own;
  Options impatient = options(own.uri());
  impatient.timeout = 100ms;
  const auto connection = open(impatient);
  const Frozen frozen = own.freeze();
  EXPECT_THAT(failure(*connection, {"ECHO", std::string(50'000'000, 'x')}).what(),
              EndsWith("no answer within 100 ms"));
  EXPECT_TRUE(connection->closed());
}

TEST_F(RedisConnection, ObeysAStopAtOnce) {
  RedisServer own;
  const auto connection = open(options(own.uri()));
  const Frozen frozen = own.freeze();
  const auto stopped = [](loop::EventLoop& on, Connection& with, bool& cancelled) -> coro::Task<> {
    const auto wait = [](Connection& to, bool& noted) -> coro::Task<> {
      try {
        co_await to.command(words("PING"));
      } catch (const coro::Cancelled&) {
        noted = true;
      }
    };
    coro::AsyncScope scope;
    scope.spawn(wait(with, cancelled));
    co_await yield_to_loop(on);
    scope.request_stop();
    co_await scope.join();
  };
  bool cancelled = false;
  run_task(loop, stopped(loop, *connection, cancelled));
  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(connection->closed());
}

// --- broken connections ------------------------------------------------------------------------------

TEST_F(RedisConnection, SaysThatRedisWentAway) {
  RedisServer own;
  const auto connection = open(options(own.uri()));
  own.kill();
  const Error error = failure(*connection, {"PING"});
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_THAT(error.what(), StartsWith(own.uri() + ": "));
  EXPECT_TRUE(connection->closed());
  EXPECT_THAT(failure(*connection, {"PING"}).what(), EndsWith("the connection is closed"));
}

// Redis says so as soon as it has read the length, and hangs up while the rest is still on its way.
void expect_too_large(loop::EventLoop& loop, RedisServer& server, const Options& options, std::size_t size) {
  const auto connection = run_task(loop, Connection::open(loop, options));
  CommandBuffer commands;
  commands.add("MULTI");
  commands.add("SET", "a", "1");
  commands.add("SET", "large", std::string(size, 'x'));
  commands.add("EXEC");
  const auto commit = [](Connection& on, const CommandBuffer& all) -> coro::Task<> {
    Replies replies;
    co_await on.send(all.view());
    co_await on.receive(1, replies);
    const std::size_t skipped = co_await on.skip_queued(2);
    co_await on.receive(3 - skipped, replies);
  };
  const Error error = error_of(loop, commit(*connection, commands));
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_EQ(error.what(), connection->server() +
                              ": Redis: ERR Protocol error: invalid bulk length (a value is larger than "
                              "proto-max-bulk-len allows: raise it, or write smaller rows)")
      << size;
  EXPECT_TRUE(connection->closed());
  EXPECT_TRUE(server.call("GET a").nil());
}

TEST_F(RedisConnection, SaysWhyRedisHangsUpOverAValueThatIsTooLarge) {
  RedisOptions small;
  small.tls = true;
  RedisServer own(small);
  own.call("CONFIG SET proto-max-bulk-len 1048576");
  Options secured = options(own.tls_uri());
  secured.ca_file = own.certificates().authority();
  for (const std::size_t size : {2'000'000U, 20'000'000U}) {
    expect_too_large(loop, own, options(own.uri()), size);
    expect_too_large(loop, own, options(own.socket_uri()), size);
    expect_too_large(loop, own, secured, size);
  }
}

CommandBuffer a_commit() {
  CommandBuffer commands;
  commands.add("MULTI");
  commands.add("SET", "a", "1");
  commands.add("HSET", "text", "a", "1");
  commands.add("EXEC");
  commands.add("LRANGE", "list", "0", "-1");
  return commands;
}

// For each byte of the way: cut there, and the caller learns it; the next connection works.
void cut_everywhere(loop::EventLoop& loop, TcpGate::Direction direction, TcpGate::Ending ending) {
  RedisServer& server = RedisServer::shared();
  for (const std::string command : {"SET text x", "DEL list", "RPUSH list a bb ccc"}) server.call(command);
  TcpGate gate(server.port());
  const Options through = options(gate_uri(gate));
  const CommandBuffer commands = a_commit();
  Replies replies;
  const auto whole = run_task(loop, Connection::open(loop, through));
  const std::uint64_t before = gate.bytes(direction);
  run_task(loop, whole->execute(commands.view(), commands.commands(), replies));
  const std::uint64_t length = gate.bytes(direction) - before;
  EXPECT_GT(length, 50U);
  for (std::uint64_t bytes = 0; bytes < length; ++bytes) {
    const auto connection = run_task(loop, Connection::open(loop, through));
    gate.cut(direction, bytes, ending);
    const Error error = error_of(loop, connection->execute(commands.view(), commands.commands(), replies));
    ASSERT_EQ(error.kind(), ErrorKind::Transient) << error.what();
    ASSERT_THAT(error.what(), StartsWith(connection->server() + ": ")) << bytes;
    ASSERT_TRUE(connection->closed());
  }
  EXPECT_EQ(gate.cuts(), length);
  run_task(loop, whole->execute(commands.view(), commands.commands(), replies));
  ASSERT_EQ(replies.count(), 5U);
  EXPECT_EQ(replies[4].at(2).text(), "ccc");
}

TEST_F(RedisConnection, NoticesAReplyThatIsCutAnywhere) {
  cut_everywhere(loop, TcpGate::ToClient, TcpGate::Ending::Close);
  cut_everywhere(loop, TcpGate::ToClient, TcpGate::Ending::Reset);
}

TEST_F(RedisConnection, NoticesARequestThatIsCutAnywhere) {
  cut_everywhere(loop, TcpGate::ToServer, TcpGate::Ending::Close);
  cut_everywhere(loop, TcpGate::ToServer, TcpGate::Ending::Reset);
}

TEST_F(RedisConnection, NeverTakesTheReplyToAnotherCommand) {
  RedisServer& own = RedisServer::shared();
  const auto connection = open(options(own.uri()));
  CommandBuffer two;
  two.add("PING");
  two.add("PING");
  Replies replies;
  const Error error = error_of(loop, connection->execute(two.view(), 1, replies));
  EXPECT_EQ(error.what(), own.uri() + ": Redis sent more replies than were asked for");
  EXPECT_TRUE(connection->closed());
}

}  // namespace
}  // namespace syncd::redis::test
