// The sink postgres_table: what it writes, which rows it refuses, and that rows and position are one thing.
#include <thread>

#include "tests/integration/jobs/postgres_table_fixture.hpp"
#include "tests/integration/jobs/sink_test.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/tcp_gate.hpp"

namespace syncd::jobs {
namespace {

using syncd::test::PostgresServer;
using syncd::test::TcpGate;
using test::numbered;
using test::users;

const std::string kUpsert = "table = \"users\"\nkey = [\"id\"]\n";

class PostgresSink : public test::SinkTest {
 protected:
  PostgresSink() { database(); }

  void sql(const std::string& text) { PostgresServer::shared().exec(text, database_); }
  std::string value(const std::string& text) { return PostgresServer::shared().value(text, database_); }
  // "id=name ..." of the table, NULL as ~.
  std::string table() {
    return value(
        "SELECT coalesce(string_agg(id || '=' || coalesce(name, '~'), ' ' ORDER BY id, name), '') FROM "
        "users");
  }
  std::string position() {
    return value("SELECT position FROM syncd_checkpoint WHERE job = 'users' AND partition = ''");
  }
  // A batch of any columns.
  Batch batch(std::vector<std::string> columns, const std::vector<std::optional<std::string>>& cells) {
    Batch made(std::make_shared<const Schema>(std::move(columns)), Position("", "p1"));
    for (const auto& cell : cells) {
      if (cell) {
        made.push_copy(*cell);
      } else {
        made.push_null();
      }
    }
    return made;
  }
  std::vector<std::string> errors() const {
    std::vector<std::string> all;
    for (const BadRecord& bad : bad_) all.push_back(bad.error);
    return all;
  }
};

TEST_F(PostgresSink, InsertsRowsAndPositionTogether) {
  auto sink = opened(postgres_table_sink(), "table = \"public.users\"");
  commit(*sink, users(1, {"Ada", std::nullopt, "a \"quoted\" \\ {text}, 'x'", "", "NULL"}));
  EXPECT_EQ(table(), "1=Ada 2=~ 3=a \"quoted\" \\ {text}, 'x' 4= 5=NULL");
  EXPECT_EQ(position(), "p6");
}

TEST_F(PostgresSink, EveryTextArrivesAsItIs) {
  auto sink = opened(postgres_table_sink(), "table = \"users\"");
  const std::vector<std::string> texts{"a\tb",
                                       "a\nb\r\n",
                                       "\\N",
                                       "\\.",
                                       "\\",
                                       "\b\f\v\x01",
                                       "\xC3\xA9\xF0\x9F\x98\x80",
                                       std::string(200'000, 'x') + "\\"};
  std::vector<std::optional<std::string>> cells;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    cells.emplace_back(std::to_string(i));
    cells.emplace_back(texts[i]);
  }
  commit(*sink, batch({"id", "name"}, cells));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(value("SELECT name FROM users WHERE id = " + std::to_string(i)), texts[i]) << i;
  }
}

// What COPY does otherwise, or not at all.
TEST_F(PostgresSink, ViewsRulesRowSecurityAndIdentitiesTakeInserts) {
  sql("CREATE VIEW shown AS SELECT id, name FROM users;"
      "CREATE TABLE ruled (id bigint, name text);"
      "CREATE RULE elsewhere AS ON INSERT TO ruled DO INSTEAD INSERT INTO users VALUES (NEW.id, NEW.name);"
      "CREATE TABLE numbered (id bigint GENERATED ALWAYS AS IDENTITY, name text)");
  auto view = opened(postgres_table_sink(), "table = \"shown\"");
  commit(*view, users(1, {"by view"}));
  auto ruled = opened(postgres_table_sink(), "table = \"ruled\"");
  commit(*ruled, users(2, {"by rule"}));
  EXPECT_EQ(table(), "1=by view 2=by rule");
  auto numbered = opened(postgres_table_sink(), "table = \"numbered\"");
  EXPECT_NE(std::string(commit_error(*numbered, users(3, {"x"})).what()).find("cannot insert"),
            std::string::npos);
  for (auto* sink : {&view, &ruled, &numbered}) sink->reset();
  sql("DELETE FROM users; ALTER TABLE users ENABLE ROW LEVEL SECURITY;"
      "CREATE POLICY even ON users USING (true) WITH CHECK (id % 2 = 0);"
      "GRANT ALL ON users TO pg_monitor; GRANT ALL ON SCHEMA public TO pg_monitor");
  use_postgres(PostgresServer::shared().socket_uri(database_) + "?options=-c%20role%3Dpg_monitor");
  auto secured = opened(postgres_table_sink(), "table = \"users\"\ncheckpoint_table = \"theirs\"");
  commit(*secured, users(4, {"by policy"}));
  EXPECT_EQ(table(), "4=by policy");
}

TEST_F(PostgresSink, UpsertsByKeyAndTheLastOfABatchCounts) {
  auto sink = opened(postgres_table_sink(), kUpsert);
  commit(*sink, users(1, {"Ada", "Bob"}));
  commit(*sink, batch({"id", "name"}, {"2", "Bob 2", "3", "Eve", "02", "Bob 3", "3", "Eve 2"}));
  EXPECT_EQ(table(), "1=Ada 2=Bob 3 3=Eve 2");
}

TEST_F(PostgresSink, ADeleteRuleDeletesTheRowOfTheKey) {
  auto sink = opened(postgres_table_sink(), kUpsert + "delete_if = { field = \"name\", equals = \"gone\" }");
  commit(*sink, users(1, {"Ada", "Bob", "Eve"}));
  commit(*sink, batch({"id", "name"},
                      {"1", "gone", "2", "gone", "2", "back", "3", "new", "3", "gone", "9", "gone"}));
  EXPECT_EQ(table(), "2=back");
}

TEST_F(PostgresSink, AKeyMayHaveSeveralColumnsAndNothingElse) {
  sql("CREATE TABLE pairs (a int, b varchar(3), PRIMARY KEY (a, b))");
  auto sink = opened(postgres_table_sink(), "table = \"pairs\"\nkey = [\"id\", \"name\"]");
  sql("ALTER TABLE pairs RENAME a TO id; ALTER TABLE pairs RENAME b TO name");
  commit(*sink, users(1, {"x", "y"}));
  commit(*sink, users(1, {"x", "z"}));
  EXPECT_EQ(value("SELECT count(*) FROM pairs"), "3");
}

TEST_F(PostgresSink, EveryTypeTakesItsText) {
  sql("CREATE TYPE mood AS ENUM ('ok', 'bad');"
      "CREATE TABLE \"Odd Table\" (b boolean, n numeric(10, 2), t timestamptz, a int[], j jsonb, m mood, c "
      "char(3),"
      " \"Odd \"\"Name\" bytea)");
  auto sink = opened(postgres_table_sink(), "table = '\"Odd Table\"'");
  commit(*sink,
         batch({"b", "n", "t", "a", "j", "m", "c", "Odd \"Name"},
               {"true", "1.005", "2026-11-25T01:02:03Z", "{1,2}", R"({"k": [1]})", "ok", "ab", "\\x00ff"}));
  EXPECT_EQ(value("SELECT row(b, n, t AT TIME ZONE 'UTC', a, j->'k', m, c, \"Odd \"\"Name\")::text FROM "
                  "\"Odd Table\""),
            R"((t,1.01,"2026-11-25 01:02:03","{1,2}",[1],ok,"ab ","\\x00ff"))");
}

TEST_F(PostgresSink, NothingIsCutToFit) {
  sql("CREATE TABLE narrow (id char(2), name varchar(2))");
  auto sink = opened(postgres_table_sink(), "table = \"narrow\"");
  commit(*sink, batch({"id", "name"}, {"ab", "ab", "abc", "x", "x", "abc"}));
  EXPECT_EQ(value("SELECT count(*) FROM narrow"), "1");
  ASSERT_EQ(bad_.size(), 2U);
  EXPECT_EQ(bad_[0].error, "\"narrow\": value too long for type character(2)");
}

TEST_F(PostgresSink, BadRowsAreFoundAndTheOthersAreWritten) {
  sql("ALTER TABLE users ADD CHECK (name <> 'forbidden')");
  auto sink = opened(postgres_table_sink(), "table = \"users\"");
  std::vector<std::optional<std::string>> cells;
  for (int i = 0; i < 100; ++i) {
    cells.emplace_back(i == 17 ? "seventeen" : i == 60 ? "5" : std::to_string(i));  // 60 repeats the key 5
    cells.emplace_back(i == 33 ? "forbidden" : i == 40 ? std::string("a\0b", 3) : i == 41 ? "\xff" : "x");
  }
  commit(*sink, batch({"id", "name"}, cells));
  EXPECT_EQ(value("SELECT count(*) FROM users"), "95");
  EXPECT_EQ(position(), "p1");
  const auto all = errors();
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0], "the column \"name\" holds a NUL byte, which PostgreSQL cannot store");
  EXPECT_NE(all[1].find("invalid input syntax for type bigint: \"seventeen\""), std::string::npos) << all[1];
  EXPECT_NE(all[2].find("violates check constraint"), std::string::npos) << all[2];
  EXPECT_NE(all[3].find("invalid byte sequence"), std::string::npos) << all[3];
  EXPECT_NE(all[4].find("duplicate key value"), std::string::npos) << all[4];
  EXPECT_EQ(bad_[1].record, R"({"id":"seventeen","name":"x"})");
}

