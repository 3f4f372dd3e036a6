// postgres_table on a real server: late commits, one scenario after the other.
#include "tests/integration/jobs/postgres_table_fixture.hpp"

namespace syncd::jobs::source_test {
namespace {

using Ids = std::vector<std::string>;

// No margin and no waiting: each run is one look.
constexpr const char* kByTime =
    "table = 't'\ncursor = ['updated_at', 'id']\nsettle = '0s'\nhold_wait = '0s'\n";
constexpr const char* kBySerial = "table = 't'\ncursor = ['id']\nhold_wait = '0s'\n";

class PostgresTableLate : public PostgresTableTest {
 protected:
  void SetUp() override {
    PostgresTableTest::SetUp();
    if (server == nullptr) return;
    exec(
        "CREATE TABLE t (id bigserial PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());"
        "CREATE INDEX ON t (updated_at, id)");
  }
  void insert() { exec("INSERT INTO t DEFAULT VALUES"); }
};

TEST_F(PostgresTableLate, ARowThatCommitsLateIsReadAgain) {
  Reading reading(uri, kByTime);
  Client late(uri);
  insert();
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
  insert();
  EXPECT_EQ(reading.ids(), (Ids{"1", "3"}));
  EXPECT_EQ(reading.ids(), Ids{}) << "it is not committed yet";
  late.exec("COMMIT");
  EXPECT_EQ(reading.ids(), (Ids{"2", "3"})) << "3 is younger than 2: nothing tells that it was there";
  EXPECT_EQ(reading.ids(), Ids{});
}

TEST_F(PostgresTableLate, ATransactionThatHasOnlyReadSoFarCounts) {
  for (const char* first : {"SELECT now()", "SELECT nextval('t_id_seq')"}) {
    for (const char* options : {kByTime, kBySerial}) {
      exec("TRUNCATE t");
      Reading reading(uri, options);
      Client late(uri);
      late.exec("BEGIN");
      const std::string drawn = late.exec(first);
      const bool id = drawn.find(':') == std::string::npos;
      const bool by_id = options == kBySerial;
      if (by_id && !id) continue;  // its id will be above
      insert();
      EXPECT_EQ(reading.ids().size(), 1u);
      late.exec(id ? "INSERT INTO t (id) VALUES (" + drawn + ")" : "INSERT INTO t DEFAULT VALUES");
      insert();
      EXPECT_EQ(reading.ids().size(), 1u);
      late.exec("COMMIT");
      EXPECT_GE(reading.ids().size(), 1u) << first << " " << options;
      EXPECT_EQ(reading.ids().size(), 0u);
    }
  }
}

TEST_F(PostgresTableLate, AnUpdateThatIsStampedBelowThePositionIsSeen) {
  Reading reading(uri, kByTime);
  insert();
  Client late(uri);
  late.exec("BEGIN; SELECT now()");
  exec("UPDATE t SET name = 'newer', updated_at = now()");
  EXPECT_EQ(reading.run()[0][1], "newer");
  late.exec("UPDATE t SET name = 'last', updated_at = now(); COMMIT");
  EXPECT_EQ(reading.run()[0][1], "last") << "its timestamp is the older one";
}

TEST_F(PostgresTableLate, SavepointsAndRollbacksAreSeenForWhatTheyAre) {
  Reading reading(uri, kByTime);
  Client late(uri);
  late.exec("BEGIN; INSERT INTO t (name) VALUES ('top')");
  late.exec("SAVEPOINT a; INSERT INTO t (name) VALUES ('kept'); RELEASE a");
  late.exec("SAVEPOINT b; INSERT INTO t (name) VALUES ('undone'); ROLLBACK TO b");
  insert();
  EXPECT_EQ(reading.run().size(), 1u);
  late.exec("SAVEPOINT c; INSERT INTO t (name) VALUES ('very late'); RELEASE c; COMMIT");
  std::set<std::string> names;
  for (const Row& row : reading.run()) names.insert(row[1]);
  EXPECT_EQ(names, (std::set<std::string>{"top", "kept", "very late", "NULL"}));
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
  insert();
  EXPECT_EQ(reading.run().size(), 1u);
  late.exec("ROLLBACK");
  reading.run();
  EXPECT_EQ(reading.describe().find("open"), std::string::npos);
}

TEST_F(PostgresTableLate, APreparedTransactionIsWaitedForAlsoOverARestartOfTheServer) {
  PostgresServer own;
  const std::string there = own.fresh_database();
  own.exec("CREATE TABLE t (id bigserial PRIMARY KEY)", there);
  Reading reading(own.socket_uri(there), kBySerial);
  {
    Client late(own.socket_uri(there));
    late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
    own.exec("INSERT INTO t DEFAULT VALUES", there);
    EXPECT_EQ(reading.ids(), Ids{"2"});
    late.exec("PREPARE TRANSACTION 'p'");
  }
  EXPECT_EQ(reading.ids(), Ids{"2"}) << "somebody has ended";
  own.restart();
  EXPECT_EQ(reading.ids(), Ids{});
  own.exec("INSERT INTO t DEFAULT VALUES", there);
  EXPECT_EQ(reading.ids().size(), 1u);
  own.exec("COMMIT PREPARED 'p'", there);
  const Ids ids = reading.ids();
  EXPECT_EQ(ids.front(), "1");
  EXPECT_EQ(reading.ids(), Ids{});
}

TEST_F(PostgresTableLate, ARestartOfTheServerEndsWhoWasOpen) {
  PostgresServer own;
  const std::string there = own.fresh_database();
  own.exec("CREATE TABLE t (id bigserial PRIMARY KEY)", there);
  Reading reading(own.socket_uri(there), kBySerial);
  Client late(own.socket_uri(there));
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
  own.exec("INSERT INTO t DEFAULT VALUES", there);
  EXPECT_EQ(reading.ids(), Ids{"2"});
  EXPECT_NE(reading.describe().find("1 range open"), std::string::npos) << reading.describe();
  own.restart();
  reading.ids();
  EXPECT_EQ(reading.describe(), "id 2");
}

// --- long transactions -------------------------------------------------------------------------------

TEST_F(PostgresTableLate, ADumpDelaysNoRowOfOthersAndLeavesNothingToReadAgain) {
  Reading reading(uri, kByTime);
  Client dump(uri);
  dump.exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t");
  Client late(uri);
  for (int i = 0; i < 30; ++i) {
    late.exec("BEGIN; INSERT INTO t (name) VALUES ('late')");
    insert();
    EXPECT_EQ(reading.run().size(), 1u);
    late.exec("COMMIT");
    // It is there at the next look, whatever else is open; until then its range is young.
    ASSERT_EVENTUALLY([&] {
      const Rows rows = reading.run();
      return !rows.empty() && rows[0][1] == "late";
    }());
    EXPECT_LT(reading.position.text().size(), 700u) << reading.position.text();
  }
  EXPECT_EQ(reading.told.waiting, "");
  EXPECT_EQ(reading.told.lag_time, Duration(0));
  reading.run();
  dump.exec("COMMIT");
  EXPECT_EQ(reading.run().size(), 0u);
  EXPECT_EQ(reading.describe().find("open"), std::string::npos);
}

TEST_F(PostgresTableLate, AnIdleJobStoresNothingThoughTheDatabaseIsBusy) {
  Reading reading(uri, kByTime);
  insert();
  reading.run();
  Client dump(uri);
  dump.exec("BEGIN; SELECT 1");
  reading.run();
  const int before = reading.moved;
  std::vector<std::unique_ptr<Client>> busy;
  for (int i = 0; i < 10; ++i) {
    busy.push_back(std::make_unique<Client>(uri));
    busy.back()->exec("BEGIN; SELECT pg_current_xact_id()");
    EXPECT_EQ(reading.ids(), Ids{});
  }
  EXPECT_EQ(reading.moved, before);
}

TEST_F(PostgresTableLate, AContinuousJobTellsThatItHasCaughtUpOnce) {
  for (const bool repeats : {true, false}) {
    Reading reading(uri, std::string(kByTime) + "poll = '10ms'\n", repeats);
    insert();
    Client open(uri);
    open.exec("BEGIN; SELECT 1");
    int rows = 0;
    int idle = 0;
    try {
      reading.attempt(
          reading.position,
          [&](const Batch& batch) {
            rows += static_cast<int>(batch.rows());
            idle += batch.caught_up() ? 1 : 0;
            return true;
          },
          true, std::chrono::milliseconds(500));
    } catch (const Error&) {
      // the time is over
    }
    EXPECT_LE(idle, 2);
    EXPECT_GE(idle, 1);
    if (repeats) {
      EXPECT_GE(rows, 1);
    }
    exec("TRUNCATE t");
  }
}

// --- hold --------------------------------------------------------------------------------------------

TEST_F(PostgresTableLate, HeldBackRowsComeOnceAndTheHolderIsNamed) {
  Reading reading(uri, kByTime, false);
  Client report(uri + "?application_name=report");
  insert();
  EXPECT_EQ(reading.ids(), Ids{"1"});
  report.exec("BEGIN; SELECT 1");
  insert();
  EXPECT_EQ(reading.ids(), Ids{});
  EXPECT_EQ(reading.told.waiting, "") << "nobody notices a moment";
  const std::string named = "by pid " + std::to_string(report.pid()) + " app=report user=postgres";
  ASSERT_EVENTUALLY(reading.ids().empty() && reading.told.waiting.find(named) != std::string::npos);
  EXPECT_EQ(reading.told.waiting.find("fence held"), 0u) << reading.told.waiting;
  EXPECT_GE(reading.told.lag_time.value_or(Duration(0)), std::chrono::seconds(1));
  report.exec("COMMIT");
  EXPECT_EQ(reading.ids(), Ids{"2"});
  EXPECT_EQ(reading.told.waiting, "");
  EXPECT_EQ(reading.ids(), Ids{});
}

TEST_F(PostgresTableLate, APreparedTransactionThatHoldsIsNamedToo) {
  Reading reading(uri, kByTime, false);
  Client late(uri);
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES; PREPARE TRANSACTION 'forgotten'");
  ASSERT_EVENTUALLY(reading.ids().empty() &&
                    reading.told.waiting.find("prepared transaction 'forgotten'") != std::string::npos);
  late.exec("COMMIT PREPARED 'forgotten'");
  EXPECT_EQ(reading.ids(), Ids{"1"});
}

TEST_F(PostgresTableLate, AnIgnoredApplicationHoldsNothing) {
  Reading reading(uri, std::string(kByTime) + "fence_ignore = { application_name = ['pg_dump', 'x'] }\n",
                  false);
  Client dump(uri + "?application_name=pg_dump");
  dump.exec("BEGIN; SELECT 1");
  insert();
  EXPECT_EQ(reading.ids(), Ids{"1"});
}

TEST_F(PostgresTableLate, ARunWaitsForWhatItHoldsAsLongAsItMay) {
  Reading reading(uri, "table = 't'\ncursor = ['updated_at', 'id']\nsettle = '0s'\nhold_wait = '30s'\n",
                  false);
  Client late(uri);
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
  insert();
  bool ended = false;
  Ids ids;
  reading.attempt(reading.position, [&](const Batch& batch) {
    for (std::size_t row = 0; row < batch.rows(); ++row) ids.emplace_back(batch.cell(row, 0).text());
    if (batch.caught_up() && !ended) late.exec("COMMIT");
    ended = ended || batch.caught_up();
    return true;
  });
  EXPECT_EQ(ids, (Ids{"1", "2"}));
}

TEST_F(PostgresTableLate, WhatIsUpdatedWhileItIsHeldComesOnceAsItIs) {
  Reading reading(uri, kByTime, false);
  Client report(uri);
  exec("INSERT INTO t (name) VALUES ('old'), ('other')");
  report.exec("BEGIN; SELECT 1");
  EXPECT_EQ(reading.run().size(), 0u);
  exec("UPDATE t SET name = 'new', updated_at = now() WHERE id = 1");
  report.exec("COMMIT");
  const Rows first = reading.run();
  const Rows second = reading.run();
  std::map<std::string, int> times;
  for (const Rows& rows : {first, second}) {
    for (const Row& row : rows) ++times[row[1]];
  }
  EXPECT_EQ(times, (std::map<std::string, int>{{"new", 1}, {"other", 1}}));
}

// --- the ways, changed --------------------------------------------------------------------------------

TEST_F(PostgresTableLate, LateRowsAreDeliveredAlsoWhenTheSinkHasBecomeOneThatHoldsBack) {
  Reading first(uri, kByTime);
  Client late(uri);
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
  insert();
  EXPECT_EQ(first.ids(), Ids{"2"});
  Reading second(uri, kByTime, false);
  second.position = first.position;
  EXPECT_EQ(second.ids(), Ids{});
  late.exec("COMMIT");
  EXPECT_EQ(second.ids(), (Ids{"1", "2"}));
  insert();
  EXPECT_EQ(second.ids(), Ids{"3"});
}

TEST_F(PostgresTableLate, HeldBackRowsAreDeliveredAtOnceWhenTheSinkHasBecomeIdempotent) {
  Reading first(uri, kByTime, false);
  Client report(uri);
  report.exec("BEGIN; SELECT 1");
  insert();
  EXPECT_EQ(first.ids(), Ids{});
  Reading second(uri, kByTime);
  second.position = first.position;
  EXPECT_EQ(second.ids(), Ids{"1"});
}

TEST_F(PostgresTableLate, LateRowsAreDeliveredAlsoWhenTheModeHasBecomeAnotherOne) {
  Reading first(uri, kByTime);
  Client late(uri);
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
  insert();
  EXPECT_EQ(first.ids(), Ids{"2"});
  Reading second(uri, std::string(kByTime) + "late_commits = 'lag:1ms'\n");
  second.position = first.position;
  EXPECT_EQ(second.ids(), Ids{});
  late.exec("COMMIT");
  EXPECT_EQ(second.ids(), (Ids{"1", "2"}));
}

// --- the other modes ----------------------------------------------------------------------------------

TEST_F(PostgresTableLate, XidStopsBelowTheOldestThatRunsAndNamesIt) {
  exec("ALTER TABLE t ADD tx xid8 NOT NULL DEFAULT pg_current_xact_id()");
  Reading reading(uri, "table = 't'\ncursor = ['tx', 'id']\nlate_commits = 'xid'\n");
  insert();
  Client late(uri + "?application_name=batch");
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
  insert();
  EXPECT_EQ(reading.ids(), Ids{"1"});
  reading.told.waiting = "never told";
  int looks = 0;
  const auto held = [&](const Batch&) {
    ++looks;
    return true;
  };
  // One attempt: since when the horizon stands is known to it alone.
  Reading patient(uri, "table = 't'\ncursor = ['tx', 'id']\nlate_commits = 'xid'\npoll = '50ms'\n");
  try {
    patient.attempt(reading.position, held, true, std::chrono::milliseconds(1800));
  } catch (const Error&) {
  }
  EXPECT_NE(patient.told.waiting.find("horizon held"), std::string::npos) << patient.told.waiting;
  EXPECT_NE(patient.told.waiting.find("app=batch"), std::string::npos) << patient.told.waiting;
  late.exec("UPDATE t SET name = 'again' WHERE id = 2; COMMIT");
  EXPECT_EQ(reading.ids(), (Ids{"2", "3"}));
  EXPECT_EQ(reading.ids(), Ids{});
}

TEST_F(PostgresTableLate, LagReadsWhatIsOldEnough) {
  Reading reading(uri, "table = 't'\ncursor = ['updated_at', 'id']\nlate_commits = 'lag:1h'\n");
  exec("INSERT INTO t (updated_at) VALUES (now() - interval '61 min'), (now() - interval '59 min')");
  EXPECT_EQ(reading.ids(), Ids{"1"});
}

TEST_F(PostgresTableLate, IgnoreLosesARowThatCommitsLate) {
  Reading reading(uri, std::string(kByTime) + "late_commits = 'ignore'\n");
  Client late(uri);
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
  insert();
  EXPECT_EQ(reading.ids(), Ids{"2"});
  late.exec("COMMIT");
  EXPECT_EQ(reading.ids(), Ids{});
}

TEST_F(PostgresTableLate, AnOrdinaryUserSeesEnoughForTheFence) {
  exec(
      "DO $$BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN END$$;"
      "GRANT SELECT ON t TO reader");
  std::string as_reader = uri;
  as_reader.replace(as_reader.find("postgres@"), 8, "reader");
  Reading reading(as_reader, kByTime);
  Client late(uri);
  late.exec("BEGIN; INSERT INTO t DEFAULT VALUES");
  insert();
  EXPECT_EQ(reading.ids(), Ids{"2"});
  late.exec("COMMIT");
  EXPECT_EQ(reading.ids(), (Ids{"1", "2"}));
  Client reader(as_reader);
  reader.exec("BEGIN; SELECT 1");
  for (int i = 0; i < 3; ++i) {
    insert();
    EXPECT_EQ(reading.ids().size(), 1u);
  }
}

}  // namespace
}  // namespace syncd::jobs::source_test
