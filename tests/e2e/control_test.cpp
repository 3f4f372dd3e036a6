// syncd and syncctl as a user has them: what they do, what they say, and how they exit.
#include "tests/e2e/daemon.hpp"
#include "tests/support/has.hpp"

namespace syncd::test {
namespace {

class ControlE2e : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::installed() || !RedisServer::installed()) GTEST_SKIP() << "needs both servers";
  }
  // Runs syncctl and expects this exit code and these parts in what it printed.
  Finished expect(Daemon& daemon, std::vector<std::string> arguments, int code,
                  std::vector<std::string> parts) {
    std::string line;
    for (const std::string& word : arguments) line += " " + word;
    Finished finished = daemon.ctl(std::move(arguments));
    EXPECT_EQ(finished.code, code) << "syncctl" << line << "\n" << finished.out << finished.err;
    for (const std::string& part : parts) {
      EXPECT_TRUE(has(finished.out + finished.err, part)) << "syncctl" << line << " lacks '" << part << "':\n"
                                                          << finished.out << finished.err;
    }
    return finished;
  }
};

TEST_F(ControlE2e, AJobRunsIsPausedAndGoesOn) {
  Daemon daemon;
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  EXPECT_EQ(daemon.name_of(7), "user 7");
  expect(daemon, {"status"}, 0, {"JOB", "users", "running", "continuous"});
  expect(daemon, {"status", "users"}, 0, {"users: running", "postgres_table → redis_hash", "caught up"});
  expect(daemon, {"run", "users"}, 75, {"users runs already"});

  expect(daemon, {"pause", "users", "--reason", "migration"}, 0, {"users: paused"});
  EXPECT_EVENTUALLY_EQ(daemon.state(), "paused");
  daemon.sql("UPDATE users SET name = 'changed', updated_at = clock_timestamp() WHERE id = 7");
  expect(daemon, {"status"}, 0, {"paused: migration"});
  expect(daemon, {"run", "users"}, 75, {"paused: migration", "syncctl resume users"});
  expect(daemon, {"cancel", "users"}, 75, {"does not run"});
  EXPECT_EQ(daemon.name_of(7), "user 7");

  expect(daemon, {"resume", "users"}, 0, {"users: resumed"});
  EXPECT_EVENTUALLY_EQ(daemon.name_of(7), "changed");
  expect(daemon, {"resume", "users"}, 0, {"is not paused"});
  const Finished version = expect(daemon, {"version", "--json"}, 0, {});
  EXPECT_EQ(Json::parse(version.out)["syncd"], Json::parse(version.out)["syncctl"]);
  expect(daemon, {"shutdown"}, 0, {"stopping"});
  EXPECT_EQ(daemon.process().wait(), 0);
}

TEST_F(ControlE2e, AManualJobIsRunAndWaitedFor) {
  Daemon daemon;
  daemon.write_job("users", "manual");
  daemon.start();
  EXPECT_EQ(daemon.state(), "idle");
  expect(daemon, {"run", "users", "--wait"}, 0, {"users: succeeded: 100 rows"});
  EXPECT_EQ(daemon.name_of(100), "user 100");
  const Finished again = expect(daemon, {"run", "users", "--wait", "--json"}, 0, {});
  const Json result = Json::parse(again.out);
  EXPECT_EQ(result["job"], "users");
  EXPECT_EQ(result["outcome"], "succeeded");
  EXPECT_EQ(result["rows"], 0);
  daemon.sql("ALTER TABLE users RENAME TO elsewhere");
  expect(daemon, {"run", "users", "--wait"}, 1, {"users: failed", "no table"});
  EXPECT_EQ(daemon.state(), "failed");
  expect(daemon, {"explain", "users"}, 0,
         {"guarantee: ", "its last run failed", "no table", "held by the sink"});
}

TEST_F(ControlE2e, ACheckpointIsShownSetAndRewoundWhileTheJobRuns) {
  Daemon daemon;
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  const Json before = Json::parse(expect(daemon, {"checkpoint", "show", "users", "--json"}, 0, {}).out);
  EXPECT_EQ(before["sink_holds"], true);
  const std::string token = before["sink"][0]["text"];

  daemon.redis().call("DEL user:7");
  expect(daemon, {"checkpoint", "rewind", "users", "--to", "start"}, 64, {"add --yes"});
  expect(daemon, {"checkpoint", "rewind", "users", "--to", "start", "--yes"}, 0, {"is back at start"});
  EXPECT_EVENTUALLY_EQ(daemon.name_of(7), "user 7");  // the job goes on by itself, from the start
  EXPECT_EVENTUALLY(daemon.caught_up());

  expect(daemon, {"pause", "users"}, 0, {});
  daemon.redis().call("DEL user:7");
  expect(daemon, {"checkpoint", "rewind", "users", "--to", "2001-02-03", "-y"}, 0, {});
  expect(daemon, {"checkpoint", "show", "users"}, 0, {"updated_at 2001-02-03", "the same"});
  expect(daemon, {"checkpoint", "set", "users", token, "-y"}, 0, {"the checkpoint is set"});
  expect(daemon, {"resume", "users"}, 0, {});
  EXPECT_EVENTUALLY(daemon.caught_up());
  EXPECT_EQ(daemon.name_of(7), "") << "nothing before the position was delivered again";

  expect(daemon, {"checkpoint", "rewind", "users", "--to", "yesterdya", "-y"}, 1,
         {"'yesterdya'", "updated_at"});
  expect(daemon, {"checkpoint", "set", "users", "rubbish", "-y"}, 1, {"'rubbish' is no position"});
  expect(daemon, {"checkpoint", "set", "users", token, "-p", "x", "-y"}, 1, {"no partition 'x'"});
}

