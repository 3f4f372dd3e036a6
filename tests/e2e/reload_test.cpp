// A running daemon takes another configuration: all of it or nothing, and what did not change goes on.
#include "tests/e2e/daemon.hpp"
#include "tests/support/has.hpp"

namespace syncd::test {
namespace {

class ReloadE2e : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::installed() || !RedisServer::installed()) GTEST_SKIP() << "needs both servers";
  }
  // `syncctl reload` with these options: what it printed, all of it.
  std::string reload(std::vector<std::string> options = {}, int code = 0) {
    options.insert(options.begin(), "reload");
    const Finished finished = daemon_.ctl(options);
    EXPECT_EQ(finished.code, code) << finished.out << finished.err;
    return finished.out + finished.err;
  }
  void start() {
    daemon_.start();
    ASSERT_EVENTUALLY(daemon_.caught_up());
  }
  Json began() { return daemon_.status()["run"]["started_us"]; }
  void change_config(const std::string& from, const std::string& to) {
    std::string config = read_file(daemon_.path("syncd.toml"));
    const std::size_t at = config.find(from);
    ASSERT_NE(at, std::string::npos) << config;
    config.replace(at, from.size(), to);
    std::ofstream(daemon_.path("syncd.toml")) << config;
  }

  Daemon daemon_;
};

TEST_F(ReloadE2e, JobsComeChangeAndGo) {
  start();
  const Json began_at = began();
  EXPECT_EQ(reload(), "nothing has changed; 1 job unchanged\n");
  daemon_.write_job("orders", "manual", "", "type = \"redis_hash\"\nkey = \"order:{id}\"\n");
  EXPECT_EQ(reload({"--dry-run"}), "+ orders\nnothing was changed (--dry-run); 1 job unchanged\n");
  EXPECT_EQ(daemon_.ctl({"status", "orders"}).code, 66);
  EXPECT_EQ(reload(), "+ orders\nreloaded; 1 job unchanged\n");
  EXPECT_EQ(daemon_.ctl({"run", "orders", "--wait"}).code, 0);
  EXPECT_EQ(daemon_.redis().call("HGET order:7 name").text, "user 7");

  daemon_.write_job("orders", "manual", "batch_rows = 7\n", "type = \"redis_hash\"\nkey = \"o:{id}\"\n");
  EXPECT_EQ(reload(), "~ orders (sink.key, source.batch_rows)\nreloaded; 1 job unchanged\n");
  EXPECT_EQ(daemon_.ctl({"checkpoint", "rewind", "orders", "--to", "start", "-y"}).code, 0);
  EXPECT_EQ(daemon_.ctl({"run", "orders", "--wait"}).code, 0);
  EXPECT_EQ(daemon_.redis().call("HGET o:7 name").text, "user 7");

  daemon_.remove_job("orders");
  EXPECT_EQ(reload(), "- orders\nreloaded; 1 job unchanged\n");
  EXPECT_EVENTUALLY_EQ(daemon_.ctl({"status", "orders"}).code, 66);
  EXPECT_EQ(began(), began_at) << "the job that did not change was not touched";
  EXPECT_TRUE(has(daemon_.log(), "reload: job orders has changed (sink.key, source.batch_rows)"))
      << daemon_.log();
}

TEST_F(ReloadE2e, ABrokenFileChangesNothingAndSaysWhere) {
  start();
  const Json began_at = began();
  daemon_.write_job("orders", "manual", "", "type = \"redis_hash\"\nkey = \"order:{id}\"\n");
  daemon_.write_job("users", "continuous", "batch_row = 5\n");
  const std::string place = daemon_.path("jobs.d/users.toml") + ":";
  for (const std::vector<std::string>& options : {std::vector<std::string>(), {"--dry-run"}}) {
    const std::string said = reload(options, 78);
    EXPECT_TRUE(has(said, place) && has(said, "did you mean 'batch_rows'?")) << said;
    EXPECT_TRUE(has(said, "nothing was changed")) << said;
  }
  const Finished as_json = daemon_.ctl({"reload", "--json"});
  EXPECT_EQ(as_json.code, 78);
  const Json finding = Json::parse(as_json.out.substr(0, as_json.out.find('\n')));
  EXPECT_EQ(finding["level"], "error");
  EXPECT_TRUE(has(finding["place"], place)) << finding;
  EXPECT_EQ(daemon_.ctl({"status", "orders"}).code, 66);
  EXPECT_EQ(began(), began_at);
  daemon_.process().signal(SIGHUP);
  EXPECT_EVENTUALLY(has(daemon_.log(), "reload: the configuration is invalid"));
  EXPECT_TRUE(has(daemon_.log(), "error reload: " + place)) << daemon_.log();
  EXPECT_EQ(began(), began_at);
}

