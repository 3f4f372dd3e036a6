// postgres_table on a real server: pages, positions, and tables of every kind.
#include <csignal>

#include "tests/integration/jobs/postgres_table_fixture.hpp"

namespace syncd::jobs::source_test {
namespace {

using Ids = std::vector<std::string>;

class PostgresTableWalk : public PostgresTableTest {
 protected:
  // Ends the sessions of the source; their sockets are closed when it returns.
  void end_sessions() {
    const auto rows = server->exec("SELECT pid FROM pg_stat_activity WHERE application_name = 'syncd'");
    server->terminate_backends();
    for (const auto& row : rows) ASSERT_EVENTUALLY(::kill(std::stoi(*row[0]), 0) != 0);
  }
};

TEST_F(PostgresTableWalk, FromEveryPositionComesExactlyWhatFollowed) {
  // Ties on the leading columns, at and across the ends of pages.
  exec(
      "CREATE TABLE t (a int NOT NULL, b text NOT NULL, c numeric NOT NULL, name text, PRIMARY KEY (a, b, "
      "c));"
      "INSERT INTO t SELECT a, 'b' || b, c / 3.0, a || '-' || b || '-' || c"
      "  FROM generate_series(1, 3) a, generate_series(1, 3) b, generate_series(1, 3) c");
  for (const char* late : {"ignore", "fence"}) {
    for (const bool repeats : {true, false}) {
      Reading reading(uri,
                      "table = 't'\ncolumns = ['name']\ncursor = ['a', 'b', 'c']\nbatch_rows = 4\n"
                      "late_commits = '" +
                          std::string(late) + "'\n",
                      repeats);
      std::vector<std::string> names;
      std::vector<Position> after;  // each row
      reading.attempt(Position(), [&](const Batch& batch) {
        const Position before = after.empty() ? Position() : after.back();
        for (std::size_t row = 0; row < batch.rows(); ++row) {
          names.emplace_back(batch.cell(row, 0).text());
          after.push_back(batch.position_at(row + 1, before));
        }
        return true;
      });
      ASSERT_EQ(names.size(), 27u);
      EXPECT_EQ(names.front(), "1-1-1");
      EXPECT_EQ(names.back(), "3-3-3");
      for (std::size_t row = 0; row < names.size(); ++row) {
        reading.position = after[row];
        const Ids rest = reading.ids();
        EXPECT_EQ(rest, Ids(names.begin() + static_cast<std::ptrdiff_t>(row) + 1, names.end())) << row;
      }
    }
  }
}

TEST_F(PostgresTableWalk, ARunReadsWhatWasCommittedBeforeItBegan) {
  exec("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp())");
  for (const bool repeats : {true, false}) {
    Reading reading(uri, "table = 't'\ncursor = ['at', 'id']\ncolumns = ['id']\nsettle = '300ms'\n", repeats);
    EXPECT_EQ(reading.ids(), Ids());
    exec("TRUNCATE t; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)");
    EXPECT_EQ(reading.ids(), (Ids{"1", "2"}));
    EXPECT_EQ(reading.ids(), Ids());
    exec("TRUNCATE t");
  }
}

TEST_F(PostgresTableWalk, FromEveryPositionOfASecondReadComesExactlyWhatFollowed) {
  exec("CREATE TABLE t (id bigserial PRIMARY KEY)");
  Reading reading(uri, "table = 't'\ncursor = ['id']\nbatch_rows = 3\nhold_wait = '0s'\n");
  Client late(uri);
  late.exec("BEGIN; INSERT INTO t SELECT FROM generate_series(1, 10)");
  exec("INSERT INTO t DEFAULT VALUES");
  EXPECT_EQ(reading.ids(), Ids{"11"});
  late.exec("COMMIT");
  exec("INSERT INTO t DEFAULT VALUES");
  Ids ids;
  std::vector<Position> after;
  const Position start = reading.position;
  reading.attempt(start, [&](const Batch& batch) {
    const Position before = after.empty() ? start : after.back();
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      ids.emplace_back(batch.cell(row, 0).text());
      after.push_back(batch.position_at(row + 1, before));
    }
    return true;
  });
  EXPECT_EQ(ids, (Ids{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}));
  for (std::size_t row = 0; row < ids.size(); ++row) {
    reading.position = after[row];
    EXPECT_EQ(reading.ids(), Ids(ids.begin() + static_cast<std::ptrdiff_t>(row) + 1, ids.end())) << row;
  }
}

TEST_F(PostgresTableWalk, CursorsOfEveryTypeAreExact) {
  exec(
      R"(CREATE TABLE t (ts timestamptz, n numeric, txt text, b bytea, c char(5), d date, u uuid, "odd ""name" text,
          i interval, e bool, PRIMARY KEY (ts, n, txt, b, c, d, u, "odd ""name", i, e));
          INSERT INTO t SELECT '2026-03-29 01:00:00+00'::timestamptz + g * interval '1 us', 1e30 + g / 7.0,
            E'it''s "' || chr(9) || chr(10) || '\ ' || chr(233) || g, decode(md5(g::text), 'hex'), 'x' || g,
            date '2026-01-01' + g, md5(g::text)::uuid, '{}' || g, g * interval '1 day 1 us', g % 2 = 0
          FROM generate_series(1, 9) g)");
  Reading reading(uri, R"(
table = "t"
columns = ["c"]
cursor = ["ts", "n", "txt", "b", "c", "d", "u", 'odd "name', "i", "e"]
batch_rows = 1
)");
  EXPECT_EQ(reading.ids(),
            (Ids{"x1   ", "x2   ", "x3   ", "x4   ", "x5   ", "x6   ", "x7   ", "x8   ", "x9   "}));
  Reading other_settings(uri + "?options=-c%20DateStyle%3DGerman%20-c%20TimeZone%3DEurope/Paris", R"(
table = "t"
columns = ["ts"]
cursor = ["ts"]
)");
  EXPECT_EQ(other_settings.ids()[0], "2026-03-29 01:00:00.000001+00");
}

