// ALTER TABLE while postgres_table reads: no row is delivered in the shape of before.
#include "tests/integration/jobs/postgres_table_fixture.hpp"

namespace syncd::jobs::source_test {
namespace {

class PostgresTableAltered : public PostgresTableTest {
 protected:
  void SetUp() override {
    PostgresTableTest::SetUp();
    if (server == nullptr) return;
    exec("CREATE TABLE t (id serial PRIMARY KEY, n int); INSERT INTO t (n) VALUES (1), (2), (3)");
  }

  // Reads on and on, and changes the table once these rows have come; the rows that come until the attempt
  // ends for that.
  Rows rows_until_noticed(Reading& reading, std::size_t before, const std::string& change) {
    Rows rows;
    try {
      reading.attempt(
          reading.position,
          [&](const Batch& batch) {
            const bool enough = rows.size() >= before;
            for (std::size_t row = 0; row < batch.rows(); ++row) rows.push_back(row_of(batch, row));
            reading.position = batch.position();
            if (!enough && rows.size() >= before) exec(change);
            return true;
          },
          true);
      ADD_FAILURE() << "expected an error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Transient) << error.what();
      EXPECT_NE(std::string(error.what()).find("columns of"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("have changed"), std::string::npos) << error.what();
    }
    return rows;
  }

  static std::string options(const std::string& more, bool small_pages) {
    return "table = 't'\ncursor = ['id']\npoll = '10ms'\n" + more + (small_pages ? "batch_rows = 1\n" : "");
  }
};

// With small pages the statement has been prepared before the change, with one page it has not.
TEST_F(PostgresTableAltered, ANewColumnComesWithTheNextAttempt) {
  for (const bool small_pages : {false, true}) {
    Reading reading(uri, options("", small_pages));
    exec(
        "DROP TABLE t; CREATE TABLE t (id serial PRIMARY KEY, n int); INSERT INTO t (n) VALUES (1), (2), "
        "(3)");
    EXPECT_EQ(rows_until_noticed(reading, 3,
                                 "ALTER TABLE t ADD COLUMN extra text;"
                                 "INSERT INTO t (n, extra) VALUES (4, 'new')"),
              (Rows{{"1", "1"}, {"2", "2"}, {"3", "3"}}));
    EXPECT_EQ(reading.run(), (Rows{{"4", "4", "new"}}));
    EXPECT_EQ(reading.run(), Rows{});
  }
}

TEST_F(PostgresTableAltered, NothingNeedsToBeWrittenForItToBeNoticed) {
  Reading reading(uri, options("", false));
  EXPECT_EQ(rows_until_noticed(reading, 3, "ALTER TABLE t RENAME COLUMN n TO m").size(), 3U);
}

TEST_F(PostgresTableAltered, AColumnOfAnotherTypeIsNotTakenForTheOldOne) {
  for (const bool small_pages : {false, true}) {
    exec("ALTER TABLE t ALTER n TYPE int USING 1");
    Reading reading(uri, options("columns = ['n']\n", small_pages));
    EXPECT_EQ(rows_until_noticed(reading, 1, "ALTER TABLE t ALTER n TYPE text USING '1 Main St'")[0],
              Row{"1"});
    reading.position = Position();
    std::vector<ColumnKind> kinds;
    reading.attempt(Position(), [&](const Batch& batch) {
      kinds = batch.schema().kinds();
      return false;
    });
    EXPECT_EQ(kinds, std::vector{ColumnKind::Text});
  }
}

TEST_F(PostgresTableAltered, ACursorOfAnotherTypeIsNoticedWhereItIsNotDelivered) {
  Reading reading(uri, options("columns = ['n']\n", false));
  EXPECT_EQ(rows_until_noticed(reading, 3, "ALTER TABLE t ALTER id TYPE bigint").size(), 3U);
}

TEST_F(PostgresTableAltered, ANewColumnThatIsNotAskedForIsNoChange) {
  Reading reading(uri, options("columns = ['id', 'n']\n", false));
  std::size_t rows = 0;
  reading.attempt(
      Position(),
      [&](const Batch& batch) {
        if (rows == 0 && batch.rows() > 0) {
          exec("ALTER TABLE t ADD COLUMN extra text; INSERT INTO t (n, extra) VALUES (4, 'new')");
        }
        rows += batch.rows();
        return rows < 4;
      },
      true);
  EXPECT_EQ(rows, 4U);
}

}  // namespace
}  // namespace syncd::jobs::source_test
