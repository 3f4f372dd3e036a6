// The laws of every sink of the catalogue: what it says it holds is durable, never ahead, and not overwritten
// by a stale run.
#include <fmt/format.h>

#include "tests/integration/jobs/sink_test.hpp"

namespace syncd::jobs {
namespace {

using test::numbered;

// How a sink is configured here.  Every sink of the catalogue needs an entry.
const std::map<std::string_view, std::string>& sink_samples() {
  static const std::map<std::string_view, std::string> all = {
      {"file", "path = \"FOLDER/out.jsonl\""},
      {"postgres_table", "table = \"users\"\nkey = [\"id\"]"},
      {"redis_hash", R"(key = "user:{id}")"},
      {"redis_json", R"(key = "user:{id}")"},
      {"redis_list", R"(key = "users")"},
      {"redis_publish", R"(channel = "users")"},
      {"redis_set", "key = \"users\"\nmember = \"{id}\""},
      {"redis_sorted_set", "key = \"users\"\nmember = \"{id}\"\nscore = \"id\""},
      {"redis_stream", R"(key = "users")"},
      {"redis_string", "key = \"user:{id}\"\nvalue = \"{name}\""},
      {"stdout", ""},
  };
  return all;
}

class SinkContract : public test::SinkTest, public ::testing::WithParamInterface<const SinkKind*> {
 protected:
  void SetUp() override {
    ASSERT_NE(sink_samples().find(GetParam()->type), sink_samples().end())
        << "give " << GetParam()->type << " an entry in sink_samples()";
    if (!holds_positions()) GTEST_SKIP() << "holds no positions, so it promises nothing about them";
  }
  // The sample, with a folder of this test for FOLDER.
  std::string sample() const {
    std::string toml = sink_samples().at(GetParam()->type);
    const std::size_t at = toml.find("FOLDER");
    if (at != std::string::npos) toml.replace(at, 6, folder_.path().string());
    return toml;
  }
  // Skips the test where the sink holds no positions: it keeps no promise about them.
  bool holds_positions() {
    const auto sink = make(*GetParam(), sample());
    return syncd::test::run_task(loop_, sink->recall()).has_value();
  }
  std::unique_ptr<Sink> run() { return opened(*GetParam(), sample()); }
  std::string recalled(Sink& sink) { return syncd::test::run_task(loop_, sink.recall())->at("").text(); }
};

TEST_P(SinkContract, AfterSettlingItHoldsTheLastPosition) {
  auto sink = run();
  for (std::size_t i = 0; i < 5; ++i) commit(*sink, numbered(i * 10, 10));
  EXPECT_LE(recalled(*sink), "p50");
  settle(*sink);
  EXPECT_EQ(recalled(*sink), "p50");
  run();
  EXPECT_EQ(positions_.at("").text(), "p50");
}

TEST_P(SinkContract, APositionWithoutRowsIsKeptToo) {
  auto sink = run();
  commit(*sink, Batch(test::schema(), Position("", "p7")));
  settle(*sink);
  EXPECT_EQ(recalled(*sink), "p7");
}

TEST_P(SinkContract, PartitionsKeepTheirOwnPositions) {
  auto sink = run();
  for (const char* partition : {"a", "b", "a"}) {
    Batch batch = numbered(0, 3);
    batch.set_position(Position(partition, std::string("reached in ") + partition));
    batch.set_row_positions(nullptr);
    syncd::test::run_task(loop_, sink->commit(batch, positions_.at(partition)));
    positions_.advance(batch.position());
  }
  settle(*sink);
  run();
  EXPECT_EQ(positions_.at("a").text(), "reached in a");
  EXPECT_EQ(positions_.at("b").text(), "reached in b");
}

// What comes later may rest on what came before, also in another partition: a source that remembers a thing
// until another position holds it forgets it then.
TEST_P(SinkContract, PositionsAreKeptInTheOrderOfTheirBatches) {
  auto sink = run();
  std::vector<Position> order;
  for (int i = 0; i < 12; ++i) {
    const std::string partition(1, "abc"[i % 3]);
    const Position position(partition, std::to_string(100 + i));
    Batch batch = i % 3 == 1 ? numbered(0, 3) : Batch(test::schema(), position);
    batch.set_position(position);
    batch.set_row_positions(nullptr);
    syncd::test::run_task(loop_, sink->commit(batch, positions_.at(partition)));
    positions_.advance(position);
    order.push_back(position);
    const Positions held = *syncd::test::run_task(loop_, sink->recall());
    int newest = 99;
    for (const auto& [name, text] : held.all()) newest = std::max(newest, std::stoi(text));
    Positions expected;
    for (int j = 100; j <= newest; ++j) expected.advance(order.at(static_cast<std::size_t>(j - 100)));
    EXPECT_EQ(held.all(), expected.all()) << "after batch " << i;
  }
}

TEST_P(SinkContract, ShowsWhatItWouldWriteAndWritesNothing) {
  const auto sink = make(*GetParam(), sample());
  const auto shown = syncd::test::run_task(loop_, sink->preview(numbered(0, 3)));
  ASSERT_FALSE(shown.empty());
  EXPECT_NE(fmt::format("{}", fmt::join(shown, "\n")).find('2'), std::string::npos) << shown.back();
  EXPECT_TRUE(syncd::test::run_task(loop_, sink->recall())->empty());
}

TEST_P(SinkContract, AStaleRunIsRefused) {
  auto stale = run();
  commit(*stale, numbered(0, 3));
  settle(*stale);
  auto fresh = run();
  EXPECT_EQ(commit_error(*stale, numbered(3, 3)).kind(), ErrorKind::Fenced);
  EXPECT_EQ(recalled(*fresh), "p3");
}

TEST_P(SinkContract, AnAssignedPositionIsWhereTheNextRunBegins) {
  auto sink = run();
  commit(*sink, numbered(0, 9));
  settle(*sink);
  Positions back;
  back.advance(Position("", "p4"));
  syncd::test::run_task(loop_, sink->assign(back));
  run();
  EXPECT_EQ(positions_.at("").text(), "p4");
}

INSTANTIATE_TEST_SUITE_P(Catalogue, SinkContract, ::testing::ValuesIn(sinks().begin(), sinks().end()),
                         [](const auto& entry) { return std::string(entry.param->type); });

}  // namespace
}  // namespace syncd::jobs
