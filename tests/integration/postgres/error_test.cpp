// Errors: what a job may try again, what not, and what people read.
#include "tests/integration/postgres/postgres_test.hpp"

namespace syncd::postgres::test {
namespace {

class PostgresErrors : public PostgresDriver {
 protected:
  void expect_one_line(const Error& error) {
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
  }
  Client client{loop, options(server().uri())};
};

TEST_F(PostgresErrors, OfTheStatementAreForGoodAndLeaveTheSessionAlone) {
  const std::string database = server().fresh_database();
  server().exec("CREATE TABLE users (name text); CREATE ROLE guest LOGIN; CREATE TABLE secret ()", database);
  Client guest(loop, options(server().uri(database, "guest")));
  const std::pair<std::string, std::string> cases[] = {
      {"SELEC 1", "syntax error at or near \"SELEC\""},
      {"SELECT * FROM nothing", "relation \"nothing\" does not exist"},
      {"SELECT nam FROM users",
       "column \"nam\" does not exist (hint: Perhaps you meant to reference the column \"users.name\".)"},
      {"SELECT * FROM secret", "permission denied for table secret"}};
  for (const auto& [sql, text] : cases) {
    const Error error = guest.error(sql);
    EXPECT_EQ(error.kind(), ErrorKind::Permanent) << sql;
    EXPECT_EQ(error.what(), "asking: " + text);
    EXPECT_FALSE(guest.connection.broken()) << sql;
  }
  EXPECT_EQ(guest.error("SELEC $1::int", {"1"}).kind(), ErrorKind::Permanent);
  EXPECT_EQ(guest.error("SELEC $1::int", {"1"}).kind(), ErrorKind::Permanent) << "also when prepared again";
  EXPECT_EQ(guest.value("SELECT 1"), "1");
  server().exec("DROP TABLE secret; DROP ROLE guest", database);
}

TEST_F(PostgresErrors, OfAValueAreTheRowsOwn) {
  EXPECT_EQ(client.error("SELECT 1/0").kind(), ErrorKind::Data);
  EXPECT_STREQ(client.error("SELECT 'x'::int").what(),
               "asking: invalid input syntax for type integer: \"x\"");
  EXPECT_EQ(client.error("SELECT $1::int", {"x"}).kind(), ErrorKind::Data);
  for (const char* state : {"22P02", "23502", "23503", "23505", "23514", "44000", "54000", "P0001"}) {
    const std::string sql =
        std::string("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '") + state + "'; END $$";
    EXPECT_EQ(client.error(sql).kind(), ErrorKind::Data) << state;
  }
  EXPECT_EQ(client.value("SELECT 1"), "1");
}

TEST_F(PostgresErrors, OfTheMomentMayPass) {
  const auto raised = [&](const std::string& state) {
    return client.error("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '" + state + "'; END $$");
  };
  for (const std::string state : {"40001", "40P01", "53100", "53200", "55P03", "57014", "58030"}) {
    const Error error = raised(state);
    EXPECT_EQ(error.kind(), ErrorKind::Transient) << state;
    EXPECT_THAT(error.what(), StartsWith("asking: no")) << state;
    expect_one_line(error);
    EXPECT_FALSE(client.connection.broken()) << state;
  }
  for (const std::string state : {"42501", "XX000"}) {
    EXPECT_EQ(raised(state).kind(), ErrorKind::Permanent) << state;
  }
}

TEST_F(PostgresErrors, ADeadlockMayPass) {
  Client other(loop, options(server().uri() + "?options=-c%20deadlock_timeout%3D1h"));
  Client quick(loop, options(server().uri() + "?options=-c%20deadlock_timeout%3D10ms"));
  other.rows("SELECT pg_advisory_lock(1)");
  quick.rows("SELECT pg_advisory_lock(2)");
  const auto both = [](Connection& waits, Connection& notices) -> coro::Task<std::string> {
    const auto wait = [](Connection& on) -> coro::Task<> {
      co_await query(on, "SELECT pg_advisory_lock(2)");
    };
    coro::AsyncScope scope;
    scope.spawn(wait(waits));
    std::string text;
    try {
      co_await query(notices, "SELECT pg_advisory_lock(1)");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Transient);
      text = error.what();
    }
    co_await query(notices, "SELECT pg_advisory_unlock(2)");
    co_await scope.join();
    co_return text;
  };
  EXPECT_THAT(run_task(loop, both(other.connection, quick.connection)),
              StartsWith("asking: deadlock detected ("));
}

TEST_F(PostgresErrors, WaitingTooLongForALockMayPass) {
  const std::string database = server().fresh_database();
  server().exec("CREATE TABLE t ()", database);
  Client holder(loop, options(server().uri(database)));
  holder.rows("BEGIN READ WRITE; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
  Options impatient = options(server().uri(database));
  impatient.lock_timeout = 50ms;
  Client waiter(loop, impatient);
  const Error error = waiter.error("SELECT * FROM t");
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_THAT(error.what(), StartsWith("asking: canceling statement due to lock timeout"));
  holder.rows("ROLLBACK");
  EXPECT_EQ(waiter.rows("SELECT * FROM t").size(), 0U);
}

TEST_F(PostgresErrors, TheServersOwnTimeLimitMayPass) {
  client.rows("SET statement_timeout = 20");
  const Error error = client.error("SELECT pg_sleep(60)");
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_STREQ(error.what(), "asking: canceling statement due to statement timeout");
  EXPECT_FALSE(client.connection.broken());
}

// --- connecting --------------------------------------------------------------------------------------

TEST_F(PostgresErrors, OfTheAddressAreForGood) {
  server().exec(
      "DO $$ BEGIN CREATE ROLE with_password LOGIN PASSWORD 's3cret';"
      " EXCEPTION WHEN duplicate_object THEN END $$");
  const std::string where = "127.0.0.1:" + std::to_string(server().port());
  const std::pair<std::string, std::string> cases[] = {
      {server().uri("nowhere"), "database \"nowhere\" does not exist"},
      {server().uri("postgres", "nobody"), "role \"nobody\" does not exist"},
      {"postgresql://with_password:wr0ng@" + where + "/postgres",
       "password authentication failed for user \"with_password\""},
      {"postgresql://with_password@" + where + "/postgres", "no password supplied"},
      {server().uri() + "?sslmode=require", "server does not support SSL, but SSL was required"}};
  for (const auto& [uri, text] : cases) {
    Client wrong(loop, options(uri));
    const Error error = wrong.error("SELECT 1");
    EXPECT_EQ(error.kind(), ErrorKind::Permanent) << error.what();
    EXPECT_THAT(error.what(),
                StartsWith("asking: connecting to PostgreSQL: connection to server at \"127.0.0.1\""));
    EXPECT_THAT(error.what(), HasSubstr(text));
    EXPECT_THAT(error.what(), Not(HasSubstr("wr0ng")));
    expect_one_line(error);
    EXPECT_TRUE(wrong.connection.broken());
  }
}

TEST_F(PostgresErrors, ThePasswordComesFromTheUriOrFromBesideIt) {
  server().exec(
      "DO $$ BEGIN CREATE ROLE with_password LOGIN PASSWORD 's3cret';"
      " EXCEPTION WHEN duplicate_object THEN END $$");
  const std::string where = "127.0.0.1:" + std::to_string(server().port());
  EXPECT_EQ(
      Client(loop, options("postgresql://with_password:s3cret@" + where + "/postgres")).value("SELECT 1"),
      "1");
  Options beside = options("postgresql://with_password:wrong@" + where + "/postgres");
  beside.password = config::Secret("s3cret");
  EXPECT_EQ(Client(loop, beside).value("SELECT 1"), "1");
}

TEST_F(PostgresErrors, OfAServerThatIsNotThereMayPass) {
  const syncd::test::ReservedPort nobody;
  const syncd::test::TempDir folder;
  for (const std::string& uri : {"postgresql://127.0.0.1:" + std::to_string(nobody.number()),
                                 "host=" + folder.path().string(), std::string("host=nobody.invalid")}) {
    const Error error = Client(loop, options(uri)).error("SELECT 1");
    EXPECT_EQ(error.kind(), ErrorKind::Transient) << error.what();
    EXPECT_THAT(error.what(), StartsWith("asking: connecting to PostgreSQL: "));
    expect_one_line(error);
  }
}

TEST_F(PostgresErrors, OfAFullServerMayPass) {
  PostgresServer narrow({"max_connections=1", "superuser_reserved_connections=0", "max_wal_senders=0"});
  std::unique_ptr<Client> first;
  EXPECT_EVENTUALLY([&] {  // whoever asked whether it has started may not be gone yet
    first = std::make_unique<Client>(loop, options(narrow.uri()));
    try {
      return first->value("SELECT 1") == "1";
    } catch (const Error&) {
      return false;
    }
  }());
  const Error error = Client(loop, options(narrow.uri())).error("SELECT 1");
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_THAT(error.what(), EndsWith("sorry, too many clients already"));
}

TEST_F(PostgresErrors, OfAnAddressThatIsNone) {
  EXPECT_EQ(uri_mistake(config::Uri("postgresql://h/db?sslmode=prefer")), std::nullopt);
  EXPECT_EQ(uri_mistake(config::Uri("postgresql://h/db?nonsense=1")),
            "is no address that libpq knows: invalid URI query parameter: \"nonsense\"");
  const auto secret = uri_mistake(config::Uri("postgresql://ann:hunter2@[h/db"));
  ASSERT_TRUE(secret.has_value());
  EXPECT_THAT(*secret, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace syncd::postgres::test
