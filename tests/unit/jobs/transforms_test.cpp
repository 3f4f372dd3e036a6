#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs {
namespace {

using test::numbered;

class TransformTest : public ::testing::Test, private Monitor, private BadRecords {
 protected:
  // Plans `toml` as a transform behind a stream with columns id and name; findings are kept.
  Plan<Transform> plan(const TransformKind& kind, const std::string& toml) {
    const auto table = config::Table::parse_text(toml, "job.toml", findings_);
    EXPECT_TRUE(table.has_value()) << findings_.text();
    table->string("type");
    PlanContext context(config_, job_);
    context.stream.columns = std::vector<std::string>{"id", "name"};
    auto planned = kind.plan(*table, context);
    columns_ = context.stream.columns.value_or(std::vector<std::string>());
    return planned;
  }

  std::vector<Batch> apply(const TransformKind& kind, const std::string& toml, std::vector<Batch> batches) {
    const auto planned = plan(kind, toml);
    EXPECT_TRUE(findings_.empty()) << findings_.text();
    RunContext context(clock_, connections_, *this, *this, "job", "instance");
    const auto transform = planned.make(context);
    auto shared = std::make_shared<std::vector<Batch>>(std::move(batches));
    return test::collect(clock_, transform->apply(test::from_list(shared)));
  }

  void waiting_for(std::string) override {}
  void lag(std::optional<std::chrono::nanoseconds>, std::optional<std::uint64_t>) override {}
  void warn(std::string) override {}
  void take(const BadRecord&) override {}

  ManualClock clock_;
  config::Findings findings_;
  config::Config config_;
  config::Job job_;
  std::vector<std::string> columns_;
  loop::EventLoop loop_;
  std::map<std::string, config::Connection> none_;
  Connections connections_{loop_, none_};
};

template <class... More>
std::vector<Batch> batches(Batch first, More... more) {
  std::vector<Batch> all;
  all.push_back(std::move(first));
  (all.push_back(std::move(more)), ...);
  return all;
}

std::vector<std::size_t> sizes(const std::vector<Batch>& all) {
  std::vector<std::size_t> found;
  for (const Batch& batch : all) found.push_back(batch.rows());
  return found;
}

TEST_F(TransformTest, SelectKeepsTheNamedColumns) {
  const auto out = apply(select(), R"(fields = ["name"])", batches(numbered(0, 2)));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].schema().columns(), std::vector<std::string>{"name"});
  EXPECT_EQ(out[0].cell(1, 0).text(), "name 1");
  EXPECT_EQ(columns_, std::vector<std::string>{"name"});
}

TEST_F(TransformTest, SelectNamesTheNearestColumn) {
  plan(select(), R"(fields = ["nmae"])");
  EXPECT_EQ(findings_.text(), "job.toml:1:1: unknown column 'nmae'; did you mean 'name'?");
}

TEST_F(TransformTest, RenameChangesNamesAndNotCells) {
  const auto out = apply(rename(), R"(fields = { name = "display_name" })", batches(numbered(0, 1)));
  EXPECT_EQ(out[0].schema().columns(), (std::vector<std::string>{"id", "display_name"}));
  EXPECT_EQ(out[0].cell(0, 1).text(), "name 0");
}

TEST_F(TransformTest, RenameRefusesTwoColumnsOfOneName) {
  plan(rename(), R"(fields = { name = "id" })");
  EXPECT_EQ(findings_.text(), "job.toml:1:1: two columns would be named 'id'");
}

// (id, name): 0 Ada, 1 NULL, 2 Bob.
Batch three() {
  Batch batch(test::schema(), Position("", "p3"));
  batch.push_copy("0");
  batch.push_copy("Ada");
  batch.push_copy("1");
  batch.push_null();
  batch.push_copy("2");
  batch.push_copy("Bob");
  return batch;
}

TEST_F(TransformTest, FilterKnowsEveryConditionAndWhatNullMeansToIt) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"keep_if = { field = 'name', is_null = true }", "1"},
      {"keep_if = { field = 'name', not_null = true }", "02"},
      {"keep_if = { field = 'name', equals = 'Ada' }", "0"},
      {"keep_if = { field = 'id', equals = 2 }", "2"},
      {"keep_if = { field = 'name', in = ['Ada', 'Bob'] }", "02"},
      {"keep_if = { field = 'name', not_in = ['Ada'] }", "12"},
      {"keep_if = { field = 'name', matches = '^[AB]' }", "02"},
      {"drop_if = { field = 'name', matches = 'o' }", "01"},
      {"keep_if = { field = 'name', not_null = true }\ndrop_if = { field = 'id', equals = 0 }", "2"},
  };
  for (const auto& [toml, kept] : cases) {
    const auto out = apply(filter(), toml, batches(three()));
    ASSERT_EQ(out.size(), 1U);
    std::string ids;
    for (std::size_t row = 0; row < out[0].rows(); ++row) ids += out[0].cell(row, 0).text();
    EXPECT_EQ(ids, kept) << toml;
    EXPECT_EQ(out[0].position().text(), "p3") << toml;
  }
}

