// summarize between rows that a test makes and a model that does what it is told, over restarts.
#pragma once
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "daemon/store/llm_journal.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "tests/support/llm_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/jobs/scripted.hpp"

namespace syncd::jobs {

using namespace std::chrono_literals;
using syncd::test::Exchange;
using syncd::test::LlmServer;
using syncd::test::run_task;
using syncd::test::StreamEvents;
namespace spoil = syncd::test::spoil;

class SummarizeTest : public ::testing::Test, public Monitor, public BadRecords {
 protected:
  SummarizeTest() { connect("openai", server_.chat_url()); }
  void connect(const std::string& vendor, const std::string& url) {
    const config::Findings findings;
    const auto table = config::Table::parse_text(
        "api_key = \"secret\"\nbase_url = \"" + url + "\"\n[prices]\nm = { input = 2, output = 10 }",
        "syncd.toml", findings);
    config_.connections["model"] = {"model", vendor, *table};
  }
  void make(const std::string& more) {
    const config::Findings findings;
    const auto table = config::Table::parse_text(
        "connection = \"model\"\nmodel = \"m\"\nmax_tokens = 100\nuser = \"{{data}}\"\n" + more, "job.toml",
        findings);
    ASSERT_TRUE(table) << findings.text();
    PlanContext planning(config_, job_);
    planning.stream.columns = {"id", "name"};
    plan_ = summarize().plan(*table, planning);
    ASSERT_TRUE(findings.empty()) << findings.text();
    restart();
  }
  // A new attempt, in a process that has forgotten everything but its files.
  void restart(const std::string& run = "run 1") {
    transform_.reset();
    connections_.emplace(loop_, config_.connections);
    context_.emplace(loop_, *connections_, *this, *this, "digest", "instance");
    context_->state_dir = folder_.path();
    context_->run = run;
    transform_ = plan_.make(*context_);
    transform_->begins_at(Positions());
  }
  // How often a row was sent, in all these questions.
  static std::size_t times(const std::string& row, const std::vector<std::string>& questions) {
    return static_cast<std::size_t>(std::count_if(
        questions.begin(), questions.end(),
        [&](const std::string& asked) { return asked.find("\"" + row + "\"") != std::string::npos; }));
  }
  static Task<> pull(Batches from, std::vector<Batch>& into) {
    while (auto batch = co_await from.next()) into.push_back(std::move(*batch));
  }
  Task<> close() { co_await transform_->close(); }
  // Rows first..first+count-1 in batches of ten.
  Batches rows(std::size_t count, std::size_t first = 0) {
    auto batches = std::make_shared<std::vector<Batch>>();
    for (std::size_t at = first; at < first + count; at += 10) {
      batches->push_back(test::numbered(at, std::min<std::size_t>(10, first + count - at)));
    }
    return test::from_list(std::move(batches));
  }
  std::vector<Batch> pass(Batches upstream) {
    std::vector<Batch> out;
    std::exception_ptr error;
    try {
      run_task(loop_, pull(transform_->apply(std::move(upstream)), out));
    } catch (...) {
      error = std::current_exception();
    }
    run_task(loop_, close());
    if (error) std::rethrow_exception(error);
    return out;
  }
  template <class E = Error>
  std::string failure(Batches upstream) {
    try {
      pass(std::move(upstream));
    } catch (const E& error) {
      return error.what();
    }
    ADD_FAILURE() << "expected an error";
    return "";
  }
  static std::string cell(const Batch& batch, const std::string& column, std::size_t row = 0) {
    return std::string(batch.cell(row, *batch.schema().find(column)).text());
  }
  store::LlmJournal& journal() { return *connections_->llm_journal(context_->state_dir); }

  void waiting_for(std::string why) override {
    if (!why.empty()) waits_.push_back(why);
  }
  void lag(std::optional<std::chrono::nanoseconds>, std::optional<std::uint64_t>) override {}
  void warn(std::string) override {}
  void take(const BadRecord& bad) override { bad_.push_back(bad); }

  LlmServer server_;
  syncd::test::TempDir folder_;
  config::Config config_;
  config::Job job_;
  loop::EventLoop loop_;
  std::optional<Connections> connections_;
  std::optional<RunContext> context_;
  Plan<Transform> plan_;
  std::unique_ptr<Transform> transform_;
  std::vector<BadRecord> bad_;
  std::vector<std::string> waits_;
};

}  // namespace syncd::jobs
