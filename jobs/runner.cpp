#include "jobs/runner.hpp"

#include <fmt/format.h>

#include "daemon/base/log.hpp"
#include "daemon/coro/timeout.hpp"

namespace syncd::jobs {
namespace {

// The local copy of a position that the sink holds too is for people: now and then is enough.
constexpr Duration kLocalCopyEvery = std::chrono::seconds(1);
// How often a continuous job looks whether the daemon that owns its sink is still there.
constexpr Duration kStandBy = std::chrono::seconds(10);
constexpr Duration kRateWindow = std::chrono::seconds(2);

}  // namespace

Runner::Runner(Clock& clock, const JobPlan& plan, Connections& connections, store::Database& database,
               std::function<void()> changed, bool until_caught_up)
    : clock_(clock),
      plan_(plan),
      connections_(connections),
      database_(database),
      changed_(std::move(changed)),
      continuous_(!until_caught_up && plan.schedule.kind() == schedule::Schedule::Kind::Continuous) {
  view_.positions = database_.positions(plan_.job.name);
}

RunContext Runner::context() {
  RunContext context(clock_, connections_, *this, *this, plan_.job.name, database_.instance());
  context.continuous = continuous_;
  context.state_dir = database_.directory();
  if (view_.started) context.run = rfc3339(*view_.started);
  return context;
}

RunnerView Runner::view() const {
  RunnerView view = view_;
  if (view.lag && !view.caught_up) *view.lag += clock_.now() - lag_at_;
  const Duration elapsed = clock_.now() - rate_since_;
  const bool first = view.rows_per_second == 0 && elapsed >= kRateWindow / 8;
  if (first || elapsed >= kRateWindow) {
    view.rows_per_second = static_cast<double>(rate_rows_) / std::chrono::duration<double>(elapsed).count();
  }
  return view;
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
  unsaved_ = false;
  database_.replace_positions(plan_.job.name, view_.positions, clock_.wall_now());
  changed_();
}

Task<store::RunRecord> Runner::wait_for_end() {
  coro::Signal ended(clock_);
  struct Registered {
    std::list<coro::Signal*>& all;
    std::list<coro::Signal*>::iterator mine;
    ~Registered() { all.erase(mine); }
  };
  Registered registered{waiters_, waiters_.insert(waiters_.end(), &ended)};
  co_await ended.wait();
  co_return last_;
}

// --- one run -----------------------------------------------------------------------------------------

coro::Task<schedule::RunRecord> Runner::run(schedule::RunRecord record) {
  const std::stop_token* parent = co_await coro::this_coro::stop_token();
  run_.emplace(parent);
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
  fresh.last_error = std::move(view_.last_error);  // until it moves again
  fresh.last_error_at = view_.last_error_at;
  view_ = std::move(fresh);
  view_.started = record.started;
  view_.state = RunnerView::State::Running;
  before_.reset();
  changed_();
}

// Until one attempt is done, or the last one has failed.
Task<Runner::Verdict> Runner::attempts() {
  TimePoint failing_since = clock_.now();
  unsigned failures = 0;  // in a row
  Verdict verdict;
  while (true) {
    ++view_.attempts;
    const std::uint64_t rows_before = view_.rows;
    verdict = co_await judged_attempt();
    if (verdict.end != Verdict::End::Failed) break;
    const bool moved = view_.rows > rows_before;  // then this is a new failure
    if (moved || failures == 0) failing_since = clock_.now();
    if (moved) failures = 0;
    const bool stand_by = verdict.fenced && continuous_;
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
      log::error(record.job, "failed after {} attempt{}: {}", view_.attempts, view_.attempts == 1 ? "" : "s",
                 verdict.error);
      break;
  }
}

void Runner::finish(store::RunRecord& record) {
  record.ended = clock_.wall_now();
  record.attempts += view_.attempts;  // those before an interruption count too
  record.rows += view_.rows;
  record.bytes += view_.bytes;
  try {
    if (unsaved_) save_all();
  } catch (const Error& error) {
    log::warn(plan_.job.name, "saving the position: {}", error.what());
  }
  record_moves(record);
  last_ = record;
  run_.reset();
  view_.state = RunnerView::State::Idle;
  view_.waiting_for.clear();
  view_.note.clear();
  view_.started.reset();
  for (coro::Signal* waiter : waiters_) waiter->notify();
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
  for (const auto& [partition, text] : view_.positions) {
    database_.save_position(plan_.job.name, partition, text, clock_.wall_now());
  }
  unsaved_ = false;
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
  changed_();
  RunContext run_context = context();
  Pipeline pipeline(plan_, run_context);
  Positions local;
  for (const auto& [partition, text] : database_.positions(plan_.job.name)) {
    local.advance(Position(partition, text));
  }
  co_await pipeline.run(std::move(local), *this, run_->soft.token()).with_stop(run_->hard.token());
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
  changed_();
  bool stopped = false;
  try {
    co_await [](Clock& clock, Duration time)
                 -> Task<> { co_await sleep_for(clock, time); }(clock_, wait).with_stop(run_->soft.token());
  } catch (const coro::Cancelled&) {
    stopped = true;
  }
  co_return !stopped;
}

// --- Progress ----------------------------------------------------------------------------------------

void Runner::opened(const Positions& from, bool held_by_sink) {
  const auto local = database_.positions(plan_.job.name);
  if (held_by_sink && from.empty() && !local.empty()) {
    log::warn(plan_.job.name, "the sink holds no checkpoint (it did before): full sync");
  }
  view_.positions = from.all();
  if (!before_) before_ = view_.positions;
  view_.fenced = false;
  rate_since_ = clock_.now();
  rate_rows_ = 0;
  changed_();
}

void Runner::save(const Position& position, bool held_by_sink) {
  view_.positions[position.partition()] = position.text();
  TimePoint& saved = saved_at_[position.partition()];
  if (held_by_sink && clock_.now() - saved < kLocalCopyEvery) {
    unsaved_ = true;
    return;
  }
  saved = clock_.now();
  try {
    database_.save_position(plan_.job.name, position.partition(), position.text(), clock_.wall_now());
  } catch (const Error&) {
    if (!held_by_sink) throw;  // a full disk stops only those who need it
  }
}

void Runner::advanced(const Batch& batch) {
  view_.rows += batch.rows();
  view_.bytes += batch.bytes();
  ++view_.batches;
  view_.caught_up = batch.caught_up();
  if (!view_.last_error.empty()) {
    log::info(plan_.job.name, "recovered");
    view_.last_error.clear();
    view_.waiting_for.clear();
  }
  rate_rows_ += batch.rows();
  const Duration elapsed = clock_.now() - rate_since_;
  if (elapsed >= kRateWindow) {
    view_.rows_per_second = static_cast<double>(rate_rows_) / std::chrono::duration<double>(elapsed).count();
    rate_since_ = clock_.now();
    rate_rows_ = 0;
  }
  if (view_.caught_up && unsaved_) {
    try {
      save_all();
    } catch (const Error& error) {
      log::debug(plan_.job.name, "the local copy of the position: {}", error.what());
    }
  }
  changed_();
}

// --- Monitor -----------------------------------------------------------------------------------------

void Runner::waiting_for(std::string why) {
  if (view_.waiting_for == why) return;
  view_.waiting_for = std::move(why);
  changed_();
}

void Runner::note(std::string what) {
  if (view_.note == what) return;
  view_.note = std::move(what);
  changed_();
}

void Runner::lag(std::optional<std::chrono::nanoseconds> time, std::optional<std::uint64_t> rows) {
  view_.lag = time;
  lag_at_ = clock_.now();
  view_.lag_rows = rows;
}

void Runner::warn(std::string text) { log::warn(plan_.job.name, "{}", text); }

void Runner::take(const BadRecord& bad) {
  switch (plan_.job.on_bad_record) {
    case config::OnBadRecord::kHalt:
      throw Error(ErrorKind::Data, fmt::format("bad record: {}; record: {} (on_bad_record = \"halt\")",
                                               bad.error, bad.record));
    case config::OnBadRecord::kDeadLetter:
      database_.add_dead_letter(plan_.job.name, bad.record, bad.error, clock_.wall_now());
      log::warn(plan_.job.name, "a record went to the dead letters: {}", bad.error);
      break;
    case config::OnBadRecord::kSkip:
      log::warn(plan_.job.name, "a record was skipped: {}", bad.error);
      break;
  }
}

}  // namespace syncd::jobs
