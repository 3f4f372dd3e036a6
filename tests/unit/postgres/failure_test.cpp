#include "daemon/postgres/failure.hpp"

#include <gtest/gtest.h>

namespace syncd::postgres {
namespace {

TEST(OneLine, LeavesOutTheStatementAndItsCaret) {
  EXPECT_EQ(one_line("ERROR:  syntax error at or near \"SELEC\"\nLINE 1: SELEC 1\n        ^\n"),
            "syntax error at or near \"SELEC\"");
}

TEST(OneLine, KeepsDetailAndHint) {
  EXPECT_EQ(one_line("ERROR:  column \"nam\" does not exist\nLINE 1: SELECT nam\n               ^\n"
                     "HINT:  Perhaps you meant \"name\".\n"),
            "column \"nam\" does not exist (hint: Perhaps you meant \"name\".)");
  EXPECT_EQ(
      one_line(
          "ERROR:  deadlock detected\nDETAIL:  Process 1 waits.\nProcess 2 waits.\nHINT:  See server log.\n"),
      "deadlock detected (Process 1 waits.; Process 2 waits.) (hint: See server log.)");
}

TEST(OneLine, JoinsTheTriesAtSeveralAddresses) {
  EXPECT_EQ(
      one_line("connection to server at \"a\", port 1 failed: Connection refused\n"
               "\tIs the server running on that host and accepting TCP/IP connections?\n"
               "connection to server at \"b\", port 1 failed: FATAL:  no\n"),
      "connection to server at \"a\", port 1 failed: Connection refused; Is the server running on that "
      "host and accepting TCP/IP connections?; connection to server at \"b\", port 1 failed: FATAL:  no");
  EXPECT_EQ(one_line("x failed: server closed the connection unexpectedly\n\tThis probably means the server "
                     "terminated abnormally\n\tbefore or while processing the request.\n"),
            "x failed: server closed the connection unexpectedly");
}

TEST(OneLine, HidesPasswords) {
  EXPECT_EQ(one_line("bad address postgresql://ann:hunter2@h/db").find("hunter2"), std::string::npos);
  EXPECT_EQ(one_line("bad words host=h password=hunter2 x").find("hunter2"), std::string::npos);
}

TEST(OneLine, IsEmptyForNothing) {
  EXPECT_EQ(one_line(""), "");
  EXPECT_EQ(one_line("\n\n"), "");
}

TEST(RefusedForGood, KnowsBothRefusalsOfPgHba) {
  EXPECT_TRUE(refused_for_good("no pg_hba.conf entry for host \"10.0.0.1\", user \"a\", database \"b\""));
  EXPECT_TRUE(
      refused_for_good("pg_hba.conf rejects connection for host \"10.0.0.1\", user \"a\", database \"b\""));
  EXPECT_FALSE(refused_for_good("the database system is starting up"));
}

TEST(LostText, LeavesOutWhatIsBesideThePoint) {
  EXPECT_EQ(lost_text(), "the connection to PostgreSQL is lost");
  EXPECT_EQ(lost_text("Could not obtain client encoding: not connected."), lost_text());
  EXPECT_EQ(lost_text("reset by peer"), "the connection to PostgreSQL is lost: reset by peer");
}

}  // namespace
}  // namespace syncd::postgres