TEST_F(PostgresTableWalk, ColumnsComeAsNamedWithTheirKindsAndNulls) {
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, ok bool, j jsonb, f float8, name text);"
      "INSERT INTO t VALUES (1, true, '{\"a\":1}', 0.1, NULL), (2, false, NULL, 'NaN', '')");
  Reading reading(uri, "table = 'public.t'\ncolumns = ['name', 'f', 'j', 'ok']\ncursor = ['id']\n");
  std::vector<ColumnKind> kinds;
  Rows rows;
  reading.attempt(Position(), [&](const Batch& batch) {
    kinds = batch.schema().kinds();
    EXPECT_EQ(batch.schema().columns(), (std::vector<std::string>{"name", "f", "j", "ok"}));
    for (std::size_t row = 0; row < batch.rows(); ++row) rows.push_back(row_of(batch, row));
    return true;
  });
  EXPECT_EQ(kinds,
            (std::vector{ColumnKind::Text, ColumnKind::Number, ColumnKind::Json, ColumnKind::Boolean}));
  EXPECT_EQ(rows, (Rows{{"NULL", "0.1", "{\"a\": 1}", "t"}, {"", "NaN", "NULL", "f"}}));
}

TEST_F(PostgresTableWalk, ADomainIsWhatItIsMadeOfHoweverDeep) {
  exec(
      "CREATE DOMAIN moment AS timestamptz; CREATE DOMAIN stamp AS moment NOT NULL; CREATE DOMAIN seen AS "
      "stamp;"
      "CREATE DOMAIN amount AS numeric; CREATE DOMAIN price AS amount; CREATE DOMAIN flag AS bool;"
      "CREATE DOMAIN mark AS flag; CREATE TABLE t (at seen DEFAULT now(), p price, m mark, f flag, a "
      "amount[]);"
      "INSERT INTO t VALUES (now(), 1.5, true, false, '{1}')");
  Reading reading(uri, "table = 't'\ncursor = ['at']\nsettle = '0s'\n");
  std::vector<ColumnKind> kinds;
  reading.attempt(Position(), [&](const Batch& batch) {
    kinds = batch.schema().kinds();
    return true;
  });
  EXPECT_EQ(kinds, (std::vector{ColumnKind::Text, ColumnKind::Number, ColumnKind::Boolean,
                                ColumnKind::Boolean, ColumnKind::Text}));
}

TEST_F(PostgresTableWalk, FewRowsOfManyAreFoundPieceByPiece) {
  exec(
      "CREATE TABLE t (id bigserial PRIMARY KEY, kind int NOT NULL);"
      "INSERT INTO t (kind) SELECT (g % 60000 = 1)::int FROM generate_series(1, 240005) g");
  Reading reading(uri, "table = 't'\ncursor = ['id']\nwhere = 'kind = 1 -- few'\nhold_wait = '0s'\n");
  Client late(uri);
  late.exec("BEGIN; UPDATE t SET kind = 1 WHERE id IN (70000, 130000, 240000)");
  exec("UPDATE t SET kind = 1 WHERE id = 240005");
  EXPECT_EQ(reading.ids(), (Ids{"1", "60001", "120001", "180001", "240001", "240005"}));
  late.exec("COMMIT");
  EXPECT_EQ(reading.ids(), (Ids{"70000", "130000", "240000", "240005"}));
  exec("INSERT INTO t (kind) SELECT 0 FROM generate_series(1, 120000); INSERT INTO t (kind) VALUES (1)");
  EXPECT_EQ(reading.ids(), Ids{"360006"});
  EXPECT_EQ(reading.ids(), Ids{});
}