TEST_F(PostgresSink, ARowWithoutAKeyIsABadRecord) {
  auto sink = opened(postgres_table_sink(), "table = \"users\"\nkey = [\"id\"]");
  commit(*sink, batch({"id", "name"}, {std::nullopt, "x", "1", "y"}));
  EXPECT_EQ(table(), "1=y");
  EXPECT_EQ(errors(), std::vector<std::string>{"key: the column \"id\" is NULL"});
}

TEST_F(PostgresSink, ADeferredConstraintFindsItsRowToo) {
  sql("CREATE TABLE owners (id bigint PRIMARY KEY); INSERT INTO owners VALUES (1), (3);"
      "ALTER TABLE users ADD FOREIGN KEY (id) REFERENCES owners DEFERRABLE INITIALLY DEFERRED");
  auto sink = opened(postgres_table_sink(), "table = \"users\"");
  commit(*sink, users(1, {"a", "b", "c"}));
  EXPECT_EQ(table(), "1=a 3=c");
  EXPECT_EQ(bad_.size(), 1U);
}

TEST_F(PostgresSink, HaltingWritesNothingOfTheBatch) {
  halt_ = true;
  auto sink = opened(postgres_table_sink(), "table = \"users\"");
  const Error error = commit_error(*sink, batch({"id", "name"}, {"1", "x", "zwei", "y"}));
  EXPECT_EQ(error.kind(), ErrorKind::Data);
  EXPECT_EQ(table(), "");
  EXPECT_EQ(position(), "");
}