TEST_F(ControlE2e, MistakesHaveTheirExitCodesAndSayWhatIsRight) {
  Daemon daemon;
  expect(daemon, {"status"}, 69, {"no syncd answers", "systemctl start syncd", "--socket"});
  daemon.start();
  expect(daemon, {"status", "user"}, 66, {"no job 'user'; did you mean 'users'?"});
  expect(daemon, {"pause", "orders"}, 66, {"no job 'orders'", "syncctl status"});
  expect(daemon, {"statsu"}, 64, {"did you mean 'status'?"});
  expect(daemon, {"checkpoint", "shwo", "users"}, 64, {"did you mean 'show'?"});
  expect(daemon, {}, 64, {"needs a verb: status, top, run"});
  expect(daemon, {"run"}, 64, {"JOB is required"});
  expect(daemon, {"dead-letters", "list", "users", "--limit", "0"}, 64, {"--limit"});
  expect(daemon, {"dead-letters", "list", "users"}, 0, {"no dead letters"});
  const Finished full = run_program(
      {"/bin/sh", "-c",
       fmt::format("exec {} -s {} status >/dev/full", SYNCCTL_BINARY, daemon.path("control.sock"))});
  EXPECT_EQ(full.code, 1) << "an answer that could not be written is no success";
  EXPECT_TRUE(has(full.err, "No space left")) << full.err;
}

TEST_F(ControlE2e, TheClientInTheDocumentationWorks) {
  if (::access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "needs python3";
  Daemon daemon;
  daemon.start();
  const std::string page = read_file(SYNCD_SOURCE_DIR "/docs/control-protocol.md");
  const std::string begin = "```python\n";
  const std::size_t at = page.find(begin) + begin.size();
  std::string program = page.substr(at, page.find("```", at) - at);
  const std::string path = "/run/syncd/control.sock";
  program.replace(program.find(path), path.size(), daemon.path("control.sock"));
  const Finished asked = run_program({"/usr/bin/python3", "-c", program});
  EXPECT_EQ(asked.code, 0) << asked.err;
  EXPECT_EQ(asked.out, "running\n");
}

TEST_F(ControlE2e, APeerWithoutPermissionIsToldWhichGroup) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  Daemon daemon;
  daemon.start();
  ProcessOptions nobody;
  nobody.user = "nobody";
  const Finished refused = daemon.ctl({"status"}, nobody);
  EXPECT_EQ(refused.code, 77) << refused.err;
  EXPECT_TRUE(has(refused.err, "permission denied")) << refused.err;
  EXPECT_TRUE(has(refused.err, "usermod -aG")) << refused.err;
}

TEST_F(ControlE2e, CheckSaysWhatIsWrongInTheFilesAndOnTheServers) {
  Daemon daemon;
  daemon.start();
  expect(daemon, {"check"}, 0, {"no errors"});
  expect(daemon, {"check", "--online"}, 0, {"no errors"});
  daemon.sql("ALTER TABLE users RENAME TO elsewhere");
  expect(daemon, {"check"}, 0, {"no errors"});
  expect(daemon, {"check", "--online"}, 1, {"job users, source postgres_table: error:", "users", "1 error"});
  daemon.write_job("users", "continuous", "batch_row = 5\n");
  const std::string place = daemon.path("jobs.d/users.toml") + ":";
  for (const char* online : {"--json", "--online"}) {
    expect(daemon, {"check", online}, 78, {place, "batch_row", "did you mean 'batch_rows'?"});
  }
  for (const std::string& line : {expect(daemon, {"check", "--json"}, 78, {}).out}) {
    const Json finding = Json::parse(line.substr(0, line.find('\n')));
    EXPECT_EQ(finding["level"], "error");
    EXPECT_TRUE(finding.contains("place") && finding.contains("text") && finding.contains("remedy"));
  }
  daemon.write_job("users", "continuous");
  expect(daemon, {"check"}, 0, {"changed since the daemon read it", "no errors"});
}

