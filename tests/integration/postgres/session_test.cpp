// What a session is and what it returns.
#include "tests/integration/postgres/postgres_test.hpp"

namespace syncd::postgres::test {
namespace {

class PostgresSession : public PostgresDriver {
 protected:
  Client client{loop, options(server().uri())};
};

TEST_F(PostgresSession, IsReachedOverTcpAndUnixSocket) {
  EXPECT_EQ(client.value("SELECT 1"), "1");
  EXPECT_EQ(Client(loop, options(server().socket_uri())).value("SELECT 2"), "2");
}

TEST_F(PostgresSession, HasSettingsThatCallersRelyOn) {
  const std::pair<const char*, const char*> wanted[] = {{"DateStyle", "ISO, YMD"},
                                                        {"TimeZone", "UTC"},
                                                        {"IntervalStyle", "iso_8601"},
                                                        {"extra_float_digits", "1"},
                                                        {"bytea_output", "hex"},
                                                        {"default_transaction_read_only", "on"},
                                                        {"lock_timeout", "10s"},
                                                        {"client_encoding", "UTF8"},
                                                        {"application_name", "syncd test"},
                                                        {"client_connection_check_interval", "2s"}};
  // Also where the address or the database say otherwise.
  const std::string database = server().fresh_database();
  server().exec("ALTER DATABASE " + database + " SET DateStyle = 'German'");
  Client other(loop, options(server().uri(database) + "?application_name=x&client_encoding=LATIN1"));
  for (const auto& [name, value] : wanted) {
    EXPECT_EQ(client.value(std::string("SHOW ") + name), value) << name;
    EXPECT_EQ(other.value(std::string("SHOW ") + name), value) << name;
  }
}

TEST_F(PostgresSession, WritesNothing) {
  const Error error = client.error("CREATE TABLE t ()");
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_STREQ(error.what(), "asking: cannot execute CREATE TABLE in a read-only transaction");
}

TEST_F(PostgresSession, LeavesTheServersLimitLaterThanOurs) {
  const auto limited = [](Connection& connection, Duration limit) -> coro::Task<std::string> {
    auto call = connection.run(25s, "asking", [&limit](Session& session) {
      session.set_limit(limit);
      return session.exec("SHOW statement_timeout");
    });
    const Rows rows = co_await std::move(call);
    co_return std::string(rows.text(0, 0));
  };
  EXPECT_EQ(run_task(loop, limited(client.connection, 10s)), "15s");
  EXPECT_EQ(run_task(loop, limited(client.connection, 10s)), "15s");
  EXPECT_EQ(run_task(loop, limited(client.connection, 90s)), "95s");
}

TEST_F(PostgresSession, PreparesAStatementOnce) {
  for (const std::string number : {"1", "2", "3"}) {
    EXPECT_EQ(client.value("SELECT $1::int + 0", {number}), number);
    EXPECT_EQ(client.value("SELECT $1::int * 1", {number}), number);
  }
  EXPECT_EQ(client.value("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%$1::int%'"),
            "2");
}

TEST_F(PostgresSession, TellsSessionsApart) {
  const auto number = [](Connection& connection) -> coro::Task<std::uint64_t> {
    auto call = connection.run(25s, "asking", [](Session& session) { return session.number(); });
    const std::uint64_t found = co_await std::move(call);
    co_return found;
  };
  Client other(loop, options(server().uri()));
  const auto first = run_task(loop, number(client.connection));
  EXPECT_EQ(run_task(loop, number(client.connection)), first);
  EXPECT_NE(run_task(loop, number(other.connection)), first);
}

TEST_F(PostgresSession, SeesATableThatHasChanged) {
  const std::string database = server().fresh_database();
  server().exec("CREATE TABLE t AS SELECT 1 AS a", database);
  const std::string all = "SELECT * FROM t WHERE a > $1::int";
  Client own(loop, options(server().uri(database)));
  EXPECT_EQ(own.rows(all, {"0"}).columns(), 1U);
  own.rows("SELECT $1::int", {"0"});
  server().exec("ALTER TABLE t ADD COLUMN b text", database);
  EXPECT_EQ(own.rows(all, {"0"}).columns(), 2U);
  EXPECT_EQ(own.rows("SELECT $1::int", {"0"}).columns(), 1U);
  EXPECT_FALSE(own.connection.broken());
}

TEST_F(PostgresSession, ATableThatChangesWithinATransactionEndsTheSession) {
  const std::string database = server().fresh_database();
  server().exec("CREATE TABLE t AS SELECT 1 AS a", database);
  const std::string all = "SELECT * FROM t WHERE a > $1::int";
  Client stale(loop, options(server().uri(database)));
  stale.rows(all, {"0"});
  stale.rows("BEGIN");
  server().exec("ALTER TABLE t ADD COLUMN b text", database);
  const Error error = stale.error(all, {"0"});
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_STREQ(error.what(), "asking: cached plan must not change result type");
  EXPECT_TRUE(stale.connection.broken());
}

TEST_F(PostgresSession, DoesNotTryForEverWhatTheServerCannotDo) {
  const Error error = client.error("SELECT count(*) FROM pg_class WHERE oid > $1::oid FOR UPDATE", {"0"});
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_STREQ(error.what(), "asking: FOR UPDATE is not allowed with aggregate functions");
}

// --- rows --------------------------------------------------------------------------------------------

TEST_F(PostgresSession, ReturnsValuesAsTheServerWritesThem) {
  const Rows rows = client.rows(
      "SELECT 12345678901234567890.123456789012345678::numeric, 0.1::float8, true, '\\x00ff'::bytea,"
      " '2026-03-01 10:00:00.123456+01'::timestamptz, '1 day 2 hours'::interval, 'gr\u00fc\u00df "
      "\U0001F600'::text,"
      " ARRAY[1,2], '{\"a\": 1}'::jsonb");
  const std::vector<std::string> wanted = {"12345678901234567890.123456789012345678",
                                           "0.1",
                                           "t",
                                           "\\x00ff",
                                           "2026-03-01 09:00:00.123456+00",
                                           "P1DT2H",
                                           "gr\u00fc\u00df \U0001F600",
                                           "{1,2}",
                                           "{\"a\": 1}"};
  ASSERT_EQ(rows.columns(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(rows.text(0, i), wanted[i]);
}

TEST_F(PostgresSession, TellsNullFromEmpty) {
  const Rows rows = client.rows("SELECT NULL::text AS nothing, '' AS empty, 'x' AS something");
  EXPECT_TRUE(rows.null(0, 0));
  EXPECT_FALSE(rows.null(0, 1));
  EXPECT_EQ(rows.text(0, 0), "");
  EXPECT_EQ(rows.value(0, 0), std::nullopt);
  EXPECT_EQ(rows.value(0, 1), "");
  rows.each_row([](const std::string_view* cells) {
    EXPECT_EQ(cells[0].data(), nullptr);
    EXPECT_NE(cells[1].data(), nullptr);
    EXPECT_EQ(cells[1], "");
    EXPECT_EQ(cells[2], "x");
  });
  EXPECT_EQ(rows.column_name(0), "nothing");
  EXPECT_EQ(rows.column_name(2), "something");
}

TEST_F(PostgresSession, BindsParametersAsTheyAre) {
  const std::string odd = "a'b\"c\\d$1 gr\u00fc\u00df\n";
  const Rows rows = client.rows("SELECT $1::text, $2::text, $3::text", {odd, std::nullopt, ""});
  EXPECT_EQ(rows.value(0, 0), odd);
  EXPECT_EQ(rows.value(0, 1), std::nullopt);
  EXPECT_EQ(rows.value(0, 2), "");
}

TEST_F(PostgresSession, ReturnsLargeValuesAndManyRows) {
  EXPECT_EQ(client.value("SELECT repeat('x', 20000000)").size(), 20'000'000U);
  const Rows rows = client.rows("SELECT n, 'name ' || n FROM generate_series(1, 100000) n");
  ASSERT_EQ(rows.size(), 100'000U);
  std::size_t row = 0;
  rows.each_row([&](const std::string_view* cells) {
    ++row;
    if (cells[0] != std::to_string(row) || cells[1] != "name " + std::to_string(row)) {
      ADD_FAILURE() << cells[0] << ' ' << cells[1];
    }
  });
  EXPECT_EQ(row, 100'000U);
}

TEST_F(PostgresSession, LeavesRowsThatOutliveIt) {
  std::shared_ptr<const void> owner;
  std::string_view cell;
  {
    Client gone(loop, options(server().uri()));
    const Rows rows = gone.rows("SELECT 'still here'");
    owner = rows.owner();
    cell = rows.text(0, 0);
  }
  EXPECT_EQ(cell, "still here");
}

TEST_F(PostgresSession, ReturnsNoRowsAndNoColumns) {
  EXPECT_EQ(client.rows("SELECT 1 AS a WHERE false").size(), 0U);
  EXPECT_EQ(client.rows("SELECT 1 AS a WHERE false").columns(), 1U);
  EXPECT_EQ(client.rows("SET LOCAL work_mem = '4MB'").columns(), 0U);
}

}  // namespace
}  // namespace syncd::postgres::test
