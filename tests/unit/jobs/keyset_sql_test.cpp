#include "jobs/sources/keyset_sql.hpp"

#include <gtest/gtest.h>

namespace syncd::jobs {
namespace {

using Values = std::vector<std::optional<std::string>>;

PageShape shape() {
  PageShape shape;
  shape.table = "\"t\"";
  shape.columns = {"name", "id"};
  shape.cursor = {{"at", "timestamp with time zone", false}, {"id", "bigint", false}};
  shape.rows = 10;
  return shape;
}

TEST(TableName, TakesPlainAndQuotedParts) {
  const auto quoted = [](std::string_view text) {
    const auto name = TableName::parse(text);
    return name ? name->quoted() : "refused";
  };
  EXPECT_EQ(quoted("users"), "\"users\"");
  EXPECT_EQ(quoted("Public.Users_2$"), "\"public\".\"users_2$\"");
  EXPECT_EQ(quoted("\"My \"\"odd\"\" schema\".\"T.x\""), "\"My \"\"odd\"\" schema\".\"T.x\"");
  for (const char* bad : {"", ".", "a.", ".a", "a b", "1a", "a.b.c", "\"a", "\"\"", "a;DROP TABLE b", "a--",
                          "ä", "\"a\"b", "a.\"b\"\""}) {
    EXPECT_EQ(quoted(bad), "refused") << bad;
  }
  EXPECT_EQ(quoted(std::string_view("\"a\0b\"", 5)), "refused");
}

TEST(PageQuery, BeginsWithTheWholeTable) {
  const PageQuery query = page_query(shape(), PageBounds());
  EXPECT_EQ(query.sql, "SELECT \"name\", \"id\", \"at\" FROM \"t\" ORDER BY \"at\", \"id\" LIMIT 10");
  EXPECT_TRUE(query.params.empty());
  EXPECT_EQ(cursor_indices(shape()), (std::vector<std::size_t>{2, 1}));
}

TEST(PageQuery, AllColumnsAreWhateverTheTableHas) {
  PageShape whole = shape();
  whole.columns = {"at", "id", "name"};
  whole.all = true;
  EXPECT_EQ(page_query(whole, PageBounds()).sql, "SELECT * FROM \"t\" ORDER BY \"at\", \"id\" LIMIT 10");
}

TEST(PageQuery, BoundsAreRowComparisonsOfParameters) {
  PageBounds bounds;
  bounds.after = Start({"2026", "7"});
  bounds.upper = "2027";
  bounds.until = CursorValues{"2026", "9"};
  const PageQuery query = page_query(shape(), bounds);
  EXPECT_EQ(query.sql,
            "SELECT \"name\", \"id\", \"at\" FROM \"t\" WHERE"
            " (\"at\", \"id\") > ($1::timestamp with time zone, $2::bigint)"
            " AND \"at\" <= $3::timestamp with time zone"
            " AND (\"at\", \"id\") <= ($4::timestamp with time zone, $5::bigint)"
            " ORDER BY \"at\", \"id\" LIMIT 10");
  EXPECT_EQ(query.params, (Values{"2026", "7", "2027", "2026", "9"}));
}

TEST(PageQuery, AnEndMayBeTheServersOwnPresent) {
  PageShape timed = shape();
  timed.now = "clock_timestamp()";
  PageBounds bounds;
  bounds.up_to_now = true;
  EXPECT_NE(page_query(timed, bounds).sql.find("WHERE \"at\" <= (SELECT clock_timestamp()) ORDER BY"),
            std::string::npos);
}

TEST(PageQuery, AStartMayBeThePrefixOfACursorAndIncluded) {
  PageBounds bounds;
  bounds.after = Start({"2026"}, true);
  EXPECT_NE(page_query(shape(), bounds).sql.find("(\"at\") >= ($1::timestamp with time zone)"),
            std::string::npos);
}

TEST(PageQuery, TheOperatorsConditionStandsAloneAndLast) {
  PageShape some = shape();
  some.where = "a = 1 OR b -- why";
  some.cursor[1].nullable = true;
  PageBounds bounds;
  bounds.after = Start({"2026", "7"});
  const std::string sql = page_query(some, bounds).sql;
  EXPECT_NE(sql.find("AND \"id\" IS NOT NULL AND (a = 1 OR b -- why\n) ORDER BY"), std::string::npos) << sql;
}

TEST(PageQuery, ASecondReadLeavesOldVersionsOutWhereThereAreAny) {
  PageShape some = shape();
  PageBounds bounds;
  bounds.min_xid = 42;
  PageQuery query = page_query(some, bounds);
  EXPECT_NE(query.sql.find(">= $1::bigint"), std::string::npos) << query.sql;
  EXPECT_EQ(query.params, Values{"42"});
  some.versioned = false;
  query = page_query(some, bounds);
  EXPECT_EQ(query.sql.find("xmin"), std::string::npos) << "a view has none";
  EXPECT_TRUE(query.params.empty());
}

TEST(PageQuery, XidModeStopsBelowTheHorizon) {
  PageBounds bounds;
  bounds.below_horizon = true;
  EXPECT_NE(page_query(shape(), bounds).sql.find("\"at\" < pg_snapshot_xmin(pg_current_snapshot())"),
            std::string::npos);
}

TEST(StrideQuery, AsksForTheCursorOfTheLastRowOfAPieceWhateverIsWanted) {
  PageShape some = shape();
  some.where = "rare";
  PageBounds bounds;
  bounds.after = Start({"2026", "7"});
  bounds.min_xid = 42;
  const PageQuery query = stride_query(some, bounds, 50);
  EXPECT_EQ(
      query.sql,
      "SELECT \"at\", \"id\" FROM \"t\" WHERE (\"at\", \"id\") > ($1::timestamp with time zone, $2::bigint)"
      " ORDER BY \"at\", \"id\" OFFSET 49 LIMIT 1");
}

}  // namespace
}  // namespace syncd::jobs