TEST_F(PostgresSink, AMissingTableIsSaidOnce) {
  auto sink = opened(postgres_table_sink(), "table = \"nowhere\"");
  const Error error = commit_error(*sink, users(1, {"x"}));
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_STREQ(error.what(), "writing \"nowhere\": there is no table \"nowhere\"");
}

TEST_F(PostgresSink, AMissingColumnNamesTheNearest) {
  auto sink = opened(postgres_table_sink(), "table = \"users\"");
  const Error error = commit_error(*sink, batch({"id", "nmae"}, {"1", "x"}));
  EXPECT_EQ(error.kind(), ErrorKind::Config);
  EXPECT_NE(std::string(error.what()).find("unknown column 'nmae'; did you mean 'name'?"), std::string::npos);
}

// --- one writer ------------------------------------------------------------------------------------------

TEST_F(PostgresSink, ASecondDaemonWaitsForTheEndOfTheLease) {
  auto first = opened(postgres_table_sink(), kUpsert, "one");
  auto second = make(postgres_table_sink(), kUpsert, "two");
  const Error error = syncd::test::error_of(loop_, second->open());
  EXPECT_EQ(error.kind(), ErrorKind::Fenced);
  EXPECT_NE(std::string(error.what()).find("is run by another syncd"), std::string::npos) << error.what();
  sql("UPDATE syncd_checkpoint SET lease_until = now() - interval '1 second'");  // as if it had been silent
  syncd::test::run_task(loop_, second->open());
  EXPECT_EQ(commit_error(*first, users(1, {"x"})).kind(), ErrorKind::Fenced);
  EXPECT_EQ(table(), "");
}

