// The private PostgreSQL of the tests does what its header says.
#include <gtest/gtest.h>

#include "tests/support/eventually.hpp"
#include "tests/support/postgres_server.hpp"

namespace syncd::test {
namespace {

TEST(PostgresServer, MakesDatabasesAndKeepsThemOverARestart) {
  PostgresServer server;
  const std::string database = server.fresh_database();
  server.exec("CREATE TABLE t AS SELECT 7 AS n, NULL::text AS nothing", database);
  server.restart();
  const Table rows = server.exec("SELECT * FROM t", database);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0][0], "7");
  EXPECT_EQ(rows[0][1], std::nullopt);
  server.restart(PostgresServer::Stop::Immediate);
  EXPECT_EQ(server.value("SELECT n FROM t", database), "7");
}

}  // namespace
}  // namespace syncd::test