TEST_F(ControlE2e, StatusSaysWhatItWaitsFor) {
  Daemon daemon(10);
  daemon.write_job("users", "continuous", "", "type = \"redis_stream\"\nkey = \"users\"\n");
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  // A transaction that stays open holds the fence of a sink that must not repeat.
  const Process holder(
      {"/bin/sh", "-c",
       fmt::format("(echo \"BEGIN; UPDATE users SET name = 'late' WHERE id = 1;\"; sleep 600) | "
                   "PGAPPNAME=report psql -X -q '{}'",
                   PostgresServer::shared().uri(daemon.database()))});
  EXPECT_EVENTUALLY(has(daemon.status().value("waiting_for", ""), "app=report"));
  expect(daemon, {"status", "users"}, 0, {"fence held", "by pid"});
  expect(daemon, {"explain", "users"}, 0, {"fence held"});
  PostgresServer::shared().terminate_backends("report");
  EXPECT_EVENTUALLY_EQ(daemon.status().value("waiting_for", "?"), "");

  daemon.redis().stop();
  daemon.sql("UPDATE users SET name = 'new', updated_at = clock_timestamp() WHERE id = 2");
  EXPECT_EVENTUALLY(has(daemon.ctl({"status"}).out, "next try") || daemon.state() == "failed");
  EXPECT_TRUE(has(daemon.ctl({"checkpoint", "show", "users"}).out, "the sink cannot be asked"));
  daemon.redis().start();
}

TEST_F(ControlE2e, AContinuousJobThatFailedTriesAgainAndSaysWhen) {
  Daemon daemon(10);
  daemon.sql("ALTER TABLE users RENAME TO elsewhere");
  daemon.start();
  EXPECT_EVENTUALLY_EQ(daemon.state(), "failed");
  const Json failed = daemon.status();
  EXPECT_TRUE(failed["next_run_us"].is_number()) << failed;
  EXPECT_TRUE(has(failed["last_error"], "no table")) << failed;
  daemon.sql("ALTER TABLE elsewhere RENAME TO users");
  expect(daemon, {"run", "users"}, 0, {"users: started"});
  EXPECT_EVENTUALLY(daemon.caught_up());
  EXPECT_EQ(daemon.status()["last_error"], "");
}

TEST_F(ControlE2e, DeadLettersAreKeptListedAndCleared) {
  Daemon daemon(10);
  daemon.write_job("users", "continuous", "", "type = \"redis_hash\"\nkey = \"user:{id}\"\n",
                   "on_bad_record = \"dead_letter\"\n");
  daemon.redis().call("SET user:3 in_the_way");
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  EXPECT_EQ(daemon.status()["dead_letters"], 1);
  expect(daemon, {"status", "users"}, 0, {"syncctl dead-letters list users"});
  const Json letter = Json::parse(expect(daemon, {"dead-letters", "list", "users", "--json"}, 0, {}).out);
  EXPECT_EQ(Json::parse(letter["record"].get<std::string>())["id"], 3);
  EXPECT_TRUE(has(letter["error"], "WRONGTYPE")) << letter;
  expect(daemon, {"dead-letters", "clear", "users"}, 64, {"add --yes"});
  expect(daemon, {"dead-letters", "clear", "users", "--yes"}, 0, {"1 dead letter forgotten"});
  expect(daemon, {"dead-letters", "list", "users"}, 0, {"no dead letters"});
}

TEST_F(ControlE2e, ASecondDaemonOnTheSameStateSaysWhoHasIt) {
  Daemon daemon;
  daemon.start();
  const std::string pid = "pid " + std::to_string(daemon.process().pid());
  const Finished second = run_program(daemon.command());
  EXPECT_EQ(second.code, 75) << second.err;
  EXPECT_TRUE(has(second.err, pid)) << second.err;
  const Finished once = run_program(daemon.command({"--once", "users"}));
  EXPECT_EQ(once.code, 75) << once.err;
  EXPECT_TRUE(has(once.err, "syncctl run users --wait")) << once.err;
  // Another state directory, but the same socket.
  daemon.write_config();
  std::string config = read_file(daemon.path("syncd.toml"));
  config.replace(config.find("/state\""), 7, "/other\"");
  std::ofstream(daemon.path("other.toml")) << config;
  const Finished same_socket = run_program({SYNCD_BINARY, "--config", daemon.path("other.toml")});
  EXPECT_EQ(same_socket.code, 75) << same_socket.err;
  EXPECT_TRUE(has(same_socket.err, "control socket") && has(same_socket.err, pid)) << same_socket.err;
  EXPECT_EQ(daemon.ctl({"version"}).code, 0) << "the first one is not disturbed";
}

