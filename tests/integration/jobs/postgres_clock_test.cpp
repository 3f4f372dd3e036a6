// postgres_table by the timestamps of a server whose clock is set back.
#include "tests/integration/jobs/postgres_table_fixture.hpp"

namespace syncd::jobs::source_test {
namespace {

using Ids = std::vector<std::string>;

// A clock that can be set: a function that hides the server's own from our sessions, and stamps the rows.
class PostgresTableClock : public PostgresTableTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    PostgresTableTest::SetUp();
    if (server == nullptr) return;
    exec(
        "CREATE SCHEMA fake; CREATE TABLE fake.clock AS SELECT interval '0' AS ahead;"
        "CREATE FUNCTION fake.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
        " 'SELECT pg_catalog.clock_timestamp() + ahead FROM fake.clock';"
        "CREATE TABLE t (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT fake.clock_timestamp());"
        "CREATE INDEX ON t (at, id)");
    reading.emplace(uri + "?options=-c%20search_path%3Dfake,pg_catalog,public",
                    "table = 't'\ncursor = ['at', 'id']\nsettle = '50ms'\n", GetParam());
  }
  void set_back(const std::string& by) {
    exec("UPDATE fake.clock SET ahead = ahead - interval '" + by + "'");
  }
  void insert() { exec("INSERT INTO t DEFAULT VALUES"); }
  // Runs until there is something new.
  Ids next() {
    Ids ids;
    EXPECT_EVENTUALLY(!(ids = reading->ids()).empty());
    return ids;
  }
  // This row has come: among others that are read again, or alone where each comes once.
  void expect_next(const std::string& id) {
    const Ids ids = next();
    if (GetParam()) {
      EXPECT_NE(std::find(ids.begin(), ids.end(), id), ids.end());
    } else {
      EXPECT_EQ(ids, Ids{id});
    }
  }
  void expect_warned() {
    ASSERT_EQ(reading->told.warnings.size(), 1U);
    EXPECT_NE(reading->told.warnings[0].find("clock went back"), std::string::npos)
        << reading->told.warnings[0];
    reading->told.warnings.clear();
  }

  std::optional<Reading> reading;
};

TEST_P(PostgresTableClock, RowsThatAreStampedAnewAreDelivered) {
  insert();
  expect_next("1");
  set_back("1 hour");
  insert();
  expect_next("2");
  expect_warned();
  insert();
  expect_next("3");
  EXPECT_EQ(reading->told.warnings.size(), 0U);
  if (!GetParam()) {
    EXPECT_NE(reading->told.noted.find("clock went back"), std::string::npos) << reading->told.noted;
  }
  set_back("-1 hour");  // as if that hour had passed
  insert();
  expect_next("4");
  EXPECT_EQ(reading->told.warnings.size(), 0U);
  if (!GetParam()) {
    EXPECT_EQ(reading->told.noted, "");
    EXPECT_EQ(reading->ids(), Ids{});
  }
}

TEST_P(PostgresTableClock, AStepThatTimeHasMadeUpForIsSeenByTheNextRun) {
  insert();
  expect_next("1");
  const std::string before = server->value("SELECT max(at) FROM t", database);
  // At once: however slow the machine is, the row is stamped before that moment comes again.
  exec("UPDATE fake.clock SET ahead = '" + before +
       "'::timestamptz - interval '300 ms' - pg_catalog.clock_timestamp(); INSERT INTO t DEFAULT VALUES");
  ASSERT_EQ(server->value("SELECT max(at) FROM t", database), before)
      << "the second one lies below the first";
  ASSERT_EVENTUALLY(
      server->value("SELECT fake.clock_timestamp() - interval '100 ms' > '" + before + "'", database) == "t");
  expect_next("2");
  expect_warned();
  insert();
  expect_next("3");
  EXPECT_EQ(reading->told.warnings.size(), 0U);
}

TEST_P(PostgresTableClock, AClockThatGoesOnIsNotSuspected) {
  for (int i = 1; i <= 20; ++i) {
    insert();
    expect_next(std::to_string(i));
  }
  EXPECT_EQ(reading->told.warnings.size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Ways, PostgresTableClock, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "Reread" : "Hold"; });

}  // namespace
}  // namespace syncd::jobs::source_test
