// App::Control: what a job would do, as it stands in the files now.
#include "daemon/app_control.hpp"
#include "jobs/dry_run.hpp"

namespace syncd {
namespace {

// What a person should know about the files beside what is in them.
void compare(const std::map<std::string, std::unique_ptr<ManagedJob>>& running, const jobs::JobPlan& plan,
             std::vector<std::string>& notes) {
  const auto found = running.find(plan.job.name);
  if (found == running.end()) {
    notes.emplace_back("the daemon does not know this job yet: `syncctl reload` brings it in");
  } else if (!config::changed_keys(found->second->plan().written(), plan.written()).empty()) {
    notes.emplace_back("the job is other in the files than in the daemon: `syncctl reload` takes it");
  }
}

control::DryRun shown(jobs::DryRunReport report) {
  control::DryRun shown;
  shown.read = report.read;
  shown.rows = report.rows;
  shown.from = std::move(report.from);
  shown.writes = std::move(report.writes);
  for (jobs::BadRecord& bad : report.bad) {
    shown.bad.push_back({std::move(bad.record), std::move(bad.error)});
  }
  for (jobs::Question& question : report.questions) {
    control::DryRun::Question each;
    each.model = std::move(question.model);
    each.unit = std::move(question.unit);
    each.answered = question.answered;
    each.use = {question.input_tokens, question.output_tokens, question.cost};
    shown.questions.push_back(std::move(each));
  }
  shown.notes = std::move(report.notes);
  return shown;
}

}  // namespace

// On connections of its own: those of the jobs stay free, and a job that runs is not touched.
coro::Task<control::DryRun> App::Control::dry_run(std::string job, std::uint64_t rows) {
  const config::Findings mistakes;
  const Loaded loaded = load_configuration(app_.configuration_->config().files.front(), mistakes);
  if (!mistakes.empty()) throw control::InvalidConfiguration(errors_of(mistakes));
  const auto found = loaded.jobs.find(job);
  if (found == loaded.jobs.end()) throw control::NoSuchJob(job);
  jobs::Positions local;
  for (const auto& [partition, text] : app_.database_.positions(job)) {
    local.advance(jobs::Position(partition, text));
  }
  const std::filesystem::path& folder = app_.database_.directory();
  const bool asked_before = std::filesystem::exists(folder / "llm.db");  // looking does not make a journal
  jobs::DryRunLimits limits;
  limits.rows = rows;
  jobs::Connections connections(app_.loop_, loaded.config.connections);
  jobs::DryRun dry_run(app_.loop_, *found->second, connections, app_.database_.instance(),
                       asked_before ? folder : std::filesystem::path(), limits);
  auto report = co_await dry_run.run(std::move(local));
  control::DryRun result = shown(std::move(report));
  compare(app_.jobs_, *found->second, result.notes);
  co_return result;
}

}  // namespace syncd
