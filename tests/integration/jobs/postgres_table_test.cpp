// postgres_table on a real server, one scenario after the other.
#include "tests/integration/jobs/postgres_table_fixture.hpp"

namespace syncd::jobs::source_test {
namespace {

using Ids = std::vector<std::string>;

constexpr const char* kByTime = R"(
table = "t"
cursor = ["updated_at", "id"]
settle = "0s"
hold_wait = "0s"
)";

class PostgresTableLate : public PostgresTableTest {
 protected:
  void SetUp() override {
    PostgresTableTest::SetUp();
    if (server == nullptr) return;
    exec(
        "CREATE TABLE t (id bigserial, name text, updated_at timestamptz NOT NULL DEFAULT now(),"
        " PRIMARY KEY (id)); CREATE INDEX ON t (updated_at, id)");
  }
};

TEST_F(PostgresTableLate, ARowThatCommitsLateIsReadAgainAndNothingElse) {
  Reading reading(uri, kByTime);
  Client late(uri);
  exec("INSERT INTO t (name) VALUES ('a')");
  late.exec("BEGIN");
  late.exec("INSERT INTO t (name) VALUES ('late')");
  exec("INSERT INTO t (name) VALUES ('b')");
  EXPECT_EQ(reading.ids(), (Ids{"1", "3"}));
  EXPECT_EQ(reading.ids(), Ids{}) << "it is not committed yet";
  late.exec("COMMIT");
  EXPECT_EQ(reading.ids(), (Ids{"2", "3"})) << "3 is younger than 2: nothing tells that it was there";
  EXPECT_EQ(reading.ids(), Ids{});
}

}  // namespace
}  // namespace syncd::jobs::source_test