TEST_F(ReloadE2e, SighupIsAReload) {
  start();
  daemon_.write_job("orders", "manual", "", "type = \"redis_hash\"\nkey = \"order:{id}\"\n");
  daemon_.process().signal(SIGHUP);
  EXPECT_EVENTUALLY_EQ(daemon_.state("orders"), "idle");
}

TEST_F(ReloadE2e, AContinuousRunGoesOnWithTheNewConfiguration) {
  start();
  daemon_.write_job("users", "continuous", "", "type = \"redis_hash\"\nkey = \"u:{id}\"\n");
  EXPECT_EQ(reload(),
            "~ users (sink.key): the run under way ends as it was configured\n"
            "reloaded; 0 jobs unchanged\n");
  daemon_.sql("UPDATE users SET name = 'changed', updated_at = clock_timestamp() WHERE id = 7");
  EXPECT_EVENTUALLY_EQ(daemon_.redis().call("HGET u:7 name").text, "changed");
  EXPECT_EQ(daemon_.name_of(7), "user 7");
  EXPECT_TRUE(has(daemon_.ctl({"history", "users"}).out, "the configuration was reloaded"));
}

// The run is in the middle of a commit that takes long when the configuration comes.
TEST_F(ReloadE2e, ARunUnderWayEndsOnItsOldConfiguration) {
  daemon_.write_job("users", "manual");
  daemon_.start();
  {
    const Frozen redis = daemon_.redis().freeze();
    EXPECT_EQ(daemon_.ctl({"run", "users"}).code, 0);
    ASSERT_EVENTUALLY(daemon_.state() == "running");
    daemon_.write_job("users", "manual", "", "type = \"redis_hash\"\nkey = \"u:{id}\"\n");
    EXPECT_TRUE(has(reload(), "~ users (sink.key): the run under way ends as it was configured"));
    EXPECT_EQ(daemon_.ctl({"run", "users"}).code, 75) << "one run at a time";
  }
  EXPECT_EVENTUALLY_EQ(daemon_.state(), "idle");
  EXPECT_EQ(daemon_.name_of(7), "user 7");
  EXPECT_EQ(daemon_.redis().call("EXISTS u:7").integer, 0);
  daemon_.sql("UPDATE users SET name = 'changed', updated_at = clock_timestamp() WHERE id = 7");
  EXPECT_EVENTUALLY(daemon_.ctl({"run", "users", "--wait"}).code == 0 &&
                    daemon_.redis().call("HGET u:7 name").text == "changed");
}

