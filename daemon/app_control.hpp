// App::Control: what the control socket may do with the daemon.  app_control.cpp operates,
// app_checkpoints.cpp changes checkpoints, app_status.cpp tells, app_check.cpp checks.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/app.hpp"
#include "daemon/control/http_pages.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/server.hpp"
#include "daemon/control/socket.hpp"
#include "daemon/coro/scope.hpp"

namespace syncd {

std::vector<control::CheckFinding> errors_of(const config::Findings& mistakes);

class App::Control final : public control::Operations {
 public:
  explicit Control(App& app) : app_(app), changes_(app.loop_) {}

  // Binds the socket and serves it in the background, until close().
  void listen();
  coro::Task<> close();

  // To be called by the runner of `job` on each change.
  void changed(const std::string& job) { changes_.touch(job); }

  std::vector<std::string> job_names() const override;
  status::JobStatus status(const std::string& job) override;
  status::Changes& changes() override { return changes_; }
  void start(const std::string& job, const control::RunRange& range) override;
  coro::Task<control::RunResult> run(std::string job, control::RunRange range) override;
  void cancel(const std::string& job) override;
  void pause(const std::string& job, const std::string& reason) override;
  void resume(const std::string& job) override;
  control::Coming next(const std::optional<std::string>& job, std::uint64_t limit) override;
  std::vector<control::HistoryEntry> history(const control::HistoryQuery& query) override;
  control::Difference reload(bool dry_run) override { return app_.reload(dry_run); }
  coro::Task<std::vector<control::CheckFinding>> check(bool online) override;
  coro::Task<control::Checkpoint> checkpoint(std::string job) override;
  coro::Task<std::vector<control::FileState>> files(std::string job) override;
  coro::Task<> set_checkpoint(std::string job, std::string partition, std::string text) override;
  coro::Task<> rewind_checkpoint(std::string job, std::string to) override;
  coro::Task<control::ExportedCheckpoint> export_checkpoint(std::string job) override;
  coro::Task<> import_checkpoint(std::string job, control::ExportedCheckpoint from) override;
  coro::Task<> undo_checkpoint(std::string job) override;
  coro::Task<control::DryRun> dry_run(std::string job, std::uint64_t rows) override;
  coro::Task<std::vector<std::string>> explain(std::string job) override;
  control::DeadLetters dead_letters(const std::string& job, std::uint64_t limit) override;
  std::uint64_t clear_dead_letters(const std::string& job) override;
  std::string metrics() override;
  std::string unready() override;
  status::Relay& relay() override { return app_.configuration_->connections()->relay(); }
  std::vector<control::ModelSpending> llm_usage(const std::optional<std::string>& job,
                                                std::uint64_t days) override;
  std::vector<control::AmbiguousRequest> llm_ambiguous(const std::optional<std::string>& job) override;
  std::uint64_t llm_resolve(const control::AmbiguousChoice& choice, bool paid) override;
  void shutdown() override;

 private:
  class Still;  // keeps a job from running

  ManagedJob& job_of(const std::string& name) const;  // throws NoSuchJob
  // Kept over every await: a reload may give the job another.
  std::shared_ptr<jobs::Runner> runner_of(const std::string& job) const { return job_of(job).runner(); }
  coro::Task<> stand_still(Still& still, jobs::Runner& runner);
  // Throws a Config error where the job's source cannot read it.
  static void require_position(jobs::Runner& runner, const jobs::Position& position);
  coro::Task<jobs::Positions> positions_of(jobs::Runner& runner);
  coro::Task<> replace_checkpoint(std::shared_ptr<jobs::Runner> runner, std::string change,
                                  jobs::Positions before, jobs::Positions to);
  // Positions with their words.
  static std::vector<control::CheckpointPosition> told(jobs::Runner& runner,
                                                       const std::map<std::string, std::string>& texts);
  // The last occurrences, and the next one.
  void explain_time(const std::string& job, std::vector<std::string>& lines);
  std::shared_ptr<store::LlmJournal> llm_journal(const std::optional<std::string>& job);
  coro::Task<> serve();
  coro::Task<> serve_pages();

  App& app_;
  status::Changes changes_;
  std::set<std::string> still_;  // jobs whose checkpoint is being changed
  std::optional<control::ControlSocket> socket_;
  std::optional<control::Server> server_;
  std::optional<http::Server> pages_;  // over TCP
  coro::AsyncScope serving_;
};

}  // namespace syncd