// PostgreSQL writes t and f, JSON true and false; whoever writes a condition need not know which.
TEST_F(TransformTest, FilterKnowsABooleanByEitherSpelling) {
  const auto kept = [this](const std::string& toml, ColumnKind kind) {
    Batch batch(std::make_shared<const Schema>(std::vector<std::string>{"id", "name"},
                                               std::vector<ColumnKind>{ColumnKind::Number, kind}),
                Position("", "p5"));
    for (const char* text : {"0", "t", "1", "true", "2", "f", "3", "false", "4"}) batch.push_copy(text);
    batch.push_null();
    std::string ids;
    for (const Batch& out : apply(filter(), toml, batches(std::move(batch)))) {
      for (std::size_t row = 0; row < out.rows(); ++row) ids += out.cell(row, 0).text();
    }
    return ids;
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"keep_if = { field = 'name', equals = true }", "01"},
      {"keep_if = { field = 'name', equals = 't' }", "01"},
      {"keep_if = { field = 'name', equals = 'true' }", "01"},
      {"keep_if = { field = 'name', equals = false }", "23"},
      {"keep_if = { field = 'name', in = ['f'] }", "23"},
      {"keep_if = { field = 'name', in = [true, false] }", "0123"},
      {"drop_if = { field = 'name', equals = true }", "234"},
      {"keep_if = { field = 'name', not_in = [true] }", "234"},
      {"keep_if = { field = 'name', not_in = ['false'] }", "014"},
      {"keep_if = { field = 'name', equals = 'x' }", ""},
  };
  for (const auto& [toml, ids] : cases) EXPECT_EQ(kept(toml, ColumnKind::Boolean), ids) << toml;
  EXPECT_EQ(kept("keep_if = { field = 'name', equals = true }", ColumnKind::Text), "1") << "a text is a text";
}

TEST_F(TransformTest, FilterSaysWhatIsWrongWithItsConditions) {
  plan(filter(),
       "keep_if = { field = 'nmae', is_null = true }\n"
       "drop_if = { field = 'name', matches = '(' }");
  EXPECT_EQ(findings_.text(),
            "job.toml:1:13: unknown column 'nmae'; did you mean 'name'?\n"
            "job.toml:2:1: 'drop_if' matches: missing closing parenthesis (at 2)");
}

TEST_F(TransformTest, FilterNeedsACondition) {
  plan(filter(), "");
  EXPECT_NE(findings_.text().find("filter needs keep_if or drop_if"), std::string::npos) << findings_.text();
}

TEST_F(TransformTest, RebatchCutsAndNamesExactPositions) {
  const auto out = apply(rebatch(), "rows = 4", batches(numbered(0, 10)));
  EXPECT_EQ(sizes(out), (std::vector<std::size_t>{4, 4, 2}));
  EXPECT_EQ(out[0].position().text(), "p4");
  EXPECT_EQ(out[2].position().text(), "p10");
}

TEST_F(TransformTest, RebatchJoinsSmallBatches) {
  const auto out = apply(rebatch(), "rows = 4", batches(numbered(0, 3), numbered(3, 3), numbered(6, 1)));
  EXPECT_EQ(sizes(out), (std::vector<std::size_t>{4, 3}));
  EXPECT_EQ(out[0].position().text(), "p4");
  EXPECT_EQ(out[1].position().text(), "p7");
  EXPECT_EQ(out[1].cell(2, 0).text(), "6");
}

TEST_F(TransformTest, RebatchNeverCutsWhatItCouldNotName) {
  Batch whole(test::schema(), Position("", "p9"));
  for (int i = 0; i < 9; ++i) {
    whole.push_copy(std::to_string(i));
    whole.push_copy("name");
  }
  const auto out = apply(rebatch(), "rows = 4", batches(std::move(whole)));
  ASSERT_EQ(sizes(out), std::vector<std::size_t>{9});
  EXPECT_EQ(out[0].position().text(), "p9");
}

TEST_F(TransformTest, RebatchPassesOnWhatItHasWhenTheSourceIsIdle) {
  Batch idle = numbered(0, 2);
  idle.set_caught_up(true);
  const auto out = apply(rebatch(), "rows = 4", batches(std::move(idle), numbered(2, 1)));
  EXPECT_EQ(sizes(out), (std::vector<std::size_t>{2, 1}));
  EXPECT_TRUE(out[0].caught_up());
}

TEST_F(TransformTest, RebatchCutsByBytesAndLetsALargeRowGoAlone) {
  const auto out = apply(rebatch(), "bytes = \"8B\"", batches(numbered(0, 3)));
  EXPECT_EQ(sizes(out), (std::vector<std::size_t>{1, 1, 1}));
}

TEST_F(TransformTest, RebatchNeverLosesThePositionOfAnEmptyBatch) {
  const auto out = apply(rebatch(), "rows = 4", batches(numbered(0, 2), numbered(2, 0)));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].position().text(), "p2");
  EXPECT_EQ(out[0].rows(), 2U);
}

TEST_F(TransformTest, ThrottleKeepsTheRateAndEveryRow) {
  const TimePoint start = clock_.now();
  const auto out = apply(throttle(), "rows_per_second = 100",
                         batches(numbered(0, 100), numbered(100, 300), numbered(400, 100), numbered(500, 1)));
  EXPECT_EQ(sizes(out), (std::vector<std::size_t>{100, 300, 100, 1}));
  const auto took = clock_.now() - start;
  EXPECT_GE(took, std::chrono::seconds(4));  // 501 rows, of which one second's worth is free
  EXPECT_LT(took, std::chrono::seconds(5));
}

TEST_F(TransformTest, ThrottleWantsARate) {
  plan(throttle(), "");
  EXPECT_NE(findings_.text().find("throttle needs rows_per_second or bytes_per_second"), std::string::npos);
}

}  // namespace
}  // namespace syncd::jobs
