// The laws of every source of the catalogue (CONTRIBUTING.md, "The bar for a component").
#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::jobs {
namespace {

using syncd::test::PostgresServer;
using syncd::test::run_task;

// A place with data in it, and the options of a source that reads 100 rows from there, 7 a batch.
struct Place {
  config::Connection connection;
  std::string options;
};

Place postgres_place(const config::Findings& findings) {
  PostgresServer& server = PostgresServer::shared();
  const std::string database = server.fresh_database();
  server.exec(
      "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t SELECT n, 'name ' || n FROM "
      "generate_series(1, 100) n",
      database);
  Place place;
  place.connection.name = "place";
  place.connection.type = "postgres";
  place.connection.table =
      *config::Table::parse_text("uri = \"" + server.socket_uri(database) + "\"", "job.toml", findings);
  place.options = "connection = \"place\"\ntable = \"t\"\ncursor = [\"id\"]\nbatch_rows = 7\npoll = \"10ms\"";
  return place;
}

Place files_place(const config::Findings&) {
  static const syncd::test::TempDir folder;
  std::string lines;
  for (int i = 1; i <= 100; ++i) lines += "line " + std::to_string(i) + "\n";
  Place place;
  place.options = "paths = [\"" + folder.write("a.log", lines) + "\"]\nmode = \"follow\"\nbatch_rows = 7";
  return place;
}

// Every source of the catalogue needs an entry.
const std::map<std::string_view, Place (*)(const config::Findings&)>& places() {
  static const std::map<std::string_view, Place (*)(const config::Findings&)> all = {
      {"files", &files_place},
      {"postgres_table", &postgres_place},
  };
  return all;
}

class SourceContract : public ::testing::TestWithParam<const SourceKind*>, public Monitor, public BadRecords {
 protected:
  void SetUp() override {
    const auto found = places().find(GetParam()->type);
    ASSERT_NE(found, places().end()) << "give " << GetParam()->type << " an entry in places()";
    const config::Findings findings;
    Place place = found->second(findings);
    config_.connections.emplace("place", std::move(place.connection));
    table_ = *config::Table::parse_text(place.options, "job.toml", findings);
    PlanContext planning(config_, job_);
    plan_ = GetParam()->plan(table_, planning);
    ASSERT_TRUE(findings.empty()) << findings.text();
    connections_.emplace(loop_, config_.connections);
    context_.emplace(loop_, *connections_, *this, *this, "job", "instance");
  }

  struct Read {
    std::vector<std::string> rows;    // the first column, in order
    std::vector<std::size_t> ends;    // rows before each position
    std::vector<Position> positions;  // of each batch
    std::vector<Position> within;     // after each row
  };
  Read read(const Position& from) {
    Read all;
    const auto source = plan_.make(*context_);
    Positions positions;
    positions.advance(from);
    const auto pull = [](Batches batches, Read& into) -> Task<> {
      while (auto batch = co_await batches.next()) {
        for (std::size_t row = 0; row < batch->rows(); ++row) {
          into.rows.emplace_back(batch->cell(row, 0).text());
          into.within.push_back(batch->position_at(row + 1, Position()));
        }
        into.ends.push_back(into.rows.size());
        into.positions.push_back(batch->position());
      }
    };
    run_task(loop_, pull(source->read(positions), all));
    return all;
  }

  void waiting_for(std::string) override {}
  void lag(std::optional<std::chrono::nanoseconds>, std::optional<std::uint64_t>) override {}
  void warn(std::string) override {}
  void take(const BadRecord&) override {}

  config::Config config_;
  config::Job job_;
  config::Table table_;
  loop::EventLoop loop_;
  Plan<Source> plan_;
  std::optional<Connections> connections_;
  std::optional<RunContext> context_;
};

TEST_P(SourceContract, ResumeAPositionYieldsExactlyWhatFollowedIt) {
  const Read all = read(Position());
  ASSERT_EQ(all.rows.size(), 100U);
  for (std::size_t i = 0; i < all.positions.size(); ++i) {
    const auto begin = all.rows.begin() + static_cast<std::ptrdiff_t>(all.ends[i]);
    EXPECT_EQ(read(all.positions[i]).rows, std::vector<std::string>(begin, all.rows.end()));
  }
}

TEST_P(SourceContract, ResumeWorksFromBetweenTheRowsOfABatch) {
  const Read all = read(Position());
  for (const std::size_t row : {0U, 3U, 6U, 50U, 98U, 99U}) {
    const auto begin = all.rows.begin() + static_cast<std::ptrdiff_t>(row) + 1;
    EXPECT_EQ(read(all.within.at(row)).rows, std::vector<std::string>(begin, all.rows.end())) << row;
  }
}

TEST_P(SourceContract, StopEndsAnIdleSourceWithCancelled) {
  context_->continuous = true;
  const auto source = plan_.make(*context_);
  bool cancelled = false;
  bool idle = false;
  const auto pull = [](Batches batches, bool& was_idle, bool& was_cancelled) -> Task<> {
    try {
      while (auto batch = co_await batches.next()) was_idle = was_idle || batch->caught_up();
    } catch (const coro::Cancelled&) {
      was_cancelled = true;
    }
  };
  const auto stopped = [](loop::EventLoop& loop, Task<> pulling, const bool& was_idle) -> Task<> {
    coro::AsyncScope scope;
    scope.spawn(std::move(pulling));
    co_await syncd::test::until(loop, [&was_idle] { return was_idle; });
    scope.request_stop();
    co_await scope.join();
  };
  run_task(loop_, stopped(loop_, pull(source->read(Positions()), idle, cancelled), idle));
  EXPECT_TRUE(cancelled);
}

TEST_P(SourceContract, BreakLeavesNothingBehind) {
  for (int i = 0; i < 20; ++i) {  // a lease that stayed behind would exhaust the pool
    const auto source = plan_.make(*context_);
    const auto one = [](Batches batches) -> Task<> { co_await batches.next(); };
    run_task(loop_, one(source->read(Positions())));
  }
}

TEST_P(SourceContract, APositionIsDescribedInWords) {
  const auto source = plan_.make(*context_);
  EXPECT_EQ(source->describe(Position()), "at the beginning");
  EXPECT_FALSE(source->describe(read(Position()).positions.back()).empty());
}

INSTANTIATE_TEST_SUITE_P(Catalogue, SourceContract, ::testing::ValuesIn(sources().begin(), sources().end()),
                         [](const auto& entry) { return std::string(entry.param->type); });

}  // namespace
}  // namespace syncd::jobs
