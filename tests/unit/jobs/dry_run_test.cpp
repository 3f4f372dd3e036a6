// DryRun: how far it goes, and what it leaves alone.
#include "jobs/dry_run.hpp"

#include <gmock/gmock.h>

#include "daemon/loop/event_loop.hpp"
#include "jobs/connections.hpp"
#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs {
namespace {

using namespace std::chrono_literals;
using test::numbered;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Rows 0, 1, 2, ... three a batch; waits for ever after `total`, where that is said.
class Rows final : public Source {
 public:
  Rows(RunContext& context, std::size_t total, bool waits)
      : context_(context), total_(total), waits_(waits) {}
  Task<CheckNotes> check() override { co_return CheckNotes(); }
  Batches read(Positions from) override { return rows(*this, from.at("").text()); }
  Task<Position> position_at(std::string) override { co_return Position(); }
  std::string describe(const Position& position) const override { return "at " + position.text(); }

 private:
  static Batches rows(Rows& self, std::string from) {
    std::size_t next = from.empty() ? 0 : std::stoul(from.substr(1));
    for (; next < self.total_; next += 3) {
      Batch batch = numbered(next, std::min<std::size_t>(3, self.total_ - next));
      co_yield std::move(batch);
    }
    if (!self.waits_) co_return;
    self.context_.monitor.waiting_for("fence held by pid 7");
    co_await sleep_for(self.context_.clock, 24h);
  }
  RunContext& context_;
  const std::size_t total_;
  const bool waits_;
};

// Nothing but a preview is allowed.
class Shown final : public Sink {
 public:
  Shown(RunContext& context, std::optional<Positions> held, bool away)
      : context_(context), held_(std::move(held)), away_(away) {}
  Task<CheckNotes> check() override { co_return CheckNotes(); }
  Task<std::optional<Positions>> open() override {
    ADD_FAILURE() << "taken over";
    co_return std::nullopt;
  }
  Task<> commit(const Batch&, const Position&) override {
    ADD_FAILURE() << "written";
    co_return;
  }
  Task<> settle(Settle) override {
    ADD_FAILURE() << "settled";
    co_return;
  }
  Task<> assign(const Positions&) override {
    ADD_FAILURE() << "moved";
    co_return;
  }
  Task<std::optional<Positions>> recall() override {
    if (away_) throw Error(ErrorKind::Transient, "the sink is away");
    co_return held_;
  }
  Task<std::vector<std::string>> preview(const Batch& batch) override {
    std::vector<std::string> lines;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      if (batch.cell(row, 0).text() == "1") context_.bad_records.take(BadRecord{"{}", "one is wrong"});
      lines.push_back("SET " + std::string(batch.cell(row, 0).text()));
    }
    co_return lines;
  }

 private:
  RunContext& context_;
  const std::optional<Positions> held_;
  const bool away_;
};

class DryRunTest : public ::testing::Test {
 protected:
  DryRunTest() : plan_(config::Job(), schedule::Schedule::parse("manual")) {
    plan_.job.name = "users";
    plan_.source.make = [this](RunContext& context) {
      EXPECT_FALSE(context.continuous);
      EXPECT_NE(context.rehearsal, nullptr);
      return std::make_unique<Rows>(context, total_, waits_);
    };
    plan_.sink.make = [this](RunContext& context) { return std::make_unique<Shown>(context, held_, away_); };
  }
  DryRunReport run(Positions local = Positions()) {
    DryRun dry_run(clock_, plan_, connections_, "one", "", limits_);
    DryRunReport report;
    const auto keep = [](DryRun& all, Positions from, DryRunReport& into) -> Task<> {
      into = co_await all.run(std::move(from));
    };
    EXPECT_TRUE(test::run(clock_, keep(dry_run, std::move(local), report)));
    return report;
  }

  ManualClock clock_;
  loop::EventLoop loop_;
  const std::map<std::string, config::Connection> none_;
  Connections connections_{loop_, none_};
  JobPlan plan_;
  DryRunLimits limits_;
  std::size_t total_ = 5;
  bool waits_ = false;
  bool away_ = false;
  std::optional<Positions> held_;
};

TEST_F(DryRunTest, ShowsWhatWouldBeWrittenAndWritesNothing) {
  const DryRunReport report = run();
  EXPECT_THAT(report.writes, ElementsAre("SET 0", "SET 1", "SET 2", "SET 3", "SET 4"));
  EXPECT_EQ(report.read, 5U);
  EXPECT_EQ(report.rows, 5U);
  EXPECT_THAT(report.from, ElementsAre());
  EXPECT_THAT(report.notes, ElementsAre());
  ASSERT_EQ(report.bad.size(), 1U) << "a bad row does not halt it";
  EXPECT_EQ(report.bad[0].error, "one is wrong");
}

TEST_F(DryRunTest, EndsAfterSoManyRowsInTheMiddleOfABatch) {
  limits_.rows = 4;
  const DryRunReport report = run();
  EXPECT_THAT(report.writes, ElementsAre("SET 0", "SET 1", "SET 2", "SET 3"));
  EXPECT_EQ(report.read, 5U);
}

TEST_F(DryRunTest, ReadsNoMoreOfTheSourceThanItMay) {
  total_ = 1000;
  limits_.read = 6;
  const DryRunReport report = run();
  EXPECT_EQ(report.read, 6U);
  EXPECT_THAT(report.notes, ElementsAre("no more than 6 rows of the source were read"));
}

TEST_F(DryRunTest, TellsNoMoreThanFitsIntoAReply) {
  limits_.bytes = 10;
  const DryRunReport report = run();
  EXPECT_LT(report.writes.size(), 4U);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("too much for one reply")));
}

TEST_F(DryRunTest, EndsByTimeWithWhatThereIsAndSaysWhatItWaitsFor) {
  waits_ = true;
  const DryRunReport report = run();
  EXPECT_EQ(report.rows, 5U);
  EXPECT_THAT(report.notes, ElementsAre("ended after 15 s, as nothing more had come: fence held by pid 7"));
}

TEST_F(DryRunTest, GoesOnWhereTheSinkSaysElseWhereTheLocalCopyDoes) {
  Positions local;
  local.advance(Position("", "p3"));
  EXPECT_THAT(run(local).writes, ElementsAre("SET 3", "SET 4"));
  EXPECT_THAT(run(local).from, ElementsAre("at p3"));
  held_.emplace();
  held_->advance(Position("", "p4"));
  EXPECT_THAT(run(local).writes, ElementsAre("SET 4"));
  away_ = true;
  const DryRunReport report = run(local);
  EXPECT_THAT(report.writes, ElementsAre("SET 3", "SET 4"));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("the sink is away")));
}

}  // namespace
}  // namespace syncd::jobs
