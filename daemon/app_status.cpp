// What the control socket tells about a job.
#include <fmt/format.h>

#include "daemon/app_control.hpp"
#include "daemon/base/version.hpp"
#include "daemon/coro/timeout.hpp"
#include "daemon/status/metrics.hpp"
#include "daemon/store/llm_journal.hpp"

namespace syncd {
namespace {

using status::JobState;

constexpr Duration kRecallAtMost = std::chrono::seconds(15);  // for a sink to tell its positions

// A position in words; a text that its source cannot read is shown as it is.
std::string words(const jobs::Source& source, const std::string& partition, const std::string& text) {
  try {
    return source.describe(jobs::Position(partition, text));
  } catch (const Error&) {
    return text;
  }
}

status::LastRun last_run(const store::RunRecord& record) {
  status::LastRun run;
  run.planned = record.planned;
  run.started = record.started;
  run.ended = record.ended;
  run.outcome = record.outcome;
  run.error = record.error;
  run.rows = record.rows;
  run.bytes = record.bytes;
  run.attempts = record.attempts;
  return run;
}

status::CurrentRun current_run(const jobs::RunnerView& view) {
  status::CurrentRun run;
  run.started = view.started.value_or(WallTime());
  run.rows = view.rows;
  run.batches = view.batches;
  run.bytes = view.bytes;
  run.rows_per_second = static_cast<std::uint64_t>(view.rows_per_second);
  run.attempts = view.attempts;
  run.caught_up = view.caught_up;
  return run;
}

JobState state_of(bool running, const jobs::RunnerView& view, bool paused,
                  const std::optional<store::RunRecord>& last) {
  if (!running && paused) return JobState::Paused;
  if (view.fenced) return JobState::Fenced;
  if (running) return view.waiting_for.empty() ? JobState::Running : JobState::Waiting;
  return last && last->outcome == "failed" ? JobState::Failed : JobState::Idle;
}

// "postgres_table → rename → redis_hash".
std::string route(const status::JobStatus& job) {
  std::string text = job.source;
  for (const auto& transform : job.transforms) text += " → " + transform;
  return text + " → " + job.sink;
}

std::string in_partition(const std::string& partition) {
  return partition.empty() ? std::string() : partition + ": ";
}

// Why the job is where it is, in one line.
std::string reason(const status::JobStatus& job) {
  switch (job.state) {
    case JobState::Running:
      return job.run && job.run->caught_up ? "it runs and has caught up" : "it runs and is catching up";
    case JobState::Waiting:
      return "it waits: " + job.waiting_for;
    case JobState::Paused:
      return fmt::format("it is paused{}{}; `syncctl resume {}` lets it go on",
                         job.pause_reason.empty() ? "" : ": ", job.pause_reason, job.name);
    case JobState::Fenced:
      return "another daemon runs this job; stop it, or take the job out of its configuration, and this one "
             "takes over";
    case JobState::Failed:
      return "its last run failed: " + (job.last_run ? job.last_run->error : std::string());
    case JobState::Idle:
      return job.last_run ? "it is between two runs" : "it has not run yet";
  }
  return {};
}

using Page = status::MetricsPage;

std::map<std::string, Page::Circuit> circuits(const jobs::Connections& connections, TimePoint now) {
  using May = policy::CircuitBreaker::Verdict::May;
  std::map<std::string, Page::Circuit> all;
  for (const std::string& name : connections.names()) {
    const policy::CircuitBreaker& breaker = connections.breaker(name);
    const May may = breaker.ask(now).may;
    Page::Circuit& state = all[name];
    state = Page::Circuit::Closed;
    if (may == May::AfterTheProbe || (may == May::Try && breaker.opened())) state = Page::Circuit::HalfOpen;
    if (may == May::NotBefore) state = Page::Circuit::Open;
  }
  return all;
}

std::vector<Page::Tokens> tokens(const store::LlmJournal* journal) {
  std::vector<Page::Tokens> all;
  if (journal == nullptr) return all;
  for (const auto& [job, use] : journal->used()) all.push_back({job, use.input, use.output});
  return all;
}

}  // namespace

status::JobStatus App::Control::status(const std::string& name) {
  const auto runner = runner_of(name);
  const jobs::RunnerView view = runner->view();
  const jobs::JobPlan& plan = runner->plan();
  const auto pause = app_.database_.paused(name);
  const auto last = app_.database_.last_run(name);
  status::JobStatus status;
  status.name = name;
  status.description = plan.job.description;
  status.state = state_of(runner->running(), view, pause.has_value(), last);
  status.schedule = plan.job.schedule;
  status.next_run = app_.scheduler_.next(name);
  if (last) status.last_run = last_run(*last);
  if (runner->running()) {
    status.run = current_run(view);
    if (view.lag) status.lag = std::chrono::duration_cast<std::chrono::microseconds>(*view.lag);
    status.lag_rows = view.lag_rows;
  }
  jobs::RunContext context = runner->context();
  const auto source = plan.source.make(context);
  for (const auto& [partition, text] : view.positions) {
    status.position.push_back({partition, words(*source, partition, text)});
  }
  status.waiting_for = view.waiting_for;
  status.note = view.note;
  if (!runner->running()) {
    status.waiting_for = app_.scheduler_.waiting_for(name);
    if (!status.waiting_for.empty() && !pause) status.state = JobState::Waiting;
  }
  status.last_error = view.last_error;
  status.last_error_at = view.last_error_at;
  if (pause) {
    status.pause_reason = pause->reason;
    status.paused_since = pause->since;
  }
  status.source = plan.source_type;
  status.transforms = plan.transform_types;
  status.sink = plan.sink_type;
  status.dead_letters = app_.database_.count_dead_letters(name);
  status.guarantees = *plan.guarantees;
  return status;
}

std::string App::Control::metrics() {
  std::vector<status::JobStatus> all;
  all.reserve(app_.jobs_.size());
  for (const auto& [name, job] : app_.jobs_) all.push_back(status(name));
  std::vector<status::MetricsPage::Job> jobs;
  for (const status::JobStatus& each : all) {
    const ManagedJob& job = *app_.jobs_.at(each.name);
    jobs.push_back({&each, &job.counters(), job.runner()->view().last_commit});
  }
  status::MetricsPage page;
  page.daemon(kVersion, app_.loop_.lag(), app_.scheduler_.queued());
  page.process();
  page.jobs(jobs);
  page.circuits(circuits(*app_.configuration_->connections(), app_.loop_.now()));
  page.models(tokens(llm_journal(std::nullopt).get()));
  return page.text();
}

std::string App::Control::unready() { return app_.stop_requests_ > 0 ? "the daemon is stopping" : ""; }

std::vector<control::CheckpointPosition> App::Control::told(jobs::Runner& runner,
                                                            const std::map<std::string, std::string>& texts) {
  jobs::RunContext context = runner.context();
  const auto source = runner.plan().source.make(context);
  std::vector<control::CheckpointPosition> all;
  for (const auto& [partition, text] : texts) {
    all.push_back({partition, text, words(*source, partition, text)});
  }
  return all;
}

coro::Task<control::Checkpoint> App::Control::checkpoint(std::string job) {
  const auto runner = runner_of(job);
  jobs::RunContext context = runner->context();
  const auto sink = runner->plan().sink.make(context);
  control::Checkpoint found;
  try {
    auto held = co_await with_timeout(app_.loop_, kRecallAtMost, "asking the sink", sink->recall());
    found.sink_holds = held.has_value();
    if (held) found.sink = told(*runner, held->all());
  } catch (const Error& error) {
    found.sink_error = error.what();
  }
  found.local = told(*runner, app_.database_.positions(job));
  if (const auto previous = app_.database_.previous_checkpoint(job)) {
    found.previous.emplace();
    found.previous->time = previous->time;
    found.previous->change = previous->change;
    found.previous->positions = told(*runner, previous->positions);
  }
  co_return found;
}

coro::Task<std::vector<std::string>> App::Control::explain(std::string job) {
  const status::JobStatus now = status(job);
  const control::Checkpoint held = co_await checkpoint(job);
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{}: {}, {}", job, route(now), now.schedule));
  for (const std::string& line : now.guarantees) lines.push_back("guarantee: " + line);
  const std::string why = reason(now);
  lines.push_back("now: " + why);
  if (!now.waiting_for.empty() && now.state != JobState::Waiting)
    lines.push_back("waits for: " + now.waiting_for);
  if (!now.note.empty()) lines.push_back("note: " + now.note);
  if (!now.last_error.empty() && why.find(now.last_error) == std::string::npos)
    lines.push_back("last error: " + now.last_error);
  explain_time(job, lines);
  const bool by_sink = held.sink_holds;
  if (!held.sink_error.empty())
    lines.push_back("the sink cannot be asked for its position: " + held.sink_error);
  for (const auto& position : by_sink ? held.sink : held.local) {
    lines.push_back(fmt::format("position ({}): {}{}", by_sink ? "held by the sink" : "local copy",
                                in_partition(position.partition), position.words));
  }
  if ((by_sink ? held.sink : held.local).empty()) {
    lines.push_back("position: none; the next run begins with a full sync");
  }
  if (now.dead_letters > 0) {
    lines.push_back(fmt::format("dead letters: {}; `syncctl dead-letters list {}` shows them",
                                human_count(now.dead_letters), job));
  }
  co_return lines;
}

}  // namespace syncd
