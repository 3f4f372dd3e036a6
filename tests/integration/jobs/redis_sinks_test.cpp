// What each Redis sink writes.
#include "tests/integration/jobs/sink_test.hpp"

namespace syncd::jobs {
namespace {

using test::numbered;
using test::SinkTest;
using test::users;

class RedisSinks : public SinkTest {};

TEST_F(RedisSinks, HashWritesOneFieldPerColumn) {
  auto sink = opened(redis_hash(), R"(key = "user:{id}")");
  commit(*sink, users(1, {"Ada", "Grace"}));
  EXPECT_EQ(hash("user:1"), "id 1 name Ada");
  EXPECT_EQ(hash("user:2"), "id 2 name Grace");
}

TEST_F(RedisSinks, HashRemovesTheFieldOfANull) {
  auto sink = opened(redis_hash(), R"(key = "user:{id}")");
  commit(*sink, users(1, {"Ada"}));
  commit(*sink, users(1, {std::nullopt}));
  EXPECT_EQ(hash("user:1"), "id 1");
}

TEST_F(RedisSinks, HashWritesANullAsEmptyTextWhereAsked) {
  auto sink = opened(redis_hash(), "key = \"user:{id}\"\nnulls = \"empty\"");
  commit(*sink, users(1, {std::nullopt}));
  EXPECT_EQ(redis_.call("HGET user:1 name").text, "");
  EXPECT_EQ(redis_.call("HEXISTS user:1 name").integer, 1);
}

TEST_F(RedisSinks, HashWritesOnlyTheChosenFields) {
  auto sink = opened(redis_hash(), "key = \"user:{id}\"\nfields = [\"name\"]");
  commit(*sink, users(1, {"Ada"}));
  EXPECT_EQ(hash("user:1"), "name Ada");
}

TEST_F(RedisSinks, ADeleteRuleRemovesTheKey) {
  auto sink =
      opened(redis_hash(), "key = \"user:{id}\"\ndelete_if = { field = \"name\", equals = \"gone\" }");
  commit(*sink, users(1, {"Ada", "Grace"}));
  commit(*sink, users(1, {"gone"}));
  EXPECT_EQ(redis_.call("EXISTS user:1 user:2").integer, 1);
}

TEST_F(RedisSinks, KeysExpireAfterTheirTtl) {
  auto sink = opened(redis_hash(), "key = \"user:{id}\"\nttl = \"1h\"");
  commit(*sink, users(1, {"Ada"}));
  const auto left = redis_.call("PTTL user:1").integer;
  EXPECT_GT(left, 3'500'000);
  EXPECT_LE(left, 3'600'000);
  EXPECT_EQ(redis_.command({"PTTL", "syncd:{users}:cp"}).integer, -1);  // the checkpoint never does
}

TEST_F(RedisSinks, JsonKeepsNumbersAndEscapesText) {
  auto sink = opened(redis_json(), "key = \"user:{id}\"\nttl = \"1h\"");
  commit(*sink, users(1, {"A \"quoted\"\nline", std::nullopt}));
  EXPECT_EQ(redis_.call("GET user:1").text, R"({"id":1,"name":"A \"quoted\"\nline"})");
  EXPECT_EQ(redis_.call("GET user:2").text, R"({"id":2,"name":null})");
  EXPECT_GT(redis_.call("PTTL user:1").integer, 0);
}

TEST_F(RedisSinks, StringIsATemplate) {
  auto sink = opened(redis_string(), "key = \"name:{id}\"\nvalue = \"{{{name}}}\"");
  commit(*sink, users(1, {"Ada"}));
  EXPECT_EQ(redis_.call("GET name:1").text, "{Ada}");
}

TEST_F(RedisSinks, SetAddsAndRemovesMembers) {
  auto sink = opened(redis_set(),
                     "key = \"active\"\nmember = \"{id}\"\ndelete_if = { field = \"name\", is_null = true }");
  commit(*sink, users(1, {"Ada", "Grace"}));
  commit(*sink, users(2, {std::nullopt}));
  EXPECT_EQ(redis_.call("SMEMBERS active").texts(), std::vector<std::string>{"1"});
}

TEST_F(RedisSinks, SortedSetScoresByAColumn) {
  auto sink = opened(redis_sorted_set(), "key = \"ranking\"\nmember = \"{id}\"\nscore = \"name\"");
  commit(*sink, users(1, {"10.5", "not a number", "-3"}));
  EXPECT_EQ(redis_.call("ZRANGE ranking 0 -1 WITHSCORES").texts(),
            (std::vector<std::string>{"3", "-3", "1", "10.5"}));
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_EQ(bad_[0].record, R"({"id":2,"name":"not a number"})");
}

TEST_F(RedisSinks, StreamLeavesNullsOut) {
  auto sink = opened(redis_stream(), R"(key = "events")");
  commit(*sink, users(1, {"Ada", std::nullopt}));
  const auto entries = redis_.call("XRANGE events - +").elements;
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].elements[1].texts(), (std::vector<std::string>{"id", "1", "name", "Ada"}));
  EXPECT_EQ(entries[1].elements[1].texts(), (std::vector<std::string>{"id", "2"}));
}

