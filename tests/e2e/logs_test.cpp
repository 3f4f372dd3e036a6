// syncctl logs and follow, with the real programs.
#include "tests/e2e/daemon.hpp"
#include "tests/support/has.hpp"

namespace syncd::test {
namespace {

class LogsE2e : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::installed() || !RedisServer::installed()) GTEST_SKIP() << "needs both servers";
  }
};

TEST_F(LogsE2e, ShowsWhatAJobHasSaidAndFollowsIt) {
  Daemon daemon;
  daemon.write_job("users", "manual");
  daemon.write_job("other", "manual");
  daemon.start();
  Process follower({SYNCCTL_BINARY, "--socket", daemon.path("control.sock"), "logs", "users", "-f"});
  daemon.sql("ALTER TABLE users RENAME COLUMN updated_at TO \"\x1b[31mred\"");
  EXPECT_EQ(daemon.ctl({"run", "users", "--wait"}).code, 1);
  EXPECT_EQ(daemon.ctl({"run", "other", "--wait"}).code, 1);
  const Finished shown = daemon.ctl({"logs", "users"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_TRUE(has(shown.out, " error [users] failed")) << shown.out;
  EXPECT_FALSE(has(shown.out, "[other]")) << shown.out;
  EXPECT_EVENTUALLY(has(follower.out(), " error [users] failed"));
  follower.signal(SIGINT);
  follower.wait();
  EXPECT_FALSE(has(follower.out(), "[other]")) << follower.out();
  EXPECT_TRUE(has(daemon.ctl({"logs"}).out, "[other]"));
  const Json last = Json::parse(daemon.ctl({"logs", "--level", "error", "-n", "1", "--json"}).out);
  EXPECT_EQ(last["job"], "other");
  EXPECT_EQ(daemon.ctl({"logs", "user"}).code, 66);
  EXPECT_EQ(daemon.ctl({"logs", "--level", "loud"}).code, 64);
}

TEST_F(LogsE2e, MetricsAreThoseOfTheSocket) {
  Daemon daemon;
  daemon.start();
  const Finished shown = daemon.ctl({"metrics"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_TRUE(has(shown.out, "# TYPE syncd_")) << shown.out;
  EXPECT_TRUE(has(shown.out, "job=\"users\"")) << shown.out;
}

TEST_F(LogsE2e, FollowShowsRecordsAndStepsAsTheyPass) {
  Daemon daemon;
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  const std::vector<std::string> follow = {SYNCCTL_BINARY, "--socket", daemon.path("control.sock"), "follow",
                                           "users"};
  Process person(follow);
  std::vector<std::string> machine = follow;
  machine.push_back("--json");
  Process program(machine);
  // It begins when it begins: rows that came before are not shown.
  EXPECT_EVENTUALLY([&] {
    daemon.sql("UPDATE users SET name = E'\\x1b[31m', updated_at = clock_timestamp() WHERE id = 7");
    return has(person.out(), "\"id\":7") && has(program.out(), "record");
  }());
  EXPECT_EVENTUALLY(has(person.out(), "-- 1 row is in the sink"));
  EXPECT_EVENTUALLY(has(person.out(), "-- caught up"));
  EXPECT_EQ(person.out().find('\x1b'), std::string::npos) << person.out();
  const Json first = Json::parse(program.out().substr(0, program.out().find('\n')));
  EXPECT_TRUE(first.contains("kind")) << first;
  EXPECT_EQ(daemon.ctl({"follow", "user"}).code, 66);
  for (Process* each : {&person, &program}) {
    each->signal(SIGINT);
    EXPECT_TRUE(each->wait().has_value());
  }
}

}  // namespace
}  // namespace syncd::test
