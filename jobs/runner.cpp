#include "jobs/runner.hpp"

#include <fmt/format.h>

#include "daemon/base/log.hpp"
#include "daemon/coro/timeout.hpp"
#include "daemon/status/relay.hpp"
#include "jobs/connections.hpp"

namespace syncd::jobs {
namespace {

// How often a continuous job looks whether the daemon that owns its sink is still there.
constexpr Duration kStandBy = std::chrono::seconds(10);

}  // namespace

Runner::Runner(Clock& clock, const JobPlan& plan, Connections& connections, store::Database& database,
               std::function<void()> changed, bool until_caught_up)
    : clock_(clock),
      plan_(plan),
      connections_(connections),
      breakers_(plan, connections),
      narrator_(clock, connections.relay(), plan.job.name),
      database_(database),
      changed_(std::move(changed)),
      continuous_(!until_caught_up && plan.schedule.kind() == schedule::Schedule::Kind::Continuous) {
  view_.positions = database_.positions(plan_.job.name);
}

RunContext Runner::context() {
  RunContext context(clock_, connections_, *this, *this, plan_.job.name, database_.instance());
  context.continuous = continuous_ && !range_;
  if (range_) context.range = *range_;
  context.state_dir = database_.directory();
  if (view_.started) context.run = rfc3339(*view_.started);
  return context;
}

void Runner::stop(bool hard, std::string reason) {
  if (!run_) return;
  if (run_->stop_reason.empty()) run_->stop_reason = std::move(reason);
  if (hard) {
    run_->hard.request_stop();
  } else {
    run_->soft.request_stop();
  }
}

Task<> Runner::assign(Positions positions) {
  RunContext run_context = context();
  const auto sink = plan_.sink.make(run_context);
  co_await sink->assign(positions);
  view_.positions = positions.all();
  unsaved_.clear();
  database_.replace_positions(plan_.job.name, view_.positions, clock_.wall_now());
  changed_();
}

// --- one run -----------------------------------------------------------------------------------------

coro::Task<schedule::RunRecord> Runner::run(schedule::RunRecord record) {
  const std::stop_token* parent = co_await coro::this_coro::stop_token();
  run_ = std::make_unique<Run>(parent);
  run_->id = record.id;
  begin(record);
  std::optional<Alarm> timeout;
  if (plan_.job.timeout.count() != 0) {
    timeout.emplace(clock_, clock_.now() + plan_.job.timeout, run_->hard);
  }
  Verdict verdict = co_await attempts();
  const bool too_long = timeout && timeout->rang() && run_->stop_reason.empty();
  if (too_long && verdict.end == Verdict::End::Cancelled) {
    fail(verdict, fmt::format("not done within {} (timeout)", human_duration(plan_.job.timeout)));
  }
  timeout.reset();
  conclude(verdict, record);
  finish(record);
  co_return record;
}

void Runner::begin(const store::RunRecord& record) {
  RunnerView fresh;
  fresh.positions = std::move(view_.positions);
  fresh.last_commit = view_.last_commit;
  fresh.last_error = std::move(view_.last_error);  // until it moves again
  fresh.last_error_at = view_.last_error_at;
  view_ = std::move(fresh);
  view_.started = record.started;
  view_.state = RunnerView::State::Running;
  before_.reset();
  narrator_.step("the run begins");
  changed_();
}

// Until one attempt is done, or the last one has failed.
Task<Runner::Verdict> Runner::attempts() {
  TimePoint failing_since = clock_.now();
  unsigned failures = 0;  // in a row
  Verdict verdict;
  while (true) {
    const bool passed = co_await pass_breakers();
    if (!passed) {
      verdict.end = Verdict::End::Cancelled;
      break;
    }
    ++view_.attempts;
    const std::uint64_t rows_before = view_.rows;
    verdict = co_await judged_attempt();
    if (verdict.end == Verdict::End::Done) breakers_.answered();
    if (verdict.end == Verdict::End::Cancelled) breakers_.gave_up();
    if (verdict.end != Verdict::End::Failed) break;
    breakers_.failed(clock_.now(), verdict.connection, failed_in_sink_, verdict.retry);
    const bool moved = view_.rows > rows_before;  // then this is a new failure
    if (moved || failures == 0) failing_since = clock_.now();
    if (moved) failures = 0;
    const bool stand_by = verdict.fenced && continuous_ && !range_;
    if (!stand_by) ++failures;
    const config::Retry& retry = plan_.job.retry;
    const bool exhausted = (retry.attempts != 0 && failures >= retry.attempts) ||
                           (retry.total.count() != 0 && clock_.now() - failing_since >= retry.total);
    if (!stand_by && (!verdict.retry || exhausted)) break;
    const bool again = co_await wait_before_retry(verdict, failures);
    if (!again) {
      verdict.end = Verdict::End::Cancelled;
      break;
    }
  }
  co_return verdict;
}

void Runner::fail(Verdict& verdict, std::string error) {
  verdict.end = Verdict::End::Failed;
  verdict.error = std::move(error);
  view_.caught_up = false;
  view_.last_error = verdict.error;
  view_.last_error_at = clock_.wall_now();
}

void Runner::conclude(const Verdict& verdict, store::RunRecord& record) {
  switch (verdict.end) {
    case Verdict::End::Done:
      record.outcome = "succeeded";
      view_.last_error.clear();
      break;
    case Verdict::End::Cancelled:
      record.outcome = "cancelled";
      record.error = run_->stop_reason;
      break;
    case Verdict::End::Failed:
      record.outcome = "failed";
      record.error = verdict.error;
      view_.fenced = verdict.fenced;
      log::error({record.job, record.id, log::kJobFailed}, "failed after {} attempt{}: {}", view_.attempts,
                 view_.attempts == 1 ? "" : "s", verdict.error);
      break;
  }
}

void Runner::finish(store::RunRecord& record) {
  record.ended = clock_.wall_now();
  record.attempts += view_.attempts;  // those before an interruption count too
  record.rows += view_.rows;
  record.bytes += view_.bytes;
  try {
    if (!unsaved_.empty()) save_all();
  } catch (const Error& error) {
    log::warn(plan_.job.name, "saving the position: {}", error.what());
  }
  record_moves(record);
  range_.reset();
  run_.reset();
  view_.state = RunnerView::State::Idle;
  view_.waiting_for.clear();
  view_.note.clear();
  view_.started.reset();
  const std::string why =
      record.outcome == "succeeded" || !record.error.empty() ? record.error : record.outcome;
  connections_.relay().publish(plan_.job.name, status::Piece("", status::Piece::Kind::Ended, why));
  changed_();
}

void Runner::record_moves(store::RunRecord& record) const {
  if (!before_) return;  // no attempt came as far as to know its position
  for (const auto& [partition, text] : view_.positions) {
    const auto before = before_->find(partition);
    if (before != before_->end() && before->second == text) continue;
    record.before[partition] = before == before_->end() ? std::string() : before->second;
    record.after[partition] = text;
  }
}

void Runner::save_all() {
  database_.replace_positions(plan_.job.name, view_.positions, clock_.wall_now());  // in one transaction
  unsaved_.clear();
  saved_at_ = clock_.now();
}

// An attempt and its failure as a value: nothing may be awaited in a handler.
Task<Runner::Verdict> Runner::judged_attempt() {
  Verdict verdict;
  try {
    co_await attempt();
  } catch (const coro::Cancelled&) {
    verdict.end = Verdict::End::Cancelled;
  } catch (const Error& error) {
    fail(verdict, error.what());
    verdict.retry = error.kind() == ErrorKind::Transient;
    verdict.fenced = error.kind() == ErrorKind::Fenced;
    verdict.retry_after = error.retry_after();
    verdict.connection = error.connection();
  } catch (const std::exception& error) {
    fail(verdict, fmt::format("internal error: {}", error.what()));
  }
  co_return verdict;
}

Task<> Runner::attempt() {
  view_.state = RunnerView::State::Running;
  view_.waiting_for.clear();
  view_.note.clear();
  // A server that does not answer holds an attempt much longer than the pause before it.
  if (view_.attempts > 1 && !view_.last_error.empty()) {
    view_.waiting_for = fmt::format("{}; attempt {}", view_.last_error, view_.attempts);
  }
  if (view_.attempts > 1) narrator_.step(fmt::format("attempt {} begins", view_.attempts));
  changed_();
  RunContext run_context = context();
  failed_in_sink_ = false;
  Pipeline pipeline(plan_, run_context);
  Positions local;
  for (const auto& [partition, text] : database_.positions(plan_.job.name)) {
    local.advance(Position(partition, text));
  }
  try {
    co_await pipeline.run(std::move(local), *this, run_->soft.token()).with_stop(run_->hard.token());
  } catch (const Error&) {
    failed_in_sink_ = pipeline.failed_in_sink();
    throw;
  }
}

// False: told to stop meanwhile.
Task<bool> Runner::wait_before_retry(const Verdict& verdict, unsigned failures) {
  Duration wait = kStandBy;
  if (!verdict.fenced) {
    const policy::Backoff backoff(plan_.job.retry.backoff.first, plan_.job.retry.backoff.second);
    const double chance = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
    wait = backoff.wait(failures, chance);
    if (verdict.retry_after) wait = std::max<Duration>(wait, *verdict.retry_after);
    log::warn(plan_.job.name, "{}; next try in {}", verdict.error, human_duration(wait));
  } else if (!view_.fenced) {
    log::warn(plan_.job.name, "{}; standing by", verdict.error);
  }
  view_.fenced = verdict.fenced;
  view_.state = RunnerView::State::Waiting;
  view_.waiting_for =
      fmt::format("{}; next try at {}", verdict.error,
                  rfc3339(clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(wait)));
  narrator_.step(view_.waiting_for);
  changed_();
  const bool rested = co_await rest(wait);
  co_return rested;
}

// False: told to stop meanwhile.
Task<bool> Runner::rest(Duration time) {
  bool stopped = false;
  try {
    co_await [](Clock& clock, Duration of)
                 -> Task<> { co_await sleep_for(clock, of); }(clock_, time).with_stop(run_->soft.token());
  } catch (const coro::Cancelled&) {
    stopped = true;
  }
  co_return !stopped;
}

// False: told to stop meanwhile.
Task<bool> Runner::pass_breakers() {
  while (true) {
    const auto closed = breakers_.gate(clock_);
    if (!closed) break;
    view_.state = RunnerView::State::Waiting;
    // The breaker says until when; why it is open is what the operator must know.
    waiting_for(view_.last_error.empty() ? closed->why
                                         : fmt::format("{}; {}", view_.last_error, closed->why));
    const bool rested = co_await rest(closed->ask_again - clock_.now());
    if (!rested) co_return false;
  }
  breakers_.begin();
  co_return true;
}

}  // namespace syncd::jobs
