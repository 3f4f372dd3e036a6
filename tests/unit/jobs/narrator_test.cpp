#include "jobs/narrator.hpp"

#include <gtest/gtest.h>

#include "tests/unit/coro/co_test.hpp"
#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs {
namespace {

using status::Piece;
using status::Relay;

std::vector<std::string> told(const std::vector<Piece>& pieces) {
  std::vector<std::string> all;
  for (const Piece& piece : pieces) all.push_back(std::string(to_string(piece.kind)) + " " + piece.text);
  return all;
}

CO_TEST(Narrator, TellsEachRecordAndWhatWasDone) {
  Relay relay;
  Narrator narrator(clock, relay, "users");
  narrator.delivered(test::numbered(0, 2), 2);  // nobody is there
  Relay::Watcher watcher(clock, relay, "users", Relay::Interest::Everything);
  Batch batch = test::numbered(0, 2);
  batch.set_caught_up(true);
  narrator.delivered(batch, 4);
  const auto heard = told(co_await watcher.next());
  EXPECT_EQ(heard, (std::vector<std::string>{R"(record {"id":"0","name":"name 0"})",
                                             R"(record {"id":"1","name":"name 1"})",
                                             "step 2 rows are in the sink, 4 in this run",
                                             "step caught up: the source has nothing more right now"}));
}

CO_TEST(Narrator, TellsSoManyASecondAndHowManyMoreThereWere) {
  Relay relay;
  Narrator narrator(clock, relay, "users");
  Relay::Watcher watcher(clock, relay, "users", Relay::Interest::Everything);
  clock.advance(std::chrono::seconds(5));
  narrator.delivered(test::numbered(0, 700), 700);
  narrator.delivered(test::numbered(700, 700), 1400);
  auto heard = told(co_await watcher.next());
  EXPECT_EQ(heard.size(), 1003U);
  if (heard.size() != 1003) co_return;
  EXPECT_EQ(heard[1001], "skipped 400");
  clock.advance(std::chrono::seconds(1));
  narrator.delivered(test::numbered(0, 1), 1401);
  heard = told(co_await watcher.next());
  EXPECT_EQ(heard.size(), 2U);
  if (heard.size() != 2) co_return;
  EXPECT_EQ(heard[1], "step 1 row is in the sink, 1,401 in this run");
}

}  // namespace
}  // namespace syncd::jobs
