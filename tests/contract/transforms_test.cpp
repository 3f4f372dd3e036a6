// The laws of every transform of the catalogue (CONTRIBUTING.md, "The bar for a component").
#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "tests/support/llm_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs {
namespace {

using syncd::test::run_task;

// How a transform is configured here, and a row that it can work on.
struct Sample {
  std::string toml;
  std::vector<std::string> columns{"id", "name"};
  std::vector<std::string> row{"7", "Ada"};
};

// Every transform of the catalogue needs an entry: a test fails where one is missing.
const std::map<std::string_view, Sample>& transform_samples() {
  static const std::map<std::string_view, Sample> all = {
      {"add_fields", {.toml = R"(fields = { place = "{id}@{host}" })"}},
      {"drop_fields", {.toml = R"(fields = ["name"])"}},
      {"filter", {.toml = R"(drop_if = { field = "id", equals = 7 })"}},
      {"mask", {.toml = "fields = [\"name\"]\nreplacement = \"***\""}},
      {"parse_csv", {.toml = R"(columns = ["id", "name"])", .columns = {"line"}, .row = {"7,\"Ada\""}}},
      {"parse_json",
       {.toml = R"(fields = { name = "/user/name" })",
        .columns = {"line"},
        .row = {R"({"user":{"name":"Ada"}})"}}},
      {"parse_logfmt",
       {.toml = R"(fields = { name = "msg" })", .columns = {"line"}, .row = {"level=info msg=Ada"}}},
      {"parse_regex",
       {.toml = R"(pattern = '^(?<id>\d+) (?<name>.*)$')", .columns = {"line"}, .row = {"7 Ada"}}},
      {"rebatch", {.toml = "rows = 7"}},
      {"rename", {.toml = R"(fields = { name = "display_name" })"}},
      {"select", {.toml = R"(fields = ["name"])"}},
      {"summarize",
       {.toml = "connection = \"model\"\nmodel = \"m\"\nuser = \"{{data}}\"\nwindow = { rows = 2 }"}},
      {"throttle", {.toml = "rows_per_second = 1000000"}},
  };
  return all;
}

class TransformContract : public ::testing::TestWithParam<const TransformKind*>,
                          public Monitor,
                          public BadRecords {
 protected:
  // A connection of each type that a transform may need.
  TransformContract() {
    const config::Findings findings;
    const auto table =
        config::Table::parse_text("base_url = \"" + server_.chat_url() + "\"", "syncd.toml", findings);
    config_.connections["model"] = {"model", "openai", *table};
    connections_.emplace(loop_, config_.connections);
    context_.emplace(loop_, *connections_, *this, *this, "job", "instance");
  }
  void SetUp() override {
    const auto found = transform_samples().find(GetParam()->type);
    ASSERT_NE(found, transform_samples().end())
        << "give " << GetParam()->type << " an entry in transform_samples()";
    sample_ = found->second;
    const config::Findings findings;
    const auto table = config::Table::parse_text(sample_.toml, "job.toml", findings);
    ASSERT_TRUE(table.has_value()) << findings.text();
    PlanContext planning(config_, job_);
    planning.stream.columns = sample_.columns;
    plan_ = GetParam()->plan(*table, planning);
    ASSERT_TRUE(findings.empty()) << findings.text();
    transform_ = plan_.make(*context_);
    schema_ = std::make_shared<const Schema>(sample_.columns);
  }

  Batch rows(std::size_t count, const std::string& position) const {
    Batch batch(schema_, Position("", position));
    for (std::size_t i = 0; i < count; ++i) {
      for (const std::string& cell : sample_.row) batch.push_copy(cell);
    }
    return batch;
  }
  Batches flow(std::shared_ptr<std::vector<Batch>> batches) {
    return transform_->apply(test::from_list(std::move(batches)));
  }
  std::vector<Batch> pass(std::vector<Batch> batches) {
    std::vector<Batch> out;
    const auto pull = [](Batches from, std::vector<Batch>& into) -> Task<> {
      while (auto batch = co_await from.next()) into.push_back(std::move(*batch));
    };
    run_task(loop_, pull(flow(std::make_shared<std::vector<Batch>>(std::move(batches))), out));
    run_task(loop_, close());
    return out;
  }

  void waiting_for(std::string) override {}
  void lag(std::optional<std::chrono::nanoseconds>, std::optional<std::uint64_t>) override {}
  void warn(std::string) override {}
  void take(const BadRecord&) override {}

  // What a pipeline does once the last generator has gone.
  Task<> close() { co_await transform_->close(); }

  Sample sample_;
  syncd::test::LlmServer server_;
  config::Config config_;
  config::Job job_;
  loop::EventLoop loop_;
  std::optional<Connections> connections_;
  std::optional<RunContext> context_;
  Plan<Transform> plan_;
  std::unique_ptr<Transform> transform_;
  std::shared_ptr<const Schema> schema_;
};

TEST_P(TransformContract, ProgressNoPositionIsLost) {
  std::vector<Batch> in;
  in.push_back(rows(5, "p05"));
  in.push_back(rows(0, "p06"));
  in.push_back(rows(5, "p10"));
  Batch idle = rows(0, "p11");
  idle.set_caught_up(true);
  in.push_back(std::move(idle));
  const auto out = pass(std::move(in));
  ASSERT_FALSE(out.empty());
  EXPECT_EQ(out.back().position().text(), "p11");
  EXPECT_TRUE(out.back().caught_up());
}

TEST_P(TransformContract, OrderPositionsNeverGoBack) {
  std::vector<Batch> in;
  for (int i = 10; i < 30; ++i) in.push_back(rows(static_cast<std::size_t>(i % 4), "p" + std::to_string(i)));
  std::string last;
  for (const Batch& batch : pass(std::move(in))) {
    EXPECT_LE(last, batch.position().text());
    last = batch.position().text();
  }
  EXPECT_EQ(last, "p29");
}

TEST_P(TransformContract, OrderPartitionsKeepTheirOwnPositions) {
  std::vector<Batch> in;
  for (const char* partition : {"a", "b", "a", "b"}) {
    Batch batch = rows(3, "");
    batch.set_position(Position(partition, "p" + std::to_string(in.size())));
    in.push_back(std::move(batch));
  }
  Positions reached;
  for (const Batch& batch : pass(std::move(in))) reached.advance(batch.position());
  EXPECT_EQ(reached.at("a").text(), "p2");
  EXPECT_EQ(reached.at("b").text(), "p3");
}

Batches endless(Clock& clock, bool& gone) {
  struct Guard {
    bool& gone;
    ~Guard() { gone = true; }
  } guard{gone};
  co_await sleep_for(clock, std::chrono::hours(1));
}

TEST_P(TransformContract, StopEndsAPullWithCancelled) {
  bool gone = false;
  bool cancelled = false;
  const auto pull = [](Batches from, bool& was_cancelled) -> Task<> {
    try {
      co_await from.next();
    } catch (const coro::Cancelled&) {
      was_cancelled = true;
    }
  };
  const auto stopped = [](loop::EventLoop& loop, Task<> pulling) -> Task<> {
    coro::AsyncScope scope;
    scope.spawn(std::move(pulling));
    co_await yield_to_loop(loop);
    scope.request_stop();
    co_await scope.join();
  };
  run_task(loop_, stopped(loop_, pull(transform_->apply(endless(loop_, gone)), cancelled)));
  run_task(loop_, close());
  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(gone);
}

TEST_P(TransformContract, BreakDropsTheUpstream) {
  struct Upstream {
    static Batches make(Batch first, Batch second, bool& gone) {
      struct Guard {
        bool& gone;
        ~Guard() { gone = true; }
      } guard{gone};
      co_yield std::move(first);
      co_yield std::move(second);
    }
  };
  bool gone = false;
  const auto one = [](Batches from) -> Task<> { co_await from.next(); };
  run_task(loop_, one(transform_->apply(Upstream::make(rows(9, "p1"), rows(9, "p2"), gone))));
  run_task(loop_, close());
  EXPECT_TRUE(gone);
}

Batches failing() {
  throw Error(ErrorKind::Transient, "the source failed");
  co_return;
}

TEST_P(TransformContract, AnErrorOfTheSourceReachesTheConsumer) {
  const auto pull = [](Batches from) -> Task<> { co_await from.next(); };
  const Error error = syncd::test::error_of(loop_, pull(transform_->apply(failing())));
  EXPECT_STREQ(error.what(), "the source failed");
  run_task(loop_, close());
}

INSTANTIATE_TEST_SUITE_P(Catalogue, TransformContract,
                         ::testing::ValuesIn(transforms().begin(), transforms().end()),
                         [](const auto& entry) { return std::string(entry.param->type); });

}  // namespace
}  // namespace syncd::jobs
