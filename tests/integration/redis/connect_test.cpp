// Reaching Redis, or saying why not.
#include "tests/integration/redis/redis_test.hpp"

namespace syncd::redis::test {
namespace {

using syncd::test::RedisOptions;
using syncd::test::RedisServer;
using syncd::test::ReservedPort;
using syncd::test::TempDir;

class RedisConnect : public RedisDriver {};

TEST_F(RedisConnect, ReachesItOverTcpAndUnixSocket) {
  RedisServer& server = RedisServer::shared();
  EXPECT_EQ(ask(options(server.uri()), {"PING"}), "PONG");
  EXPECT_EQ(ask(options(server.socket_uri()), {"PING"}), "PONG");
  EXPECT_EQ(ask(options("redis://localhost:" + std::to_string(server.port())), {"PING"}), "PONG");
}

TEST_F(RedisConnect, SaysThatNobodyListens) {
  const ReservedPort nobody;
  const std::string where = "127.0.0.1:" + std::to_string(nobody.number());
  const Error error = refusal(options("redis://" + where));
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_EQ(std::string(error.what()), "connecting to " + where + ": connection refused");
}

TEST_F(RedisConnect, SaysThatThereIsNoSocket) {
  const TempDir folder;
  const std::string path = folder / "redis.sock";
  const Error error = refusal(options("unix://" + path));
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_EQ(std::string(error.what()), "connecting to " + path + ": no such file or directory");
}

TEST_F(RedisConnect, SaysThatTheHostIsUnknown) {
  const Error error = refusal(options("redis://nobody.invalid"));
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_THAT(error.what(), StartsWith("connecting to nobody.invalid:6379: "));
}

TEST_F(RedisConnect, SelectsTheDatabase) {
  RedisServer& server = RedisServer::shared();
  ask(options(server.uri(3)), {"SET", "in", "three"});
  EXPECT_EQ(server.command({"GET", "in"}, 3), "three");
  EXPECT_TRUE(server.command({"GET", "in"}, 0).nil());
  EXPECT_EQ(ask(options(server.socket_uri(3)), {"GET", "in"}), "three");
  const Error error = refusal(options(server.uri(99)));
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_EQ(error.what(), "logging in to " + server.uri(99) + ": Redis: ERR DB index is out of range");
}

TEST_F(RedisConnect, ShowsItsName) {
  EXPECT_EQ(ask(options(RedisServer::shared().uri()), {"CLIENT", "GETNAME"}), "syncd");
}

// --- passwords ---------------------------------------------------------------------------------------

class RedisLogin : public RedisDriver {
 protected:
  static RedisOptions locked() {
    RedisOptions options;
    options.password = "s3cret";
    options.config = {"user ann on >w0rd ~* +@all", "user bob on nopass ~* +@all -client"};
    return options;
  }
  Options with(const std::string& login) {
    return options("redis://" + login + "@127.0.0.1:" + std::to_string(server_.port()));
  }
  RedisServer server_{locked()};
};

TEST_F(RedisLogin, TakesThePasswordFromTheUriOrBesideIt) {
  EXPECT_EQ(ask(with(":s3cret"), {"PING"}), "PONG");
  Options beside = options(server_.uri());
  beside.password = config::Secret("s3cret");
  EXPECT_EQ(ask(beside, {"PING"}), "PONG");
  beside = options(server_.socket_uri());
  beside.password = config::Secret("s3cret");
  EXPECT_EQ(ask(beside, {"PING"}), "PONG");
}

TEST_F(RedisLogin, LogsInAsAUser) {
  EXPECT_EQ(ask(with("ann:w0rd"), {"ACL", "WHOAMI"}), "ann");
  EXPECT_EQ(ask(with("bob"), {"ACL", "WHOAMI"}), "bob") << "no password, and may not name his connection";
}

TEST_F(RedisLogin, SaysThatThePasswordIsWrongAndKeepsItSecret) {
  for (const std::string login : {":wr0ng", "ann:wr0ng", "carl:wr0ng"}) {
    const Error error = refusal(with(login));
    EXPECT_EQ(error.kind(), ErrorKind::Permanent);
    EXPECT_THAT(error.what(), StartsWith("logging in to " + server_.uri() + ": Redis: WRONGPASS "));
    EXPECT_THAT(error.what(), EndsWith(" (user or password is wrong)"));
    EXPECT_THAT(error.what(), Not(HasSubstr("wr0ng")));
  }
}

TEST_F(RedisLogin, SaysThatAPasswordIsMissing) {
  const Error error = refusal(options(server_.uri()));
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_EQ(error.what(), "logging in to " + server_.uri() +
                              ": Redis: NOAUTH Authentication required. (set password in the connection)");
}

TEST_F(RedisConnect, SaysThatRedisKnowsNoPassword) {
  Options wrong = options(RedisServer::shared().uri());
  wrong.password = config::Secret("s3cret");
  const Error error = refusal(wrong);
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_THAT(error.what(), HasSubstr("without any password configured"));
}

TEST_F(RedisConnect, TriesAgainLaterWhenRedisIsFull) {
  RedisOptions narrow;
  narrow.config = {"maxclients 1"};
  RedisServer server(narrow);  // its own client is the one
  for (int i = 0; i < 20; ++i) {
    const Error error = refusal(options(server.uri()));
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    EXPECT_EQ(error.what(),
              "logging in to " + server.uri() +
                  ": Redis: ERR max number of clients reached (raise maxclients or stop some clients)");
  }
}

// --- TLS ---------------------------------------------------------------------------------------------

class RedisTls : public RedisDriver {
 protected:
  static RedisOptions tls(const std::string& names) {
    RedisOptions options;
    options.tls = true;
    options.certificate_names = names;
    return options;
  }
  static Options trusting(const std::string& authority, const std::string& uri) {
    Options all = options(uri);
    all.ca_file = authority;
    return all;
  }
};

TEST_F(RedisTls, TrustsTheGivenAuthority) {
  RedisServer server(tls("DNS:localhost,IP:127.0.0.1"));
  const std::string authority = server.certificates().authority();
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    const Options secure = trusting(authority, server.tls_uri(host));
    EXPECT_EQ(ask(secure, {"PING"}), "PONG") << host;
    const std::string large(3'000'000, 'x');
    EXPECT_EQ(ask(secure, {"SET", "large", large}), "OK");
    EXPECT_EQ(ask(secure, {"GET", "large"}), large);
  }
}

TEST_F(RedisTls, RefusesAStrangersCertificate) {
  RedisServer server(tls("DNS:localhost"));
  const syncd::test::Certificates others("DNS:localhost");
  for (const std::string& authority : {others.authority(), std::string()}) {
    const Error error = refusal(trusting(authority, server.tls_uri()));
    EXPECT_EQ(error.kind(), ErrorKind::Permanent);
    EXPECT_THAT(error.what(), StartsWith("connecting to " + server.tls_uri() +
                                         ": TLS: the server's certificate is refused: "));
  }
}

TEST_F(RedisTls, RefusesACertificateForAnotherHost) {
  RedisServer server(tls("DNS:elsewhere.internal"));
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    const Error error = refusal(trusting(server.certificates().authority(), server.tls_uri(host)));
    EXPECT_EQ(error.kind(), ErrorKind::Permanent);
    EXPECT_THAT(error.what(),
                testing::AnyOf(HasSubstr("hostname mismatch"), HasSubstr("IP address mismatch")));
  }
}

TEST_F(RedisTls, SaysThatTheAuthorityIsNoFile) {
  RedisServer server(tls("DNS:localhost"));
  const Error error = refusal(trusting("/no/such.pem", server.tls_uri()));
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_THAT(error.what(), HasSubstr("/no/such.pem"));
}

TEST_F(RedisTls, NeverFallsBackToPlain) {
  RedisServer server(tls("DNS:localhost"));
  Options to_plain_port =
      trusting(server.certificates().authority(), "rediss://localhost:" + std::to_string(server.port()));
  to_plain_port.connect_timeout = 200ms;  // Redis waits for the end of a line that never comes
  EXPECT_EQ(refusal(to_plain_port).kind(), ErrorKind::Transient);
  const Error error = refusal(options("redis://localhost:" + std::to_string(server.tls_port())));
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_THAT(error.what(), StartsWith("logging in to redis://localhost:"));
}

}  // namespace
}  // namespace syncd::redis::test
