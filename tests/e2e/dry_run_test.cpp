// syncctl dry-run, with the real programs.
#include "tests/e2e/daemon.hpp"
#include "tests/support/has.hpp"
#include "tests/support/llm_server.hpp"

namespace syncd::test {
namespace {

class DryRunE2e : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresServer::installed() || !RedisServer::installed()) GTEST_SKIP() << "needs both servers";
  }
  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }
};

TEST_F(DryRunE2e, ShowsTheCommandsAndChangesNothing) {
  Daemon daemon;
  daemon.write_job("users", "manual");
  daemon.sql("UPDATE users SET name = E'\\x1b[31m \\u202e' WHERE id = 2");
  daemon.start();
  const Finished shown = daemon.ctl({"dry-run", "users", "-n", "3"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(first_line(shown.out), "from the beginning");
  EXPECT_TRUE(has(shown.out, "HSET user:1 id 1 name \"user 1\" updated_at ")) << shown.out;
  EXPECT_TRUE(has(shown.out, "HSET user:2 id 2 name \"\\x1b[31m \\xe2\\x80\\xae\"")) << shown.out;
  EXPECT_FALSE(has(shown.out, "user:4")) << shown.out;
  EXPECT_TRUE(has(shown.out, "3 would be written; nothing was")) << shown.out;
  EXPECT_EQ(daemon.redis().call("DBSIZE").integer, 0);
  const Json checkpoint = Json::parse(daemon.ctl({"checkpoint", "show", "users", "--json"}).out);
  EXPECT_TRUE(checkpoint["sink"].empty() && checkpoint["local"].empty()) << checkpoint;
  EXPECT_EQ(daemon.ctl({"history", "users", "--json"}).out, "") << "it is no run";

  EXPECT_EQ(daemon.ctl({"run", "users", "--wait"}).code, 0);
  const Json nothing = Json::parse(daemon.ctl({"dry-run", "users", "--json"}).out);
  EXPECT_EQ(nothing["rows"], 0) << "it goes on where the job stands";
  EXPECT_TRUE(has(nothing["from"][0], "updated_at")) << nothing;
}

TEST_F(DryRunE2e, TriesAJobBeforeTheDaemonTakesIt) {
  Daemon daemon;
  daemon.start();
  EXPECT_EVENTUALLY(daemon.caught_up());
  daemon.write_job("users", "continuous", "",
                   "type = \"redis_string\"\nkey = \"other:{id}\"\nvalue = \"{name}\"\n");
  Finished shown = daemon.ctl({"dry-run", "users", "--rows", "1"});
  EXPECT_TRUE(has(shown.out, "other in the files than in the daemon")) << shown.out << shown.err;
  daemon.write_job("fresh", "manual", "", "type = \"redis_stream\"\nkey = \"fresh\"\n");
  shown = daemon.ctl({"dry-run", "fresh", "--rows", "1"});
  EXPECT_TRUE(has(shown.out, "XADD fresh * id 1 name \"user 1\"")) << shown.out << shown.err;
  EXPECT_TRUE(has(shown.out, "does not know this job yet")) << shown.out;
  EXPECT_EQ(daemon.ctl({"dry-run", "user"}).code, 66);
  daemon.write_job("fresh", "manual", "batch_row = 5\n");
  shown = daemon.ctl({"dry-run", "users"});
  EXPECT_EQ(shown.code, 78);
  EXPECT_TRUE(has(shown.out, "did you mean 'batch_rows'?")) << shown.out << shown.err;
  EXPECT_EQ(daemon.name_of(7), "user 7");
  EXPECT_EQ(daemon.state(), "running") << "the job that runs was not disturbed";
}

TEST_F(DryRunE2e, ARowThatCannotBeWrittenIsSaid) {
  Daemon daemon(3);
  daemon.sql("UPDATE users SET name = NULL WHERE id = 2");
  daemon.write_job("users", "manual", "",
                   "type = \"redis_string\"\nkey = \"user:{name}\"\nvalue = \"{id}\"\n");
  daemon.start();
  const Finished shown = daemon.ctl({"dry-run", "users"});
  EXPECT_EQ(shown.code, 1);
  EXPECT_TRUE(has(shown.out, "bad record: key: the column 'name' is NULL\n    {\"id\":2")) << shown.out;
  EXPECT_TRUE(has(shown.out, "SET \"user:user 3\" 3")) << shown.out;
}

TEST_F(DryRunE2e, AModelIsNotAskedAndItsPriceIsTold) {
  LlmServer model;
  Daemon daemon(25);
  daemon.write_config("[connections.model]\ntype = \"openai\"\nbase_url = \"" + model.chat_url() +
                      "\"\n[connections.model.prices]\nm = { input = 2, output = 10 }\n");
  daemon.write_job("digest", "manual", "",
                   "type = \"redis_string\"\nkey = \"digest:{unit}\"\nvalue = \"{summary}\"\n",
                   "[[jobs.digest.transforms]]\ntype = \"summarize\"\nconnection = \"model\"\nmodel = \"m\"\n"
                   "max_tokens = 100\nuser = \"{{data}}\"\nwindow = { rows = 10 }\n");
  daemon.start();
  const Json before = Json::parse(daemon.ctl({"dry-run", "digest", "--json"}).out);
  ASSERT_EQ(before["questions"].size(), 3U) << before;
  for (const Json& question : before["questions"]) {
    EXPECT_EQ(question["answered"], false);
    EXPECT_GT(question["input_tokens"], 0);
    EXPECT_EQ(question["output_tokens"], 100);
    EXPECT_GE(question["cost_millionths"], 1000);
  }
  EXPECT_TRUE(model.asked().empty());
  EXPECT_FALSE(std::filesystem::exists(daemon.path("state/llm.db"))) << "looking makes no journal";
  const Finished shown = daemon.ctl({"dry-run", "digest"});
  EXPECT_TRUE(has(shown.out, "3 questions to a model would be sent")) << shown.out << shown.err;

  EXPECT_EQ(daemon.ctl({"run", "digest", "--wait"}).code, 0) << daemon.log();
  EXPECT_EQ(daemon.ctl({"checkpoint", "rewind", "digest", "--to", "start", "-y"}).code, 0);
  const Json after = Json::parse(daemon.ctl({"dry-run", "digest", "--json"}).out);
  ASSERT_EQ(after["questions"].size(), 3U) << after;
  EXPECT_EQ(after["questions"][0]["answered"], true);
  EXPECT_TRUE(has(after["writes"][0], "Summary of")) << after;
  EXPECT_EQ(model.asked().size(), 3U);
}

}  // namespace
}  // namespace syncd::test