TEST_F(ControlE2e, ASecondDaemonWithAStateOfItsOwnStandsBy) {
  Daemon first;
  first.start();
  EXPECT_EVENTUALLY(first.caught_up());
  std::string config = read_file(first.path("syncd.toml"));
  config.replace(config.find("/state\""), 7, "/other\"");
  config.replace(config.find("/control.sock\""), 14, "/other.sock\"");
  std::ofstream(first.path("other.toml")) << config;
  Process second({SYNCD_BINARY, "--config", first.path("other.toml")});
  const auto status_of_second = [&] {
    return run_program({SYNCCTL_BINARY, "-s", first.path("other.sock"), "status"}).out;
  };
  EXPECT_EVENTUALLY(has(status_of_second(), "fenced"));
  EXPECT_TRUE(has(status_of_second(), "is run by another syncd")) << status_of_second();
  first.sql("UPDATE users SET name = 'changed', updated_at = clock_timestamp() WHERE id = 7");
  EXPECT_EVENTUALLY_EQ(first.name_of(7), "changed");
}

TEST_F(ControlE2e, OnceRunsInTheForegroundToItsEnd) {
  Daemon daemon;
  const Finished done = run_program(daemon.command({"--once", "users"}));
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(has(done.err, "users: 100 rows in ")) << done.err;
  EXPECT_FALSE(has(done.err, "\033")) << "no progress line where there is no terminal";
  EXPECT_EQ(daemon.name_of(100), "user 100");
  const Finished unknown = run_program(daemon.command({"--once", "user"}));
  EXPECT_EQ(unknown.code, 66);
  EXPECT_TRUE(has(unknown.err, "did you mean 'users'?")) << unknown.err;
  daemon.sql("DROP TABLE users");
  const Finished failed = run_program(daemon.command({"--once", "users"}));
  EXPECT_EQ(failed.code, 1) << failed.err;
  EXPECT_TRUE(has(failed.err, "users: failed after 0 rows")) << failed.err;
  EXPECT_EQ(run_program({SYNCD_BINARY, "--config", daemon.path("none.toml")}).code, 66);
  EXPECT_EQ(run_program({SYNCD_BINARY, "--nonsense"}).code, 64);
  daemon.write_job("users", "continuous", "batch_row = 5\n");
  EXPECT_EQ(run_program(daemon.command({"--check"})).code, 78);
}

TEST_F(ControlE2e, SigtermFinishesWhatIsUnderWay) {
  Daemon daemon(20000);
  daemon.write_job("users", "continuous", "batch_rows = 100\n");
  daemon.start();
  EXPECT_EVENTUALLY(daemon.redis().call("DBSIZE").integer > 500);
  EXPECT_EQ(daemon.process().terminate(), 0);
  EXPECT_TRUE(has(daemon.log(), "stopped")) << daemon.log();
  EXPECT_NE(::access(daemon.path("control.sock").c_str(), F_OK), 0) << "the socket is gone";
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  EXPECT_EQ(daemon.redis().call("DBSIZE").integer, 20000 + 2) << "the rows, the checkpoint and its lease";
  const Json run = Json::parse(expect(daemon, {"history", "users", "--json"}, 0, {}).out);
  EXPECT_EQ(run["outcome"], "running");
  EXPECT_EQ(run["resumed"], 1) << "the same run goes on";
}

TEST_F(ControlE2e, SigtermDoesNotWaitForASilentRedisForEver) {
  Daemon daemon(100000);  // more than it can write before Redis stops
  daemon.write_job("users", "continuous", "batch_rows = 100\n");
  std::string config = read_file(daemon.path("syncd.toml"));
  config.replace(config.find("\"10s\""), 5, "\"1s\"");
  std::ofstream(daemon.path("syncd.toml")) << config;
  daemon.start();
  EXPECT_EVENTUALLY(daemon.redis().call("DBSIZE").integer > 500);
  {
    const Frozen redis = daemon.redis().freeze();
    EXPECT_EQ(daemon.process().terminate(), 0);
  }
  EXPECT_TRUE(has(daemon.log(), "not waiting for commits any longer")) << daemon.log();
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  EXPECT_EQ(daemon.name_of(100000), "user 100000");
}

TEST_F(ControlE2e, AfterAKillTheNextStartNeedsNobody) {
  Daemon daemon;
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  expect(daemon, {"pause", "users", "-r", "later"}, 0, {});
  daemon.process().kill();
  daemon.start();
  EXPECT_EQ(daemon.state(), "paused") << "a pause outlives the daemon";
  expect(daemon, {"resume", "users"}, 0, {});
  EXPECT_EVENTUALLY(daemon.caught_up());
}

}  // namespace
}  // namespace syncd::test
