#include "daemon/store/database.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "daemon/base/error.hpp"

namespace syncd::store {
namespace {

class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() {
    std::string name = (std::filesystem::temp_directory_path() / "syncd-store-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~DatabaseTest() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(DatabaseTest, KeepsPositionsRunsAndPausesOverARestart) {
  const WallTime now = wall_now();
  std::string instance;
  {
    Database database(folder_);
    instance = database.instance();
    database.save_position("users", "", "p1", now);
    database.save_position("users", "", "p2", now);
    database.save_position("users", "a.log", "7", now);
    RunRecord run;
    run.job = "users";
    run.planned = run.started = now;
    database.begin(run, {});
    run.outcome = "failed";
    run.error = "no route";
    run.rows = 12;
    database.end(run, {}, false);
    database.pause("users", "migration", now);
  }
  Database database(folder_);
  EXPECT_EQ(database.instance(), instance) << "the same daemon, restarted";
  EXPECT_EQ(database.positions("users"), (std::map<std::string, std::string>{{"", "p2"}, {"a.log", "7"}}));
  EXPECT_EQ(database.last_run("users")->error, "no route");
  EXPECT_EQ(database.last_run("users")->rows, 12U);
  EXPECT_EQ(database.paused("users")->reason, "migration");
  database.resume("users");
  EXPECT_FALSE(database.paused("users"));
}

TEST_F(DatabaseTest, ARunThatWasCutIsMarkedInterrupted) {
  const WallTime now = wall_now();
  {
    RunRecord run;
    run.job = "users";
    run.planned = run.started = now;
    Database(folder_).begin(run, {});
  }
  Database database(folder_);
  EXPECT_FALSE(database.last_run("users"));
  EXPECT_EQ(database.close_interrupted_runs(now), 1);
  EXPECT_EQ(database.last_run("users")->outcome, "interrupted");
}

TEST_F(DatabaseTest, ASecondDaemonLearnsWhoHoldsTheDirectory) {
  Database first(folder_);
  try {
    Database second(folder_);
    FAIL() << "two daemons on one state directory";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("in use by another syncd (pid " + std::to_string(::getpid())),
              std::string::npos)
        << error.what();
  }
}

TEST_F(DatabaseTest, ACorruptDatabaseIsSetAsideNotLost) {
  { std::ofstream(folder_ / "state.db") << std::string(8192, 'x'); }
  Database database(folder_);
  ASSERT_TRUE(database.set_aside());
  EXPECT_TRUE(std::filesystem::exists(*database.set_aside()));
  database.save_position("users", "", "p1", wall_now());
  EXPECT_EQ(database.positions("users").at(""), "p1");
}

TEST_F(DatabaseTest, StateIsForItsOwnerOnly) {
  Database database(folder_ / "state");
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(folder_ / "state").permissions(), perms::owner_all);
  EXPECT_EQ(std::filesystem::status(folder_ / "state" / "state.db").permissions(),
            perms::owner_read | perms::owner_write);
}

TEST_F(DatabaseTest, KeepsDeadLettersUntilTheyAreCleared) {
  Database database(folder_);
  database.add_dead_letter("users", R"({"id":"1"})", "WRONGTYPE", wall_now());
  database.add_dead_letter("users", R"({"id":"2"})", "WRONGTYPE", wall_now());
  EXPECT_EQ(database.count_dead_letters("users"), 2U);
  EXPECT_EQ(database.dead_letters("users", 1).at(0).record, R"({"id":"2"})") << "the newest";
  EXPECT_EQ(database.dead_letters("users", 9).at(0).record, R"({"id":"1"})") << "oldest first";
  database.clear_dead_letters("users");
  EXPECT_EQ(database.count_dead_letters("users"), 0U);
}

}  // namespace
}  // namespace syncd::store