// As wide as a table can be; 60 and 61 columns are written by different scripts.
TEST_F(RedisSinks, StreamWritesRowsOfAnyWidth) {
  for (const std::size_t width : {1U, 2U, 60U, 61U, 1600U}) {
    redis_.call("FLUSHALL");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < width; ++i) names.push_back("column'" + std::to_string(i));
    Batch rows(std::make_shared<const Schema>(names), Position("", "p1"));
    std::vector<std::string> whole;
    for (std::size_t i = 0; i < width; ++i) {
      rows.push_copy("value " + std::to_string(i));
      whole.insert(whole.end(), {names[i], "value " + std::to_string(i)});
    }
    std::vector<std::string> half;
    for (std::size_t i = 0; i < width; ++i) {
      if (i % 2 == 1) {
        rows.push_null();
      } else {
        rows.push_copy("");
        half.insert(half.end(), {names[i], ""});
      }
    }
    auto sink = opened(redis_stream(), "key = \"events\"\nmax_length = 10\nttl = \"1h\"");
    commit(*sink, rows);
    const auto entries = redis_.call("XRANGE events - +").elements;
    ASSERT_EQ(entries.size(), 2U) << width;
    EXPECT_EQ(entries[0].elements[1].texts(), whole);
    EXPECT_EQ(entries[1].elements[1].texts(), half);
  }
}

TEST_F(RedisSinks, StreamKeepsTextsOfEveryLengthAndEveryByte) {
  std::vector<std::string> kept;
  Batch texts(test::schema(), Position("", "p1"));
  for (const std::size_t length : {0U, 1U, 31U, 32U, 255U, 256U, 65'535U, 65'536U, 3'000'000U}) {
    std::string text(length, '\0');
    for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>(i % 256);
    texts.push_copy(std::to_string(length));
    texts.push_copy(text);
    kept.push_back(std::move(text));
  }
  auto sink = opened(redis_stream(), R"(key = "texts:{id}")");
  commit(*sink, texts);
  for (const std::string& text : kept) {
    const auto entry = redis_.call("XRANGE texts:" + std::to_string(text.size()) + " - +").elements.at(0);
    EXPECT_EQ(entry.elements[1].texts().at(3), text) << text.size();
  }
}

TEST_F(RedisSinks, StreamsOfManyKeysEachGetTheirRows) {
  auto sink = opened(redis_stream(), R"(key = "of:{id}")");
  commit(*sink, numbered(0, 300));
  for (const char* id : {"0", "125", "126", "253", "299"}) {
    const auto entry = redis_.call(std::string("XRANGE of:") + id + " - +").elements.at(0);
    EXPECT_EQ(entry.elements[1].texts().at(1), id);
  }
}

TEST_F(RedisSinks, ListKeepsTheNewestElements) {
  auto sink = opened(redis_list(), "key = \"last\"\nvalue = \"{name}\"\nmax_length = 2");
  commit(*sink, users(1, {"a", "b", "c"}));
  EXPECT_EQ(redis_.call("LRANGE last 0 -1").texts(), (std::vector<std::string>{"b", "c"}));
}

TEST_F(RedisSinks, ListTakesTheRowAsJsonByDefault) {
  auto sink = opened(redis_list(), "key = \"queue:{name}\"\nside = \"left\"");
  commit(*sink, users(1, {"a", "b", "a"}));
  EXPECT_EQ(redis_.call("LRANGE queue:a 0 -1").texts(),
            (std::vector<std::string>{R"({"id":3,"name":"a"})", R"({"id":1,"name":"a"})"}));
}

