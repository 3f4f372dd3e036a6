// Mirrored: the table of tests/support/items.hpp on its way into Redis by a real daemon, in both commits: as
// hashes (job "hashes", writes that may repeat) and as a stream (job "stream", each version once).
#pragma once
#include <gtest/gtest.h>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/items.hpp"

namespace syncd::test {

inline JobLines into_hashes(const std::string& settle = "20ms") {
  return {.source = "cursor = ['updated_at', 'id']\nbatch_rows = 50", .settle = settle};
}
inline JobLines into_a_stream(const std::string& settle = "20ms") {
  return {.sink = "type = 'redis_stream'\nkey = 'items'",
          .source = "cursor = ['updated_at', 'id']\nbatch_rows = 50",
          .settle = settle};
}

// What is wrong in Redis, "" where it holds the table: its hashes, and each version in its stream once.
inline std::string wrong_in(RedisServer& redis, const Versions& want) {
  const std::vector<Entry> stream = entries(redis, "items");
  std::string text = difference(want, hashes(redis));
  if (!text.empty()) text = "hashes: " + text;
  if (const std::string wrong = difference(want, newest(stream)); !wrong.empty()) text += "stream: " + wrong;
  if (const std::string wrong = repeated(stream); !wrong.empty()) text += "stream: " + wrong;
  return text;
}

// At rest both sides are equal, and the daemon says that all is well.
inline void expect_recovered(Installation& syncd, const Items& items, RedisServer& redis) {
  EXPECT_EVENTUALLY_EQ(wrong_in(redis, items.rows()), "");
  for (const char* job : {"hashes", "stream"}) {
    EXPECT_EVENTUALLY_EQ(syncd.last_error(job) + syncd.waiting_for(job), "");
    EXPECT_EVENTUALLY(syncd.caught_up(job));
  }
  EXPECT_TRUE(syncd.running()) << "the daemon must recover by itself";
}

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What both jobs say that they wait for must come to hold `part`.
#define EXPECT_BOTH_WAIT_FOR(syncd, part)                                                                    \
  for (const char* waiting : {"hashes", "stream"})                                                           \
  EXPECT_TRUE(eventually([&] { return holds((syncd).waiting_for(waiting), part); }))                         \
      << "the job '" << waiting << "' waits for '" << (syncd).waiting_for(waiting) << "', not for '" << part \
      << "'"

}  // namespace syncd::test
