// What the stages of a run tell its runner, and what the runner shows of it.
#include <fmt/format.h>

#include "daemon/base/log.hpp"
#include "jobs/runner.hpp"

namespace syncd::jobs {
namespace {

// The local copy of a position that the sink holds too is for people: now and then is enough.
constexpr Duration kLocalCopyEvery = std::chrono::seconds(1);
constexpr Duration kLocalCopyAtRest = std::chrono::milliseconds(250);
constexpr Duration kRateWindow = std::chrono::seconds(2);

}  // namespace

RunnerView Runner::view() const {
  RunnerView view = view_;
  if (!local_trouble_.empty()) view.note = local_trouble_ + (view.note.empty() ? "" : "; ") + view.note;
  if (view.lag && !view.caught_up) *view.lag += clock_.now() - lag_at_;
  const Duration elapsed = clock_.now() - rate_since_;
  const bool first = view.rows_per_second == 0 && elapsed >= kRateWindow / 8;
  if (first || elapsed >= kRateWindow) {
    view.rows_per_second = static_cast<double>(rate_rows_) / std::chrono::duration<double>(elapsed).count();
  }
  return view;
}

// --- Progress ----------------------------------------------------------------------------------------

void Runner::opened(const Positions& from, bool held_by_sink) {
  const auto local = database_.positions(plan_.job.name);
  if (held_by_sink && from.empty() && !local.empty()) {
    log::warn(plan_.job.name, "the sink holds no checkpoint (it did before): full sync");
  }
  breakers_.sink_answered();
  view_.positions = from.all();
  if (!before_) before_ = view_.positions;
  view_.fenced = false;
  rate_since_ = clock_.now();
  rate_rows_ = 0;
  narrator_.step(from.empty() ? "reads from the beginning" : "goes on from its checkpoint");
  changed_();
}

void Runner::save(const Position& position, bool held_by_sink) {
  view_.positions[position.partition()] = position.text();
  unsaved_.insert(position.partition());
  if (held_by_sink && clock_.now() - saved_at_ < kLocalCopyEvery) return;
  try {
    save_unsaved();
    local_copy_saved();
  } catch (const Error& error) {
    if (!held_by_sink) throw;  // a full disk stops only those who need it
    local_copy_failed(error);
  }
}

// In one transaction: a source may have thousands of partitions.
void Runner::save_unsaved() {
  saved_at_ = clock_.now();
  std::map<std::string, std::string> positions;
  for (const std::string& partition : unsaved_) {
    const auto found = view_.positions.find(partition);
    if (found != view_.positions.end()) positions.insert(*found);
  }
  database_.save_positions(plan_.job.name, positions, clock_.wall_now());
  unsaved_.clear();
}

void Runner::local_copy_saved() {
  if (!local_trouble_.empty()) log::info(plan_.job.name, "the position is kept locally again");
  local_trouble_.clear();
}

void Runner::local_copy_failed(const Error& error) {
  const bool known = !local_trouble_.empty();
  local_trouble_ = fmt::format("only the sink holds the position now: {}", error.what());
  if (!known) log::warn(plan_.job.name, "{}", local_trouble_);
}

void Runner::advanced(const Batch& batch) {
  view_.last_commit = clock_.wall_now();
  breakers_.answered();
  view_.rows += batch.rows();
  view_.bytes += batch.bytes();
  ++view_.batches;
  view_.caught_up = batch.caught_up();
  narrator_.delivered(batch, view_.rows);
  if (!view_.last_error.empty()) {
    log::info({plan_.job.name, run_->id, log::kJobRecovered}, "recovered");
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
  if (view_.caught_up && !unsaved_.empty() && clock_.now() - saved_at_ >= kLocalCopyAtRest) {
    try {
      save_unsaved();
      local_copy_saved();
    } catch (const Error& error) {
      local_copy_failed(error);
    }
  }
  changed_();
}

// --- Monitor -----------------------------------------------------------------------------------------

void Runner::waiting_for(std::string why) {
  if (view_.waiting_for == why) return;
  if (!why.empty()) narrator_.step("waits: " + why);
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

void Runner::warn(std::string text) {
  log::warn(plan_.job.name, "{}", text);
  narrator_.step("warning: " + text);
}

void Runner::take(const BadRecord& bad) {
  narrator_.step(fmt::format("bad record: {}; record: {}", bad.error, bad.record));
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
