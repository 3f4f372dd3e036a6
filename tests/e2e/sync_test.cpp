// Every sink with the real programs: one run in the foreground, the same again, then the daemon.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/items.hpp"

namespace syncd::test {
namespace {

using Lines = std::vector<std::string>;

// What the rows come to in Redis, one line for each thing that must be there; and what is there.
struct SinkKind {
  const char* type;
  const char* options;
  Lines (*want)(const std::vector<Versions>& delivered);  // oldest first; the last one is the table
  Lines (*have)(RedisServer& redis);
};
std::ostream& operator<<(std::ostream& out, const SinkKind& kind) { return out << kind.type; }

Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}
Lines lines_of(const Versions& rows) {
  Lines lines;
  for (const auto& [id, value] : rows) lines.push_back(fmt::format("{} {}", id, value));
  return sorted(lines);
}
Lines newest_rows(const std::vector<Versions>& delivered) { return lines_of(delivered.back()); }
Lines every_version(const std::vector<Versions>& delivered) {
  Lines lines;
  for (const Versions& some : delivered) {
    const Lines more = lines_of(some);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  return sorted(lines);
}
std::string number_of(const std::string& value) { return value.substr(0, value.find(' ')); }

// The strings item:ID, each as `read` makes it of its text.
Lines strings(RedisServer& redis, std::string (*read)(const std::string& text)) {
  Lines lines;
  for (const std::string& key : redis.call("KEYS item:*").texts()) {
    lines.push_back(key.substr(5) + " " + read(redis.command({"GET", key}).text));
  }
  return sorted(lines);
}

const SinkKind kKinds[] = {
    {"redis_hash", "key = 'item:{id}'", newest_rows,
     [](RedisServer& redis) { return lines_of(hashes(redis)); }},
    {"redis_json", "key = 'item:{id}'", newest_rows,
     [](RedisServer& redis) {
       return strings(redis, [](const std::string& text) {
         const Json json = Json::parse(text);
         return fmt::format("{} {}", json.at("version").get<int>(), json.at("text").get<std::string>());
       });
     }},
    {"redis_string", "key = 'item:{id}'\nvalue = '{version} {text}'", newest_rows,
     [](RedisServer& redis) { return strings(redis, [](const std::string& text) { return text; }); }},
    {"redis_set", "key = 'items'\nmember = '{id}'",
     [](const std::vector<Versions>& delivered) {
       Lines lines;
       for (const auto& [id, value] : delivered.back()) lines.push_back(std::to_string(id));
       return sorted(lines);
     },
     [](RedisServer& redis) { return sorted(redis.call("SMEMBERS items").texts()); }},
    {"redis_sorted_set", "key = 'items'\nmember = '{id}'\nscore = 'version'",
     [](const std::vector<Versions>& delivered) {
       Lines lines;
       for (const auto& [id, value] : delivered.back())
         lines.push_back(fmt::format("{} {}", id, number_of(value)));
       return sorted(lines);
     },
     [](RedisServer& redis) {
       const Lines flat = redis.call("ZRANGE items 0 -1 WITHSCORES").texts();
       Lines lines;
       for (std::size_t i = 0; i + 1 < flat.size(); i += 2) lines.push_back(flat[i] + " " + flat[i + 1]);
       return sorted(lines);
     }},
    {"redis_list", "key = 'items'\nvalue = '{id} {version} {text}'", every_version,
     [](RedisServer& redis) { return sorted(redis.call("LRANGE items 0 -1").texts()); }},
    {"redis_stream", "key = 'items'", every_version,
     [](RedisServer& redis) {
       Lines lines;
       for (const Entry& entry : entries(redis, "items"))
         lines.push_back(fmt::format("{} {}", entry.id, entry.value));
       return sorted(lines);
     }},
};

class Sync : public testing::Test {
 protected:
  // Rows up to `settle` before now are read; a run in the foreground does not wait for younger ones.
  void let_settle() {
    ASSERT_EVENTUALLY(
        items_.value("SELECT clock_timestamp() - interval '30 ms' > max(updated_at) FROM items") == "t");
  }

  Items items_{PostgresServer::shared()};
  RedisServer redis_;
  Installation syncd_{items_.uri(), redis_.socket_uri()};
};

class SyncInto : public Sync, public testing::WithParamInterface<SinkKind> {};

TEST_P(SyncInto, OnceOnceMoreAndContinuously) {
  const SinkKind& kind = GetParam();
  JobLines job;
  job.sink = fmt::format("type = '{}'\n{}", kind.type, kind.options);
  job.source += "\nbatch_rows = 100";
  syncd_.write_job("items", job);
  items_.insert(250);
  let_settle();
  std::vector<Versions> delivered{items_.rows()};

  const Finished first = syncd_.run({"--once", "items"});
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_NE(first.err.find("items: 250 rows in "), std::string::npos) << first.err;
  EXPECT_EQ(kind.have(redis_), kind.want(delivered));

  const Finished second = syncd_.run({"--once", "items"});
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_NE(second.err.find("items: 0 rows in "), std::string::npos) << second.err;
  EXPECT_EQ(kind.have(redis_), kind.want(delivered)) << "a second run changes nothing";

  syncd_.start();
  items_.touch("id <= 10");
  items_.insert(5);
  delivered.push_back(items_.rows("id <= 10 OR id > 250"));
  if (kind.want == every_version) {
    EXPECT_EVENTUALLY_EQ(kind.have(redis_), kind.want(delivered));
  } else {
    EXPECT_EVENTUALLY_EQ(kind.have(redis_), kind.want({items_.rows()}));
  }
  EXPECT_EQ(syncd_.process().terminate(), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SyncInto, testing::ValuesIn(kKinds),
                         [](const auto& tested) { return std::string(tested.param.type); });

TEST_F(Sync, IntoAChannelEachVersionOnce) {
  syncd_.write_job("items", {.sink = "type = 'redis_publish'\nchannel = 'items'\nvalue = '{id} {version}'"});
  Process subscriber({"redis-cli", "-s", redis_.socket_path(), "SUBSCRIBE", "items"});
  ASSERT_EVENTUALLY(subscriber.out().find("subscribe") != std::string::npos);
  const auto heard = [&] {
    Lines lines;
    std::istringstream out(subscriber.out());
    for (std::string line, before; std::getline(out, line); before = line) {
      if (before == "items" && line != "1") lines.push_back(line);
    }
    return lines;
  };
  items_.insert(3);
  let_settle();
  EXPECT_EQ(syncd_.run({"--once", "items"}).code, 0);
  syncd_.start();
  EXPECT_EVENTUALLY_EQ(heard(), (Lines{"1 1", "2 1", "3 1"}));
  items_.touch("id = 2");
  EXPECT_EVENTUALLY_EQ(heard(), (Lines{"1 1", "2 1", "3 1", "2 2"}));
}

// A row with a rule for its removal leaves Redis; the other transforms and templates on the way, too.
TEST_F(Sync, TransformsAndTheDeleteRuleOnTheWay) {
  syncd_.write_job("items",
                   {.sink = "type = 'redis_hash'\nkey = 'item:{id}'\n"
                            "delete_if = { field = 'version', equals = '3' }\n"
                            "[[jobs.items.transforms]]\ntype = 'filter'\n"
                            "keep_if = { field = 'id', not_in = ['5'] }\n"
                            "[[jobs.items.transforms]]\ntype = 'rename'\nfields = { text = 'body' }"});
  items_.insert(6);
  syncd_.start();
  EXPECT_EVENTUALLY_EQ(redis_.call("HGET item:6 body").text, "item 6 in version 1");
  EXPECT_EQ(redis_.call("EXISTS item:5").integer, 0);
  items_.touch("id = 1");
  EXPECT_EVENTUALLY_EQ(redis_.call("HGET item:1 version").text, "2");
  items_.touch("id = 1");
  EXPECT_EVENTUALLY_EQ(redis_.call("EXISTS item:1").integer, 0);
}

}  // namespace
}  // namespace syncd::test