TEST_F(PostgresTableWalk, ViewsAndPartitionedTablesAreFencedToo) {
  exec(
      "CREATE TABLE t (id bigserial, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id, at))"
      " PARTITION BY RANGE (at);"
      "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (MINVALUE) TO (now() - interval '1 day');"
      "CREATE TABLE t2 PARTITION OF t DEFAULT;"
      "CREATE VIEW v AS SELECT id, at FROM t; INSERT INTO t DEFAULT VALUES");
  for (const char* table : {"t", "v"}) {
    Reading reading(uri, "table = '" + std::string(table) +
                             "'\ncursor = ['at', 'id']\nsettle = '0s'\nhold_wait = '0s'\n");
    Client late(uri);
    const std::size_t before = reading.ids().size();
    EXPECT_GE(before, 1u);
    late.exec("BEGIN");
    const std::string id = late.exec("INSERT INTO t DEFAULT VALUES RETURNING id");
    exec("INSERT INTO t DEFAULT VALUES");
    EXPECT_EQ(reading.ids().size(), 1u);
    late.exec("COMMIT");
    EXPECT_EQ(reading.ids()[0], id) << table;
    EXPECT_EQ(reading.ids(), Ids{}) << table;
  }
}

TEST_F(PostgresTableWalk, NullCursorsHaltOrAreLeftOut) {
  exec("CREATE TABLE t (id int, name text); INSERT INTO t VALUES (1, 'a'), (NULL, 'b'), (2, 'c')");
  Reading strict(uri, "table = 't'\ncursor = ['id']\nlate_commits = 'ignore'\n");
  const Error error = strict.failure();
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_NE(std::string(error.what()).find("rows whose cursor is NULL"), std::string::npos) << error.what();
  Reading lenient(uri, "table = 't'\ncursor = ['id']\non_null_cursor = 'ignore'\nbatch_rows = 1\n");
  EXPECT_EQ(lenient.ids(), (Ids{"1", "2"}));
  Reading excluded(uri, "table = 't'\ncursor = ['id']\nwhere = 'id IS NOT NULL'\n");
  EXPECT_EQ(excluded.ids(), (Ids{"1", "2"}));
}

TEST_F(PostgresTableWalk, RowsAtInfinityAreNoEndOfTime) {
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());"
      "INSERT INTO t VALUES (1, '-infinity'), (2, 'infinity'), (3, now() + interval '1 day'), (4, now())");
  for (const char* late : {"fence", "ignore", "lag:1ms"}) {
    Reading reading(uri, "table = 't'\ncursor = ['at', 'id']\nsettle = '0s'\nlate_commits = '" +
                             std::string(late) + "'\n");
    EXPECT_EQ(reading.ids(), (Ids{"1", "4"})) << late;
    exec("UPDATE t SET at = clock_timestamp() WHERE id = 4");
    ASSERT_EVENTUALLY(reading.ids() == Ids{"4"});
  }
}

TEST_F(PostgresTableWalk, SessionsThatEndBetweenTwoPagesAreReplaced) {
  exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 9)");
  Reading reading(uri, "table = 't'\ncursor = ['id']\nbatch_rows = 2\n");
  Ids ids;
  reading.attempt(Position(), [&](const Batch& batch) {
    for (std::size_t row = 0; row < batch.rows(); ++row) ids.emplace_back(batch.cell(row, 0).text());
    end_sessions();
    return true;
  });
  EXPECT_EQ(ids, (Ids{"1", "2", "3", "4", "5", "6", "7", "8", "9"}));
}

TEST_F(PostgresTableWalk, ASessionWithAnotherTableInTheMiddleOfARunIsATransientError) {
  exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 9)");
  Reading reading(uri, "table = 't'\ncursor = ['id']\nbatch_rows = 2\n");
  std::size_t rows = 0;
  try {
    reading.attempt(Position(), [&](const Batch& batch) {
      rows += batch.rows();
      exec("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY)");
      end_sessions();
      return true;
    });
    ADD_FAILURE() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    EXPECT_NE(std::string(error.what()).find("in the middle of a run"), std::string::npos) << error.what();
  }
  EXPECT_EQ(rows, 2u);
}

