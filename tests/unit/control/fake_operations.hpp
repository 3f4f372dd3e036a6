// A daemon that does what a test tells it: three jobs, and a record of what it was asked.
#pragma once
#include <algorithm>
#include <map>

#include "daemon/control/operations.hpp"
#include "daemon/control/protocol.hpp"
#include "daemon/coro/signal.hpp"

namespace syncd::control::test {

class FakeOperations final : public Operations {
 public:
  explicit FakeOperations(Clock& clock) : changes_(clock), run_may_end_(clock) {}

  // What the operations throw, and what was asked of them.
  std::exception_ptr failure;
  std::vector<std::string> asked;
  RunResult result = succeeded();
  std::vector<CheckFinding> findings;
  Checkpoint kept;
  ExportedCheckpoint exported;
  DryRun rehearsed;
  std::vector<FileState> file_states;
  DeadLetters letters;
  Coming coming;
  std::vector<HistoryEntry> entries;
  std::vector<ModelSpending> spending;
  std::vector<AmbiguousRequest> ambiguous;
  Difference difference;
  std::string not_ready;
  int stopped_waits = 0;  // run()s that were left before the end of the run

  void end_run() { run_may_end_.notify(); }
  void job_moves(const std::string& job) {
    ++rows_[job];
    changes_.touch(job);
  }

  std::vector<std::string> job_names() const override {
    return std::vector<std::string>{"events", "orders", "users"};
  }
  status::JobStatus status(const std::string& job) override {
    require(job);
    status::JobStatus now;
    now.name = job;
    now.state = status::JobState::Running;
    now.schedule = "continuous";
    now.run.emplace();
    now.run->rows = rows_[job];
    return now;
  }
  status::Changes& changes() override { return changes_; }
  void start(const std::string& job, const RunRange& range) override {
    ask("start", job, range.from.value_or("") + (range.given() ? ".." : "") + range.to.value_or(""));
  }
  coro::Task<RunResult> run(std::string job, RunRange) override {
    ask("run", job);
    Left left{*this};
    co_await run_may_end_.wait();
    left.ended = true;
    co_return result;
  }
  void cancel(const std::string& job) override { ask("cancel", job); }
  void pause(const std::string& job, const std::string& reason) override { ask("pause", job, reason); }
  void resume(const std::string& job) override { ask("resume", job); }
  Coming next(const std::optional<std::string>& job, std::uint64_t limit) override {
    ask("next", job.value_or("users"), std::to_string(limit));
    return coming;
  }
  std::vector<HistoryEntry> history(const HistoryQuery& query) override {
    std::string more = std::to_string(query.limit);
    if (query.failed) more += " failed";
    if (query.since) more += " since " + std::to_string(to_us(*query.since));
    ask("history", query.job.value_or("users"), more);
    return entries;
  }
  coro::Task<std::vector<FileState>> files(std::string job) override {
    ask("files", job);
    co_return file_states;
  }
  status::Relay& relay() override { return relay_; }
  std::vector<ModelSpending> llm_usage(const std::optional<std::string>& job, std::uint64_t days) override {
    ask("llm_usage", job.value_or("users"), std::to_string(days));
    return spending;
  }
  std::vector<AmbiguousRequest> llm_ambiguous(const std::optional<std::string>& job) override {
    ask("llm_ambiguous", job.value_or("users"));
    return ambiguous;
  }
  std::uint64_t llm_resolve(const AmbiguousChoice& choice, bool paid) override {
    ask(paid ? "llm_resolve" : "llm_resolve not paid", choice.job.value_or("users"),
        choice.id ? std::to_string(*choice.id) : "all");
    return 1;
  }
  Difference reload(bool dry_run) override {
    ask(dry_run ? "reload dry-run" : "reload", "users");
    return difference;
  }
  coro::Task<std::vector<CheckFinding>> check(bool online) override {
    ask(online ? "check online" : "check", "users");
    co_return findings;
  }
  coro::Task<Checkpoint> checkpoint(std::string job) override {
    ask("checkpoint", job);
    co_return kept;
  }
  coro::Task<> set_checkpoint(std::string job, std::string partition, std::string text) override {
    ask("set", job, partition + "=" + text);
    co_return;
  }
  coro::Task<> rewind_checkpoint(std::string job, std::string to) override {
    ask("rewind", job, to);
    co_return;
  }
  coro::Task<ExportedCheckpoint> export_checkpoint(std::string job) override {
    ask("export", job);
    co_return exported;
  }
  coro::Task<> import_checkpoint(std::string job, ExportedCheckpoint from) override {
    ask("import", job, "from " + from.job);
    exported = std::move(from);
    co_return;
  }
  coro::Task<> undo_checkpoint(std::string job) override {
    ask("undo", job);
    co_return;
  }
  coro::Task<DryRun> dry_run(std::string job, std::uint64_t rows) override {
    ask("dry-run", job, std::to_string(rows));
    co_return rehearsed;
  }
  coro::Task<std::vector<std::string>> explain(std::string job) override {
    ask("explain", job);
    co_return std::vector<std::string>(2, "a line");
  }
  DeadLetters dead_letters(const std::string& job, std::uint64_t limit) override {
    ask("letters", job, std::to_string(limit));
    return letters;
  }
  std::uint64_t clear_dead_letters(const std::string& job) override {
    ask("clear", job);
    return 3;
  }
  std::string metrics() override { return "syncd_jobs{state=\"idle\"} 3\n"; }
  std::string unready() override { return not_ready; }
  void shutdown() override { asked.emplace_back("shutdown"); }

 private:
  struct Left {
    FakeOperations& all;
    bool ended = false;
    ~Left() { all.stopped_waits += ended ? 0 : 1; }
  };
  static RunResult succeeded() {
    RunResult made;
    made.outcome = "succeeded";
    made.rows = 7;
    return made;
  }
  void require(const std::string& job) const {
    const auto names = job_names();
    if (std::find(names.begin(), names.end(), job) == names.end()) throw NoSuchJob(job);
  }
  void ask(const std::string& what, const std::string& job, const std::string& more = "") {
    require(job);
    asked.push_back(what + " " + job + (more.empty() ? "" : " " + more));
    if (failure) std::rethrow_exception(failure);
  }

  status::Relay relay_;
  status::Changes changes_;
  coro::Signal run_may_end_;
  std::map<std::string, std::uint64_t> rows_;
};

}  // namespace syncd::control::test
