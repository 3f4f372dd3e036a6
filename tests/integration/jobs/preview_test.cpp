// What a sink says that it would write is what it writes: the commands, given to redis-cli, have the same
// effect.
#include "tests/integration/jobs/sink_test.hpp"
#include "tests/support/process.hpp"

namespace syncd::jobs {
namespace {

using test::users;

class PreviewTest : public test::SinkTest {
 protected:
  std::vector<std::string> preview(Sink& sink, const Batch& batch) {
    return syncd::test::run_task(loop_, sink.preview(batch));
  }
  // Everything in Redis that is no checkpoint; entries of a stream without their ids.
  std::map<std::string, std::vector<std::string>> content() {
    std::map<std::string, std::vector<std::string>> all;
    for (const std::string& key : redis_.call("KEYS *").texts()) {
      if (key.starts_with("syncd:")) continue;
      std::vector<std::string>& texts = all[key];
      const std::string type = redis_.command({"TYPE", key}).text;
      if (type == "string") texts = {redis_.command({"GET", key}).text};
      if (type == "hash") texts = redis_.command({"HGETALL", key}).texts();
      if (type == "set") texts = redis_.command({"SMEMBERS", key}).texts();
      if (type == "zset") texts = redis_.command({"ZRANGE", key, "0", "-1", "WITHSCORES"}).texts();
      if (type == "list") texts = redis_.command({"LRANGE", key, "0", "-1"}).texts();
      if (type == "stream") {
        for (const auto& entry : redis_.command({"XRANGE", key, "-", "+"}).elements) {
          for (const std::string& text : entry.elements.at(1).texts()) texts.push_back(text);
        }
      }
      if (type == "set") std::sort(texts.begin(), texts.end());
      texts.push_back(redis_.command({"PTTL", key}).integer > 0 ? "expires" : "stays");
    }
    return all;
  }
  void give_to_redis_cli(const std::vector<std::string>& lines) {
    std::string script;
    for (const std::string& line : lines) script += line + '\n';
    syncd::test::ProcessOptions options;
    options.stdin_file = folder_.write("commands", script);
    const auto done = syncd::test::run_program({"redis-cli", "-s", redis_.socket_path()}, options);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.out.find("ERR"), std::string::npos) << script << done.out;
  }
};

TEST_F(PreviewTest, TheCommandsOfARedisSinkDoWhatItsCommitDoes) {
  const std::vector<std::pair<const SinkKind*, std::string>> sinks = {
      {&redis_hash(), "key = \"user:{id}\"\nttl = \"1h\""},
      {&redis_hash(),
       "key = \"user:{id}\"\nnulls = \"empty\"\ndelete_if = { field = \"id\", equals = \"2\" }"},
      {&redis_json(), "key = \"user {id}\""},
      {&redis_string(), "key = \"user:{id}\"\nvalue = \"{name}\"\nttl = \"1h\""},
      {&redis_set(), "key = \"users\"\nmember = \"{id}:{name}\""},
      {&redis_sorted_set(), "key = \"users\"\nmember = \"{id}\"\nscore = \"id\""},
      {&redis_list(), "key = \"users\"\nmax_length = 2\nttl = \"1h\""},
      {&redis_list(), "key = \"users:{id}\"\nside = \"left\"\nmax_length = 2"},
      {&redis_stream(), "key = \"users\"\nmax_length = 1000\nttl = \"1h\""},
  };
  for (const auto& [kind, toml] : sinks) {
    redis_.call("FLUSHALL");
    const Batch batch = users(1, {"Ada", "two words", std::nullopt, "\"\\\n\x1b[31m\xff \u202e"});
    const auto lines = preview(*make(*kind, toml), batch);
    EXPECT_TRUE(redis_.call("KEYS *").texts().empty()) << kind->type << ": a preview wrote something";
    give_to_redis_cli(lines);
    const auto by_hand = content();
    redis_.call("FLUSHALL");
    auto sink = opened(*kind, toml);
    commit(*sink, batch);
    EXPECT_EQ(by_hand, content()) << kind->type << "\n" << toml;
    EXPECT_FALSE(by_hand.empty());
    bad_.clear();  // a member that is NULL, twice
  }
}

TEST_F(PreviewTest, AMessageIsShownToo) {
  const auto sink = make(redis_publish(), "channel = \"news\"\nvalue = \"{name} is here\"");
  EXPECT_EQ(preview(*sink, users(1, {"Ada"})), std::vector<std::string>{"PUBLISH news \"Ada is here\""});
}

TEST_F(PreviewTest, ABadRowIsSaidAndTheOthersAreShown) {
  const auto sink = make(redis_string(), "key = \"user:{name}\"\nvalue = \"{id}\"");
  EXPECT_EQ(preview(*sink, users(1, {"Ada", std::nullopt, "Grace"})),
            (std::vector<std::string>{"SET user:Ada 1", "SET user:Grace 3"}));
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_NE(bad_[0].error.find("'name' is NULL"), std::string::npos) << bad_[0].error;
}

TEST_F(PreviewTest, LinesAreThoseOfTheFileWhichIsNotMade) {
  const std::string path = folder_.path() / "out.csv";
  const auto sink = make(file(), "path = \"" + path + "\"\nformat = \"csv\"");
  EXPECT_EQ(preview(*sink, users(1, {"Ada", "a,b"})), (std::vector<std::string>{"1,Ada", "2,\"a,b\""}));
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(PreviewTest, AStatementComesWithItsParameters) {
  const auto sink = make(postgres_table_sink(), "table = \"users\"\nkey = [\"id\"]");
  const auto lines = preview(*sink, users(1, {"Ada", std::nullopt}));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_NE(lines[0].find("INSERT INTO \"users\""), std::string::npos) << lines[0];
  EXPECT_EQ(lines[1], "  $1 = {\"1\",\"2\"}");
  EXPECT_EQ(lines[2], "  $2 = {\"Ada\",NULL}");
  EXPECT_EQ(lines[3], "  $3 = {\"f\",\"f\"}");
}

TEST_F(PreviewTest, RowsThatArePlainlyInsertedAreCopied) {
  database();
  const auto sink = make(postgres_table_sink(), "table = \"users\"");
  const auto lines = preview(*sink, users(1, {"a\tb", std::nullopt}));
  const std::vector<std::string> expected{"COPY \"users\" (\"id\", \"name\") FROM STDIN", "  1\ta\\tb",
                                          "  2\t\\N"};
  EXPECT_EQ(lines, expected);
}

}  // namespace
}  // namespace syncd::jobs
