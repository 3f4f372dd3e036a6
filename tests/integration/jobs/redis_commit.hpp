// Sinks against a real Redis, in each way that they commit.
#pragma once
#include "tests/integration/jobs/sink_test.hpp"
#include "tests/support/tcp_gate.hpp"

namespace syncd::jobs::test {

constexpr const char* kHash = R"(key = "user:{id}")";
constexpr const char* kStream = R"(key = "events")";

// Rows that may be repeated (redis_exec.cpp); those that must not (redis_once.cpp): of one key, in a
// transaction (redis_transaction.cpp), and of many, in a script (redis_script.cpp).
struct Way {
  const SinkKind* kind;
  std::string options;
  bool once() const { return kind != &redis_hash(); }
};
inline std::vector<Way> ways() {
  return {{&redis_hash(), kHash},
          {&redis_stream(), kStream},
          {&redis_stream(), R"(key = "events:{id}")"},
          {&redis_list(), "key = \"events\"\nvalue = \"{id}\""}};
}

// The ids of rows [from, to).
inline std::vector<std::string> ids(std::size_t from, std::size_t to) {
  std::vector<std::string> all;
  for (std::size_t id = from; id < to; ++id) all.push_back(std::to_string(id));
  return all;
}

// "p42" is 42; "" is 0.
inline std::size_t row_of(const Position& position) {
  return position.text().empty() ? 0 : std::stoul(position.text().substr(1));
}

class RedisCommitTest : public SinkTest {
 protected:
  // The ids in the streams or the list, in order.
  std::vector<std::string> streamed() {
    if (redis_.call("TYPE events").text == "list") return redis_.call("LRANGE events 0 -1").texts();
    std::vector<std::string> all;
    for (const std::string& key : redis_.call("KEYS events*").texts()) {
      for (const auto& entry : redis_.command({"XRANGE", key, "-", "+"}).elements)
        all.push_back(entry.elements[1].texts()[1]);
    }
    const auto numerically = [](const std::string& a, const std::string& b) {
      return std::stoul(a) < std::stoul(b);
    };
    if (redis_.call("EXISTS events").integer == 0) std::sort(all.begin(), all.end(), numerically);
    return all;
  }
};

}  // namespace syncd::jobs::test
