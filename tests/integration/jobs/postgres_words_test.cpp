// postgres_table in words: what check finds, what is refused and why, and positions by name.
#include "tests/integration/jobs/postgres_table_fixture.hpp"

namespace syncd::jobs::source_test {
namespace {

using Ids = std::vector<std::string>;

class PostgresTableWords : public PostgresTableTest {
 protected:
  // The notes of `check`, one a line.
  std::string notes(const std::string& options, bool repeats = true) {
    Reading reading(uri, options, repeats);
    std::string all;
    for (const CheckNote& note : reading.check()) {
      constexpr const char* kLevels[] = {"error", "warning", "note"};
      all +=
          std::string(kLevels[static_cast<int>(note.level)]) + ": " + note.text + " | " + note.remedy + "\n";
    }
    return all;
  }
};

TEST_F(PostgresTableWords, AGoodTableHasNoNotes) {
  exec(
      "CREATE TABLE t (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now()); CREATE INDEX ON t "
      "(at, id)");
  EXPECT_EQ(notes("table = 't'\ncursor = ['at', 'id']\n"), "");
}

TEST_F(PostgresTableWords, CheckNamesWhatWouldLoseRowsOrTime) {
  exec(
      "CREATE TABLE t (id bigint, at timestamp, tenant int, up timestamptz NOT NULL);"
      "INSERT INTO t VALUES (1, 'infinity', 1, now()); CREATE INDEX ON t (at DESC, id)");
  const std::string all = notes("table = 't'\ncursor = ['at', 'id']\nwhere = 'tenant = 7'\n", false);
  for (const char* words :
       {"warning: t: the cursor column at may be NULL; such rows halt the job | ALTER TABLE \"t\" ALTER "
        "COLUMN \"at\" SET NOT NULL",
        "no index begins with the cursor columns", "CREATE INDEX CONCURRENTLY ON \"t\" (\"at\", \"id\")",
        "nothing says that the cursor is unique", "at has no time zone", "1 row(s) lie in the future",
        "held back while any transaction", "leaves `where` stays in the sink"}) {
    EXPECT_NE(all.find(words), std::string::npos) << words << "\n" << all;
  }
}

TEST_F(PostgresTableWords, CheckLooksAtTheSequence) {
  exec(
      "CREATE TABLE t (id bigserial PRIMARY KEY, made_elsewhere bigint UNIQUE NOT NULL); ALTER SEQUENCE "
      "t_id_seq CACHE 10");
  EXPECT_NE(notes("table = 't'\ncursor = ['id']\n").find("error: t: the sequence of id has CACHE 10"),
            std::string::npos);
  EXPECT_NE(notes("table = 't'\ncursor = ['made_elsewhere']\n").find("has no sequence of its own"),
            std::string::npos);
  EXPECT_NE(notes("table = 't'\ncursor = ['id']\n").find("updates are not"), std::string::npos);
}

TEST_F(PostgresTableWords, CheckNamesMissingPrivileges) {
  exec(
      "DO $$BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object THEN END$$;"
      "CREATE TABLE t (id bigserial PRIMARY KEY, secret text); GRANT SELECT (id) ON t TO stranger");
  uri.replace(uri.find("postgres@"), 8, "stranger");
  EXPECT_EQ(notes("table = 't'\ncursor = ['id']\n"),
            "error: t: this user may not read secret, xmin | GRANT SELECT ON \"t\" TO the user of the "
            "connection\n");
}

TEST_F(PostgresTableWords, WhatCannotWorkIsSaidInPlainWords) {
  exec("CREATE TABLE t (id float8 PRIMARY KEY, name text UNIQUE, at timestamptz)");
  const auto fails = [&](const std::string& options, const std::string& words) {
    Reading reading(uri, options);
    const Error error = reading.failure();
    EXPECT_NE(error.kind(), ErrorKind::Transient);
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    EXPECT_NE(notes(options).find("error: "), std::string::npos);
  };
  fails("table = 't'\ncursor = ['id']\n", "floating-point");
  fails("table = 't'\ncursor = ['name']\n", "needs a timestamp or an integer");
  fails("table = 't'\ncursor = ['name']\nlate_commits = 'xid'\n", "of type xid8, this one is text");
  fails("table = 't'\ncursor = ['nam']\n", "did you mean 'name'");
  fails("table = 'nowhere.t'\ncursor = ['id']\n", "no table \"nowhere\".\"t\"");
}

TEST_F(PostgresTableWords, WhatIsProposedInsteadOfTheFenceWorks) {
  exec(
      "CREATE TABLE t (name text PRIMARY KEY, tx xid8 UNIQUE NOT NULL);"
      "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
      "CREATE FOREIGN TABLE f (id int NOT NULL, at timestamptz NOT NULL, tx xid8 NOT NULL) SERVER s");
  const auto options = [](const std::string& table, const std::string& cursor, const std::string& late) {
    return "table = '" + table + "'\ncursor = ['" + cursor + "']\nlate_commits = '" + late + "'\n";
  };
  const auto said = [&](const std::string& all) -> std::string {
    try {
      Reading(uri, all).run();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  for (const auto& [table, cursor, late] : std::vector<std::array<std::string, 3>>{{"t", "name", "ignore"},
                                                                                   {"t", "tx", "xid"},
                                                                                   {"f", "id", "ignore"},
                                                                                   {"f", "at", "lag:10s"},
                                                                                   {"f", "tx", "ignore"}}) {
    const std::string refused = said(options(table, cursor, "fence"));
    EXPECT_NE(refused.find("; say \"" + late + "\""), std::string::npos) << refused;
    EXPECT_EQ(said(options(table, cursor, late)).find("late_commits"), std::string::npos) << table << cursor;
  }
}

TEST_F(PostgresTableWords, PositionsCanBeNamedByTheirFirstValue) {
  exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5)");
  Reading reading(uri, "table = 't'\ncursor = ['id']\n");
  EXPECT_EQ(reading.describe(), "at the beginning");
  reading.position = reading.position_at(" 03");
  EXPECT_EQ(reading.describe(), "id 3");
  EXPECT_EQ(reading.ids(), (Ids{"3", "4", "5"})) << "that value included";
  EXPECT_EQ(reading.describe(), "id 5");
  EXPECT_EQ(reading.position_at("start"), Position());
  try {
    reading.position_at("yesterday");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Config);
    EXPECT_NE(std::string(error.what()).find("neither \"start\" nor a value of id (integer)"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(PostgresTableWords, WhoKeepsAReadRangeOpenIsNamedThoughNothingWaits) {
  exec("CREATE TABLE t (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())");
  Reading reading(uri, "table = 't'\ncursor = ['at', 'id']\nsettle = '0s'\nhold_wait = '0s'\n");
  Client report(uri + "?application_name=report");
  report.exec("BEGIN; SELECT 1");
  exec("INSERT INTO t DEFAULT VALUES");
  EXPECT_EQ(reading.ids(), Ids{"1"});
  EXPECT_EQ(reading.told.noted, "") << "nobody notices a moment";
  const std::string named = ": pid " + std::to_string(report.pid()) + " app=report user=postgres";
  ASSERT_EVENTUALLY(reading.ids().empty() && reading.told.noted.find(named) != std::string::npos);
  EXPECT_EQ(reading.told.noted.find("open to late commits for"), 0u) << reading.told.noted;
  EXPECT_EQ(reading.told.waiting, "");
  report.exec("COMMIT");
  EXPECT_EQ(reading.ids(), Ids{});
  EXPECT_EQ(reading.told.noted, "");
}

TEST_F(PostgresTableWords, OptionsThatCannotBeMeantAreRefused) {
  const auto mistake = [&](const std::string& options, bool repeats = true) {
    return Reading(uri, "table = 't'\ncursor = ['id']\n" + options, repeats).mistakes();
  };
  EXPECT_EQ(mistake(""), "");
  EXPECT_EQ(mistake("late_commits = 'lag:10s'\n"), "");
  EXPECT_NE(mistake("late_commits = 'fense'\n").find("did you mean 'fence'"), std::string::npos);
  EXPECT_NE(mistake("late_commits = 'lag:soon'\n").find("late_commits"), std::string::npos);
  EXPECT_NE(mistake("fence = 'reread'\n", false).find("must not repeat"), std::string::npos);
  EXPECT_NE(mistake("columns = ['a', 'b', 'a']\n").find("names 'a' twice"), std::string::npos);
  EXPECT_NE(Reading(uri, "table = 'a b'\ncursor = []\n").mistakes().find("is no name of a table"),
            std::string::npos);
}

}  // namespace
}  // namespace syncd::jobs::source_test