TEST_F(RedisSinks, PublishReachesWhoListens) {
  syncd::test::Process listener({"redis-cli", "-s", redis_.socket_path(), "SUBSCRIBE", "users"});
  ASSERT_EVENTUALLY(redis_.call("PUBSUB NUMSUB users").elements.at(1).integer == 1);
  auto sink = opened(redis_publish(), "channel = \"users\"\nvalue = \"{id}={name}\"");
  commit(*sink, users(1, {"Ada"}));
  EXPECT_EVENTUALLY(listener.out().find("1=Ada") != std::string::npos);
}

TEST_F(RedisSinks, ARowWithoutAKeyIsABadRecord) {
  auto sink = opened(redis_hash(), R"(key = "user:{name}")");
  commit(*sink, users(1, {"Ada", std::nullopt}));
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_EQ(bad_[0].error, "key: the column 'name' is NULL");
  EXPECT_EQ(redis_.call("EXISTS user:Ada").integer, 1);
}

TEST_F(RedisSinks, NoRowWritesACheckpoint) {
  auto sink = opened(redis_hash(), R"(key = "{name}")");
  commit(*sink, users(1, {"syncd:{users}:cp", "syncd:{other}:owner", "syncd:fine"}));
  EXPECT_EQ(bad_.size(), 2U);
  EXPECT_EQ(redis_.call("EXISTS syncd:fine").integer, 1);
}

TEST_F(RedisSinks, DifferentRowsNeverShareAKey) {
  auto sink = opened(redis_string(), "key = \"{id}:{name}:x\"\nvalue = \"{id}\"");
  Batch batch(test::schema(), Position("", "p2"));
  for (const char* text : {"1:2", "3", "1", "2:3"}) batch.push_copy(text);
  commit(*sink, batch);
  EXPECT_EQ(redis_.call("GET 1%3A2:3:x").text, "1:2");
  EXPECT_EQ(redis_.call("GET 1:2:3:x").text, "1");
}

TEST_F(RedisSinks, MistakesNameTheirPlaceAndTheRemedy) {
  EXPECT_EQ(
      findings_of(redis_hash(), R"(key = "user")"),
      "job.toml:2:1: 'key' must name a column, such as \"user:{id}\": all rows would have the same key");
  EXPECT_EQ(findings_of(redis_hash(), R"(key = "user:{nam}")"),
            "job.toml:2:1: unknown column 'nam'; did you mean 'name'?");
  EXPECT_EQ(
      findings_of(redis_hash(), R"(key = "{id}{name}")"),
      "job.toml:2:1: 'key': put a text between two columns, such as ':'; without one, different rows could "
      "have the same key");
  EXPECT_EQ(findings_of(redis_hash(), R"(key = "user:{id")"),
            "job.toml:2:1: 'key': '{' at 6 is never closed; write {{ for a brace");
  EXPECT_EQ(findings_of(redis_hash(), "key = \"user:{id}\"\ndelete_if = { field = \"name\" }"),
            "job.toml:3:1: 'delete_if' needs exactly one of is_null, not_null, equals, in, not_in, matches");
}

TEST_F(RedisSinks, CheckWarnsOfAnEvictionThatCouldTakeTheCheckpoint) {
  redis_.call("CONFIG SET maxmemory-policy allkeys-lru");
  auto sink = make(redis_hash(), R"(key = "user:{id}")");
  const auto notes = syncd::test::run_task(loop_, sink->check());
  ASSERT_FALSE(notes.empty());
  EXPECT_EQ(notes[0].level, CheckNote::Level::Warning);
  EXPECT_NE(notes[0].text.find("may evict the checkpoint"), std::string::npos);
}

TEST_F(RedisSinks, CheckTellsARefusalFromAKeyOfSomebodyElse) {
  const auto error = [this] {
    auto sink = make(redis_hash(), R"(key = "user:{id}")");
    for (const CheckNote& note : syncd::test::run_task(loop_, sink->check())) {
      if (note.level == CheckNote::Level::Error) return note.text + " | " + note.remedy;
    }
    return std::string();
  };
  EXPECT_EQ(error(), "");
  redis_.command({"SET", "syncd:{users}:cp", "mine"});
  EXPECT_EQ(error(),
            "syncd:{users}:cp is a string, no checkpoint of ours | rename the job, or remove the key");
  redis_.call("ACL SETUSER default resetkeys ~user:*");
  const std::string refused = error();
  EXPECT_EQ(refused.find("the checkpoint syncd:{users}:cp was refused: NOPERM"), 0u) << refused;
  EXPECT_NE(refused.find(" | let the user use the keys syncd:* and those that the job writes"),
            std::string::npos)
      << refused;
}

}  // namespace
}  // namespace syncd::jobs
