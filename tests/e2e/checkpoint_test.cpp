// syncctl checkpoint export, import and undo, with the real programs.
#include "tests/e2e/daemon.hpp"

namespace syncd::test {
namespace {

class CheckpointE2e : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::installed() || !RedisServer::installed()) GTEST_SKIP() << "needs both servers";
  }
  static Finished expect(Daemon& daemon, const std::vector<std::string>& arguments, int code,
                         const std::string& part = "") {
    Finished finished = daemon.ctl(arguments);
    EXPECT_EQ(finished.code, code) << fmt::format("{}", fmt::join(arguments, " ")) << "\n"
                                   << finished.out << finished.err;
    EXPECT_NE((finished.out + finished.err).find(part), std::string::npos) << part << "\n"
                                                                           << finished.out << finished.err;
    return finished;
  }
  // Where the job stands, by its holder.
  static std::string position(Daemon& daemon, const std::string& job = "users") {
    const Json shown = Json::parse(daemon.ctl({"checkpoint", "show", job, "--json"}).out);
    return shown["sink"].empty() ? "" : shown["sink"][0]["text"].get<std::string>();
  }
};

TEST_F(CheckpointE2e, EachChangeCanBeTakenBackAndSoCanThat) {
  Daemon daemon;
  daemon.write_job("users", "manual");
  daemon.start();
  expect(daemon, {"checkpoint", "undo", "users"}, 1, "nothing to undo");
  expect(daemon, {"run", "users", "--wait"}, 0);
  const std::string end = position(daemon);

  expect(daemon, {"checkpoint", "rewind", "users", "--to", "start", "--yes"}, 0);
  EXPECT_EQ(position(daemon), "");
  expect(daemon, {"checkpoint", "show", "users"}, 0, "before the rewind");
  expect(daemon, {"checkpoint", "undo", "users"}, 64, "add --yes");
  EXPECT_EQ(position(daemon), "") << "nobody said yes";
  expect(daemon, {"checkpoint", "undo", "users", "--yes"}, 0, "as it was before the rewind");
  EXPECT_EQ(position(daemon), end);
  expect(daemon, {"checkpoint", "undo", "users", "--yes"}, 0, "as it was before the undo");
  EXPECT_EQ(position(daemon), "");

  expect(daemon, {"checkpoint", "set", "users", end, "--yes"}, 0);
  daemon.process().kill();
  daemon.start();
  expect(daemon, {"checkpoint", "undo", "users", "--yes"}, 0, "as it was before the set");
  EXPECT_EQ(position(daemon), "") << "it outlives the daemon";
}

TEST_F(CheckpointE2e, AnExportIsImportedByAnotherJobOfTheSameSource) {
  Daemon daemon;
  daemon.write_job("users", "manual");
  daemon.write_job("mirror", "manual", "", "type = \"redis_hash\"\nkey = \"mirror:{id}\"\n");
  daemon.start();
  expect(daemon, {"run", "users", "--wait"}, 0);
  const Finished exported = expect(daemon, {"checkpoint", "export", "users"}, 0, "\"syncd_checkpoint\": 1");
  EXPECT_EQ(Json::parse(exported.out)["source"]["table"], "'public.users'") << exported.out;
  std::ofstream(daemon.path("users.json")) << exported.out;

  expect(daemon, {"checkpoint", "import", "mirror", daemon.path("users.json")}, 64, "add --yes");
  expect(daemon, {"checkpoint", "import", "mirror", daemon.path("users.json"), "--yes"}, 0, "that of users");
  EXPECT_EQ(position(daemon, "mirror"), position(daemon));
  expect(daemon, {"run", "mirror", "--wait"}, 0, "0 rows");
  expect(daemon, {"checkpoint", "undo", "mirror", "-y"}, 0, "before the import");
  expect(daemon, {"run", "mirror", "--wait"}, 0, "100 rows");
}

TEST_F(CheckpointE2e, AnImportIsAllOrNothing) {
  Daemon daemon;
  daemon.write_job("users", "manual");
  daemon.start();
  expect(daemon, {"run", "users", "--wait"}, 0);
  const std::string before = position(daemon);
  const Json good = Json::parse(daemon.ctl({"checkpoint", "export", "users", "--json"}).out);
  const auto import = [&](const Json& changed, const std::string& part) {
    std::ofstream(daemon.path("odd.json")) << changed;
    expect(daemon, {"checkpoint", "import", "users", daemon.path("odd.json"), "-y"}, 1, part);
    EXPECT_EQ(position(daemon), before) << part;
  };
  Json odd = good;
  odd["source"]["table"] = "'public.orders'";
  import(odd, "table is 'public.orders' there and 'public.users' here");
  odd = good;
  odd["positions"].push_back(Json::object({{"partition", "x"}, {"text", "rubbish"}}));
  import(odd, "'rubbish' is no position");
  import(Json("text"), "no JSON object");
  import(Json::object({{ "x", std::string(2'000'000, 'x') }}), "no exported checkpoint is that long");
  expect(daemon, {"checkpoint", "import", "users", daemon.path("none.json"), "-y"}, 66, "No such file");
  expect(daemon, {"checkpoint", "import", "nobody", daemon.path("odd.json"), "-y"}, 1, "");

  const std::string stdin_line =
      fmt::format("{0} -s {1} checkpoint export users | {0} -s {1} checkpoint import users - --yes",
                  SYNCCTL_BINARY, daemon.path("control.sock"));
  EXPECT_EQ(run_program({"/bin/sh", "-c", stdin_line}).code, 0);
  EXPECT_EQ(position(daemon), before);
}

TEST_F(CheckpointE2e, ARunUnderWayGoesOnFromWhatWasBroughtBack) {
  Daemon daemon;
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  expect(daemon, {"checkpoint", "rewind", "users", "--to", "2001-02-03", "-y"}, 0);
  EXPECT_EVENTUALLY(daemon.caught_up());
  daemon.redis().call("DEL user:7");
  expect(daemon, {"checkpoint", "undo", "users", "-y"}, 0);
  EXPECT_EVENTUALLY(daemon.caught_up());
  EXPECT_EQ(daemon.name_of(7), "") << "nothing before the old position came again";
}

}  // namespace
}  // namespace syncd::test