// Two that wait behind a run that takes long: one is changed, the other one removed.
TEST_F(ReloadE2e, WhoWaitsForAQueuedRunLearnsItsEndWhateverIsReloaded) {
  const auto write = [&](const std::string& name, const std::string& schedule, const std::string& key) {
    daemon_.write_job(name, schedule, "", "type = \"redis_hash\"\nkey = \"" + key + ":{id}\"\n",
                      "group = \"one\"\n");
  };
  for (const char* name : {"users", "changed", "gone"}) write(name, "manual", name);
  daemon_.start();
  std::optional<Process> changed, gone;
  const auto wait_for = [&](const std::string& job) {
    return std::vector<std::string>{SYNCCTL_BINARY, "--socket", daemon_.path("control.sock"),
                                    "run",          job,        "--wait"};
  };
  {
    const Frozen redis = daemon_.redis().freeze();
    EXPECT_EQ(daemon_.ctl({"run", "users"}).code, 0);
    ASSERT_EVENTUALLY(daemon_.state() == "running");
    changed.emplace(wait_for("changed"));
    gone.emplace(wait_for("gone"));
    ASSERT_EVENTUALLY(daemon_.state("changed") == "waiting" && daemon_.state("gone") == "waiting");
    write("changed", "every 24h", "c");
    daemon_.remove_job("gone");
    reload();
    EXPECT_EQ(gone->wait(), 1);
    EXPECT_TRUE(has(gone->out() + gone->err(), "the job was taken out of the configuration")) << gone->out();
    EXPECT_EQ(daemon_.state("changed"), "waiting") << "what was asked for is not the schedule's affair";
  }
  EXPECT_EQ(changed->wait(), 0) << changed->err();
  EXPECT_EQ(daemon_.redis().call("HGET c:7 name").text, "user 7") << "by the new configuration";
}

TEST_F(ReloadE2e, ARemovedJobEndsItsRunFirstAndMayComeBack) {
  daemon_.write_job("users", "manual");
  daemon_.write_job("other", "manual", "", "type = \"redis_hash\"\nkey = \"other:{id}\"\n");
  daemon_.start();
  {
    const Frozen redis = daemon_.redis().freeze();
    EXPECT_EQ(daemon_.ctl({"run", "users"}).code, 0);
    ASSERT_EVENTUALLY(daemon_.state() == "running");
    daemon_.remove_job("users");
    EXPECT_TRUE(has(reload(), "- users: the run under way ends first"));
    EXPECT_EQ(daemon_.state(), "running");
    daemon_.write_job("users", "manual", "", "type = \"redis_hash\"\nkey = \"u:{id}\"\n");
    EXPECT_TRUE(has(reload(), "+ users"));
    EXPECT_EQ(daemon_.ctl({"run", "users"}).code, 75) << "one run at a time";
  }
  EXPECT_EVENTUALLY_EQ(daemon_.state(), "idle");
  EXPECT_EQ(daemon_.name_of(7), "user 7") << "by the old configuration";
  EXPECT_EQ(daemon_.ctl({"checkpoint", "rewind", "users", "--to", "start", "-y"}).code, 0);
  EXPECT_EQ(daemon_.ctl({"run", "users", "--wait"}).code, 0);
  EXPECT_EQ(daemon_.redis().call("HGET u:7 name").text, "user 7");
}

TEST_F(ReloadE2e, AChangedConnectionIsANewOneForTheJobsThatUseIt) {
  RedisServer second;
  start();
  change_config(daemon_.redis().socket_uri(), second.socket_uri());
  const std::string said = reload();
  EXPECT_TRUE(has(said, "~ connection cache (uri)\n")) << said;
  EXPECT_TRUE(has(said, "~ users (connections.cache.uri)")) << said;
  EXPECT_EVENTUALLY_EQ(second.call("HGET user:7 name").text, "user 7");
  EXPECT_EVENTUALLY(daemon_.caught_up());
}

TEST_F(ReloadE2e, SettingsAreTakenOrNeedARestart) {
  start();
  change_config("level = \"debug\"", "level = \"info\"");
  change_config("/state\"", "/elsewhere\"");
  change_config("drain_timeout = \"10s\"", "drain_timeout = \"5s\"");
  const std::string expected =
      "~ daemon.drain_timeout\n~ log.level\n~ daemon.state_dir: takes effect when syncd is restarted\n";
  EXPECT_TRUE(has(reload(), expected));
  const Json again = Json::parse(daemon_.ctl({"reload", "--json"}).out);
  EXPECT_EQ(again["restart"], Json::array({"daemon.state_dir"})) << "until it is restarted";
  EXPECT_EQ(again["settings"], Json::array());
  EXPECT_EQ(daemon_.process().terminate(), 0);
}

}  // namespace
}  // namespace syncd::test
