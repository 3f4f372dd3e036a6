// Windows above a model's context: summarised in parts, then the answers to the parts.
#include "tests/integration/jobs/summarize_fixture.hpp"

namespace syncd::jobs {
namespace {

// Room for about fifty rows, or three answers of 400 bytes.
const std::string kSmall = "window = { rows = 1000 }\ncontext = 500\n";

class SummarizeTree : public SummarizeTest {
 protected:
  void answers_of(std::size_t bytes) {
    server_.answer_with(
        [bytes](const std::string&) { return std::vector<std::string>{std::string(bytes, 'x')}; });
  }
};

TEST_F(SummarizeTree, PartsAreAskedAboutAndThenTheirAnswers) {
  make(kSmall + "combine = \"All of it:\\n{{data}}\"");
  const auto out = pass(rows(100));
  ASSERT_EQ(out.size(), 1U);
  const auto asked = server_.asked();
  const std::size_t questions = asked.size();
  EXPECT_GE(questions, 3U);
  for (int row = 0; row < 100; ++row) EXPECT_EQ(times("name " + std::to_string(row), asked), 1U);
  EXPECT_THAT(asked.back(), testing::StartsWith("All of it:"));
  EXPECT_THAT(asked.back(), testing::HasSubstr("{\"part\":1,\"answer\":\"Summary of "));
  EXPECT_EQ(cell(out[0], "rows"), "100");
  EXPECT_EQ(cell(out[0], "input_tokens"), std::to_string(11 * questions)) << "of all questions";
  EXPECT_EQ(cell(out[0], "cost"), fmt::format("{:.6f}", 0.000062 * static_cast<double>(questions)));
  for (const std::string& question : asked) EXPECT_LE(question.size(), 1500U);
}

TEST_F(SummarizeTree, ATreeHasAsManyLevelsAsItTakes) {
  answers_of(400);
  make(kSmall);
  EXPECT_EQ(pass(rows(600)).size(), 1U);
  EXPECT_GT(server_.asked().size(), 12U + 4U) << "parts, parts of their answers, and the root";
  for (const std::string& question : server_.asked()) EXPECT_LE(question.size(), 1500U);
}

TEST_F(SummarizeTree, AnUnchangedTreeIsFree) {
  make(kSmall);
  const auto first = pass(rows(200));
  const std::size_t asked = server_.asked().size();
  restart("run 2");
  const auto again = pass(rows(200));
  EXPECT_EQ(server_.asked().size(), asked);
  EXPECT_EQ(cell(again.at(0), "unit"), cell(first.at(0), "unit"));
  EXPECT_EQ(cell(again.at(0), "summary"), cell(first.at(0), "summary"));
}

TEST_F(SummarizeTree, AWindowThatFitsIsOneQuestion) {
  make(kSmall);
  pass(rows(10));
  EXPECT_EQ(server_.asked().size(), 1U);
}

TEST_F(SummarizeTree, AnswersThatCannotBeCombinedAreABadRecord) {
  answers_of(2000);
  make(kSmall);
  const auto out = pass(rows(100));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].rows(), 0U);
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_THAT(bad_[0].error, testing::HasSubstr("too long"));
}

TEST_F(SummarizeTree, APartThatFailsIsABadRecordAndTheRestIsSpared) {
  make(kSmall + "in_flight = 1");
  server_.spoil_next(spoil::status(400, R"({"error":{"message":"no"}})"));
  pass(rows(200));
  EXPECT_EQ(bad_.size(), 1U);
  EXPECT_EQ(server_.asked().size(), 1U);
}

TEST_F(SummarizeTree, ADryRunCountsTheWholeTree) {
  struct Asked final : Rehearsal {
    void asked(Question question) override { questions.push_back(std::move(question)); }
    std::vector<Question> questions;
  } asked;
  make(kSmall);
  context_->rehearsal = &asked;
  transform_ = plan_.make(*context_);
  pass(rows(100));
  EXPECT_GE(asked.questions.size(), 3U);
  EXPECT_GE(asked.questions.back().input_tokens, 200U) << "as long as the answers may become";
  EXPECT_TRUE(server_.asked().empty());
}

TEST_F(SummarizeTree, AContextWithoutRoomIsRefused) {
  for (const char* more :
       {"context = 400", "combine = \"{{data}}\"", "context = 500\ncombine = \"nothing\""}) {
    const config::Findings findings;
    const auto table = config::Table::parse_text(
        "connection = \"model\"\nmodel = \"m\"\nmax_tokens = 100\nuser = \"{{data}}\"\n" + std::string(more),
        "job.toml", findings);
    PlanContext planning(config_, job_);
    summarize().plan(*table, planning);
    EXPECT_FALSE(findings.empty()) << more;
  }
}

TEST_F(SummarizeTree, InBatchesEachLevelIsOne) {
  make(kSmall + "mode = \"batch\"\nbatch = { poll = \"1ms..40ms\" }");
  EXPECT_EQ(pass(rows(100)).size(), 1U);
  EXPECT_EQ(server_.batches().created(), 2U);
  EXPECT_TRUE(server_.asked().empty());
}

}  // namespace
}  // namespace syncd::jobs