// --- another source -----------------------------------------------------------------------------------

class PostgresTableIdentity : public PostgresTableTest {
 protected:
  static constexpr const char* kOptions = "table = 't'\ncursor = ['id']\n";
  void SetUp() override {
    PostgresTableTest::SetUp();
    if (server != nullptr) make();
  }
  void make() {
    exec(
        "CREATE TABLE t (id serial PRIMARY KEY, other int UNIQUE NOT NULL DEFAULT 1); INSERT INTO t DEFAULT "
        "VALUES");
  }
  // What a sink whose writes must not repeat is told, and one that can start over.
  void expect_change(const Position& position, const std::string& words,
                     const std::string& options = kOptions) {
    Reading strict(uri, options, false);
    strict.position = position;
    const Error error = strict.failure();
    EXPECT_EQ(error.kind(), ErrorKind::Permanent);
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    Reading lenient(uri, options, true);
    lenient.position = position;
    EXPECT_EQ(lenient.ids(), Ids{"1"});
    ASSERT_EQ(lenient.told.warnings.size(), 1u);
    EXPECT_NE(lenient.told.warnings[0].find(words), std::string::npos) << lenient.told.warnings[0];
    EXPECT_EQ(lenient.ids(), Ids{});
    EXPECT_EQ(lenient.told.warnings.size(), 1u);
  }
};

TEST_F(PostgresTableIdentity, AnotherTableDatabaseOrCursorStartsOverOrHalts) {
  Reading reading(uri, kOptions);
  EXPECT_EQ(reading.ids(), Ids{"1"});
  const Position old = reading.position;
  expect_change(old, "the position is one of the cursor (id), now it is (other)",
                "table = 't'\ncursor = ['other']\ncolumns = ['id']\nlate_commits = 'ignore'\n");
  exec("DROP TABLE t");
  make();
  expect_change(old, "another table of that name");
  database = server->fresh_database();
  uri = server->socket_uri(database);
  make();
  expect_change(old, "another database of that name");
}

TEST_F(PostgresTableIdentity, AServerThatWentBackInTimeIsNoticed) {
  Reading reading(uri, kOptions);
  EXPECT_EQ(reading.ids(), Ids{"1"});
  std::string text = reading.position.text();
  const std::size_t xmax = text.find("\"x\":");
  ASSERT_NE(xmax, std::string::npos);
  text.insert(xmax + 4, "9");
  expect_change(Position("", text), "went back in time");
}

TEST_F(PostgresTableIdentity, IdsThatAreGivenAnewAreNoticed) {
  exec("INSERT INTO t (other) SELECT generate_series(2, 9)");
  Reading reading(uri, kOptions);
  EXPECT_EQ(reading.ids().size(), 9u);
  exec("DELETE FROM t WHERE id > 5");
  EXPECT_EQ(reading.ids(), Ids{});
  EXPECT_TRUE(reading.told.warnings.empty()) << "rows may be deleted";
  exec("TRUNCATE t RESTART IDENTITY; INSERT INTO t DEFAULT VALUES");
  expect_change(reading.position, "the sequence of id was set back below 9");
}

TEST_F(PostgresTableIdentity, AClockThatWentBackIsFollowed) {
  exec("ALTER TABLE t ADD at timestamptz NOT NULL DEFAULT now()");
  Reading reading(uri, "table = 't'\ncursor = ['at', 'id']\nsettle = '0s'\n");
  EXPECT_EQ(reading.ids(), Ids{"1"});
  // As if the clock had been an hour ahead then.
  std::string text = reading.position.text();
  const std::string then = server->value(
      "SELECT (at + interval '1 hour')::timestamptz AT TIME ZONE 'UTC' || '+00' FROM t", database);
  const std::string was = server->value("SELECT at AT TIME ZONE 'UTC' || '+00' FROM t", database);
  ASSERT_NE(text.find(was), std::string::npos) << text << " " << was;
  text.replace(text.find(was), was.size(), then);
  reading.position = Position("", text);
  EXPECT_EQ(reading.ids(), Ids{});
  ASSERT_EQ(reading.told.warnings.size(), 1u);
  EXPECT_NE(reading.told.warnings[0].find("clock went back"), std::string::npos);
  exec("INSERT INTO t (other) VALUES (2)");
  EXPECT_EQ(reading.ids(), Ids{"2"});
  EXPECT_EQ(reading.told.warnings.size(), 1u);
}

}  // namespace
}  // namespace syncd::jobs::source_test
