// The real daemon between writers that commit late in every way and a real Redis: at rest both sides are
// equal in each mode that promises it, and are not in the one that does not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/eventually.hpp"
#include "tests/support/has.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/items.hpp"
#include "tests/support/sql_client.hpp"
#include "tests/support/writers.hpp"

namespace syncd::test {
namespace {

class LateCommits : public ::testing::Test {
 protected:
  LateCommits() : items_(PostgresServer::shared()) {}

  // Small pages and few of them at a time: ranges are opened, merged and read again all the while.
  void write_job(const std::string& name, const std::string& sink, const std::string& source) {
    JobLines lines;
    lines.sink = sink;
    lines.source = source + "\nbatch_rows = 50";
    lines.settle = "100ms";
    syncd_.write_job(name, lines);
  }
  void into_hashes(const std::string& name, const std::string& source) {
    write_job(name, fmt::format("type = 'redis_hash'\nkey = '{}:{{id}}'", name), source);
  }
  void into_a_stream(const std::string& name, const std::string& source) {
    write_job(name, fmt::format("type = 'redis_stream'\nkey = '{}'", name), source);
  }

  void start() {
    syncd_.start();
    ASSERT_TRUE(syncd_.running()) << syncd_.log();
  }

  Items items_;
  RedisServer redis_;
  Installation syncd_{Connected(items_.uri(), "pool = 8"), Connected(redis_.uri(), "pool = 10")};
};

struct Mode {
  std::string name;
  std::string source;
};
const std::vector<Mode> kSafe = {
    {"time", "cursor = ['updated_at', 'id']"},
    {"serial", "cursor = ['serial']"},
    {"xid", "cursor = ['tx', 'id']\nlate_commits = 'xid'"},
};
const std::vector<Mode> kUnsafe = {
    {"time", "cursor = ['updated_at', 'id']\nlate_commits = 'ignore'"},
    {"serial", "cursor = ['serial']\nlate_commits = 'ignore'"},
};

TEST_F(LateCommits, NoRowIsMissedAndNoneStaleButWhereLateCommitsAreIgnored) {
  for (const Mode& mode : kSafe) {
    into_hashes(mode.name + "-hash", mode.source);
    into_a_stream(mode.name + "-stream", mode.source);
  }
  for (const Mode& mode : kUnsafe) into_hashes(mode.name + "-ignore", mode.source);
  start();

  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  {
    constexpr std::uint64_t kTransactions = 1500;
    Writers writers(items_, seed, 8);
    ASSERT_EVENTUALLY(writers.committed() >= kTransactions);
  }
  // Behind it everybody has read all that they will ever read of what was written before.
  items_.insert();
  const Versions want = items_.rows();
  const auto last = *want.rbegin();
  EXPECT_GT(want.size(), 1000U);

  for (const Mode& mode : kSafe) {
    SCOPED_TRACE(mode.name);
    EXPECT_EVENTUALLY_EQ(difference(want, hashes(redis_, mode.name + "-hash")), "");
    EXPECT_EVENTUALLY_EQ(difference(want, newest(entries(redis_, mode.name + "-stream"))), "");
    EXPECT_EQ(repeated(entries(redis_, mode.name + "-stream")), "");
  }
  for (const Mode& mode : kUnsafe) {
    SCOPED_TRACE(mode.name);
    EXPECT_EVENTUALLY(hashes(redis_, mode.name + "-ignore").contains(last.first));
    EXPECT_NE(difference(want, hashes(redis_, mode.name + "-ignore")), "")
        << "these writers make nobody lose rows: this test shows nothing";
  }
}

// Longer than everything else here: reports and dumps that read, and will never write.
TEST_F(LateCommits, ALongReadAndADumpDelayNoRowOnItsWayIntoAHashAndAreNamedWhereTheyHoldTheFence) {
  into_hashes("hash", "cursor = ['updated_at', 'id']");
  into_a_stream("stream", "cursor = ['updated_at', 'id']");
  items_.insert(10);
  start();
  EXPECT_EVENTUALLY_EQ(difference(items_.rows(), newest(entries(redis_, "stream"))), "");

  SqlClient report(items_.uri() + "?application_name=report");
  report.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT count(*) FROM items");
  // A dump that has read its snapshot, and waits for a table that somebody has locked.
  items_.exec("CREATE TABLE in_the_way ()");
  SqlClient lock(items_.uri());
  lock.exec("BEGIN; LOCK TABLE in_the_way");
  Process dump({"pg_dump", items_.uri()});
  const auto dumping = [this] {
    return items_.value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'pg_dump' AND wait_event_type = 'Lock'");
  };
  ASSERT_EVENTUALLY(dumping() == "1");

  // Rows that are committed at once, late, and by an update: all of them pass by the two.
  const Versions before = items_.rows();
  SqlClient late(items_.uri());
  late.exec("BEGIN; INSERT INTO items (id) VALUES (DEFAULT)");
  items_.insert(10);
  items_.touch("id % 3 = 0");
  EXPECT_EVENTUALLY_EQ(difference(items_.rows(), hashes(redis_, "hash")), "");
  late.exec("COMMIT");
  EXPECT_EVENTUALLY_EQ(difference(items_.rows(), hashes(redis_, "hash")), "");

  const std::string holder = fmt::format("by pid {} app=report user=postgres", report.pid());
  EXPECT_EVENTUALLY(has(syncd_.waiting_for("stream"), holder));
  EXPECT_EQ(syncd_.waiting_for("stream").find("fence held"), 0U) << syncd_.waiting_for("stream");
  EXPECT_EQ(syncd_.state("hash"), "running") << "it waits for nobody";
  const std::string open = fmt::format(": pid {} app=report user=postgres", report.pid());
  EXPECT_EVENTUALLY(has(syncd_.status("hash").value("note", ""), open));
  EXPECT_TRUE(has(syncd_.ctl({"explain", "hash"}).out, open)) << syncd_.ctl({"explain", "hash"}).out;
  EXPECT_EQ(difference(before, newest(entries(redis_, "stream"))), "") << "held back";
  EXPECT_EQ(dumping(), "1") << "all of this while it ran";

  report.exec("COMMIT");
  lock.exec("COMMIT");
  EXPECT_EQ(dump.wait(), 0) << dump.err();
  EXPECT_EVENTUALLY_EQ(difference(items_.rows(), newest(entries(redis_, "stream"))), "");
  EXPECT_EQ(repeated(entries(redis_, "stream")), "");
  EXPECT_EVENTUALLY_EQ(syncd_.waiting_for("stream"), "");
}

}  // namespace
}  // namespace syncd::test
