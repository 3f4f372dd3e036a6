// One transform between lines of text and what comes out, on the real loop: large batches go to a thread.
#pragma once
#include <gtest/gtest.h>

#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs::test {

// Lines first.. as the column "line" of a partition, reaching "pN" after line N.
inline Batch lines(const std::vector<std::string>& texts, std::size_t first = 0,
                   const std::string& partition = "") {
  class Rows final : public RowPositions {
   public:
    Rows(std::string of, std::size_t from) : partition_(std::move(of)), first_(from) {}
    Position after(std::size_t row) const override {
      return Position(partition_, "p" + std::to_string(first_ + row + 1));
    }

   private:
    std::string partition_;
    std::size_t first_;
  };
  static const auto columns = schema({"line"});
  Batch batch(columns, Position(partition, "p" + std::to_string(first + texts.size())));
  for (const std::string& text : texts) batch.push_copy(text);
  batch.set_row_positions(std::make_shared<Rows>(partition, first));
  return batch;
}

inline std::vector<Batch> list(Batch first) {
  std::vector<Batch> all;
  all.push_back(std::move(first));
  return all;
}
template <class... More>
std::vector<Batch> list(Batch first, More... more) {
  std::vector<Batch> all = list(std::move(first));
  (all.push_back(std::move(more)), ...);
  return all;
}

class FlowTest : public ::testing::Test, protected Monitor, protected BadRecords {
 protected:
  // The findings of planning `toml` behind a stream with `stream_columns_`, "" for none; columns_ is what
  // comes out.
  std::string findings(const TransformKind& kind, const std::string& toml) {
    const config::Findings found;
    make_plan(kind, toml, found);
    return found.text();
  }

  std::vector<Batch> apply(const TransformKind& kind, const std::string& toml, std::vector<Batch> batches) {
    const config::Findings found;
    const auto plan = make_plan(kind, toml, found);
    EXPECT_TRUE(found.empty()) << found.text();
    const auto transform = plan.make(context_);
    std::vector<Batch> out;
    const auto pull = [](Batches from, std::vector<Batch>& into) -> Task<> {
      while (auto batch = co_await from.next()) into.push_back(std::move(*batch));
    };
    auto flow = transform->apply(from_list(std::make_shared<std::vector<Batch>>(std::move(batches))));
    syncd::test::run_task(loop_, pull(std::move(flow), out));
    return out;
  }

  // The rows that come of these lines: "a|b", NULL as ~.
  std::vector<std::string> rows(const TransformKind& kind, const std::string& toml,
                                const std::vector<std::string>& texts) {
    return rows_of(apply(kind, toml, list(lines(texts))));
  }
  static std::vector<std::string> rows_of(const std::vector<Batch>& batches) {
    std::vector<std::string> all;
    for (const Batch& batch : batches) {
      for (std::size_t row = 0; row < batch.rows(); ++row) {
        std::string text;
        for (std::size_t column = 0; column < batch.schema().size(); ++column) {
          const Cell cell = batch.cell(row, column);
          text += (column == 0 ? "" : "|") + (cell.null() ? "~" : std::string(cell.text()));
        }
        all.push_back(text);
      }
    }
    return all;
  }
  static std::vector<std::string> positions(const std::vector<Batch>& batches) {
    std::vector<std::string> all;
    for (const Batch& batch : batches) all.push_back(batch.partition() + batch.position().text());
    return all;
  }

  void waiting_for(std::string) override {}
  void lag(std::optional<std::chrono::nanoseconds>, std::optional<std::uint64_t>) override {}
  void warn(std::string text) override { warnings_.push_back(std::move(text)); }
  void take(const BadRecord& bad) override { bad_.push_back(bad); }

  config::Config config_;
  config::Job job_;
  std::vector<std::string> stream_columns_{"line"};
  std::vector<std::string> columns_;
  std::vector<std::string> warnings_;
  std::vector<BadRecord> bad_;
  loop::EventLoop loop_;
  std::map<std::string, config::Connection> none_;
  Connections connections_{loop_, none_};
  RunContext context_{loop_, connections_, *this, *this, "job", "instance"};

 private:
  Plan<Transform> make_plan(const TransformKind& kind, const std::string& toml,
                            const config::Findings& found) {
    const auto table = config::Table::parse_text(toml, "job.toml", found);
    EXPECT_TRUE(table.has_value()) << found.text();
    PlanContext planning(config_, job_);
    planning.stream.columns = stream_columns_;
    auto plan = kind.plan(*table, planning);
    columns_ = planning.stream.columns.value_or(std::vector<std::string>());
    return plan;
  }
};

}  // namespace syncd::jobs::test