TEST_F(PostgresSink, ARemovedCheckpointIsNoticed) {
  auto sink = opened(postgres_table_sink(), kUpsert);
  sql("DELETE FROM syncd_checkpoint");
  EXPECT_EQ(commit_error(*sink, users(1, {"x"})).kind(), ErrorKind::Transient);
  EXPECT_EQ(table(), "");
}

TEST_F(PostgresSink, ATakeOverWaitsForACommitWhoseFateIsOpen) {
  auto sink = opened(postgres_table_sink(), kUpsert);
  commit(*sink, users(1, {"x"}));
  // A commit of a run before, still on its way in the server.
  syncd::test::SqlClient late(PostgresServer::shared().socket_uri(database_));
  late.exec("BEGIN");
  late.exec("UPDATE syncd_checkpoint SET lease_until = now(), position = 'late' WHERE partition = ''");
  auto next = make(postgres_table_sink(), kUpsert);
  const auto both = [](loop::EventLoop& loop, Sink& taker, syncd::test::SqlClient& other,
                       const std::string& uri, std::string& found) -> Task<> {
    coro::AsyncScope scope;
    bool done = false;
    const auto open = [](Sink& one, std::string& at, bool& over) -> Task<> {
      const auto positions = co_await one.open();
      at = positions->at("").text();
      over = true;
    };
    scope.spawn(open(taker, found, done));
    syncd::test::SqlClient watcher(uri);
    co_await syncd::test::until(
        loop, [&watcher] { return watcher.exec("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0"; });
    EXPECT_FALSE(done);
    other.exec("COMMIT");
    co_await syncd::test::until(loop, [&done] { return done; });
    co_await scope.join();
  };
  std::string found;
  syncd::test::run_task(loop_,
                        both(loop_, *next, late, PostgresServer::shared().socket_uri(database_), found));
  EXPECT_EQ(found, "late");
}

// Wherever the connection is cut, a commit has happened with its position or not at all.
TEST_F(PostgresSink, ACutConnectionLosesAndDoublesNothing) {
  sql("ALTER TABLE users DROP CONSTRAINT users_pkey");  // a row that came twice would stay
  const std::string toml = "table = \"users\"";
  TcpGate gate(PostgresServer::shared().port());
  use_postgres("postgresql://postgres@127.0.0.1:" + std::to_string(gate.port()) + "/" + database_);
  std::size_t cuts = 0;
  for (std::uint64_t bytes = 0; bytes < 4000; bytes += 67) {
    for (const auto direction : {TcpGate::ToServer, TcpGate::ToClient}) {
      sql("TRUNCATE users; DROP TABLE IF EXISTS syncd_checkpoint");
      auto sink = opened(postgres_table_sink(), toml);
      gate.cut(direction, bytes);
      try {
        for (std::size_t i = 0; i < 5; ++i) commit(*sink, numbered(i * 3, 3));
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::Transient) << error.what();
        ++cuts;
      }
      gate.pass();
      sink = opened(postgres_table_sink(), toml);
      const std::string at = positions_.at("").text();
      const std::size_t from = at.empty() ? 0 : std::stoul(at.substr(1));
      for (std::size_t i = from; i < 15; i += 3) commit(*sink, numbered(i, 3));
      ASSERT_EQ(value("SELECT count(*) || ' ' || count(DISTINCT id) FROM users"), "15 15") << bytes;
    }
  }
  EXPECT_GT(cuts, 40U);
}

// --- what it is to a source ------------------------------------------------------------------------------

// The fence leaves out what this daemon reads; what it writes may commit late like anybody's.
TEST_F(PostgresSink, ASourceOfTheSameUserWaitsForItsTransactions) {
  sql("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';"
      "CREATE TRIGGER waits BEFORE INSERT ON users FOR EACH ROW WHEN (NEW.name = 'late')"
      " EXECUTE FUNCTION wait()");
  const std::string uri = PostgresServer::shared().uri(database_);
  use_postgres(uri);
  auto sink = opened(postgres_table_sink(), "table = \"users\"");
  source_test::Client other(uri);
  other.exec("SELECT pg_advisory_lock(1)");
  std::thread writer([&] { commit(*sink, users(1, {"late"})); });
  EXPECT_EVENTUALLY(other.exec("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1");
  other.exec("INSERT INTO users VALUES (2, 'early')");
  source_test::Reading reading(uri, "table = 'users'\ncursor = ['id']\nhold_wait = '0s'\n");
  EXPECT_EQ(reading.ids(), (std::vector<std::string>{"2"}));
  other.exec("SELECT pg_advisory_unlock(1)");
  writer.join();
  EXPECT_EQ(reading.ids(), (std::vector<std::string>{"1", "2"}));
}

// --- what check says -------------------------------------------------------------------------------------

TEST_F(PostgresSink, CheckFindsWhatWouldFailLater) {
  const auto notes_of = [this](const std::string& toml) {
    auto sink = make(postgres_table_sink(), toml);
    std::vector<std::string> texts;
    for (const CheckNote& note : syncd::test::run_task(loop_, sink->check())) texts.push_back(note.text);
    return texts;
  };
  EXPECT_TRUE(notes_of(kUpsert).empty());
  sql("CREATE TABLE poor (id bigint GENERATED ALWAYS AS IDENTITY, nam text, needed text NOT NULL)");
  EXPECT_EQ(notes_of("table = \"poor\"\nkey = [\"id\"]"),
            (std::vector<std::string>{"poor: PostgreSQL makes the values of id itself",
                                      "poor: unknown column 'name'; did you mean 'nam'?",
                                      "poor: needed is NOT NULL without a default, and is not written",
                                      "poor: no unique index on exactly (id)"}));
}

TEST_F(PostgresSink, MistakesNameTheirPlaceAndTheRemedy) {
  EXPECT_EQ(
      findings_of(postgres_table_sink(), "table = \"a b\""),
      "job.toml:2:1: 'table' must be table or schema.table; put \" around a part with other characters");
  EXPECT_EQ(findings_of(postgres_table_sink(), "table = \"t\"\nkey = [\"idd\"]"),
            "job.toml:3:1: unknown column 'idd'; did you mean 'id'?");
  EXPECT_EQ(findings_of(postgres_table_sink(), "table = \"t\"\ncolumns = [\"name\"]\nkey = [\"id\"]"),
            "job.toml:4:1: 'key' has 'id', which is not among 'columns'");
  EXPECT_EQ(
      findings_of(postgres_table_sink(), "table = \"t\"\ndelete_if = { field = \"id\", is_null = true }"),
      "job.toml:3:1: 'delete_if' needs 'key': it says which row to delete");
}

}  // namespace
}  // namespace syncd::jobs
