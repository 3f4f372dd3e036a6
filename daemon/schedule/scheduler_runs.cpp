// An occurrence that is due: it starts, waits or is given up; runs end.
#include <fmt/format.h>

#include "daemon/base/crash_point.hpp"
#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"
#include "daemon/schedule/scheduler_entry.hpp"

namespace syncd::schedule {
namespace {

// Without the journal a run could start twice; the jobs whose sink holds the position can do without.
template <class Write>
bool written(const std::string& job, Write write) {
  try {
    write();
    return true;
  } catch (const Error& error) {
    log::warn(job, "the history will not be complete: {}", error.what());
    return false;
  }
}

}  // namespace

// --- start, wait or drop -----------------------------------------------------------------------------

// True: a run has started.
bool Scheduler::admit(Entry& entry) {
  while (!entry.waiting.empty()) {
    Waiting& waiting = entry.waiting.front();
    const Decision decision = judge(entry, waiting);
    if (decision.what == Decision::What::Wait) {
      if (waiting.why != decision.why) {
        waiting.why = decision.why;
        changed(entry);
      }
      return false;
    }
    Waiting taken = std::move(waiting);
    entry.waiting.pop_front();
    leave_queue(entry);
    if (!entry.waiting.empty()) entry.queue_slot = queue_.insert(queue_.end(), &entry);
    if (decision.what == Decision::What::Start) {
      start(entry, std::move(taken));
      return true;
    }
    drop(entry, std::move(taken), decision.why);
    if (entry.paused) {
      entry.parked = entry.steady();
    } else {
      plan_after_run(entry);
    }
  }
  return false;
}

Scheduler::Decision Scheduler::judge(Entry& entry, const Waiting& waiting) {
  using What = Decision::What;
  const bool by_policy = waiting.planned() && !waiting.resumes;
  if (entry.paused && by_policy) return Decision(What::Drop, paused_text(*entry.paused));
  if (entry.paused && waiting.resumes) return Decision(What::Wait, paused_text(*entry.paused));
  if (waiting.deadline && clock_.now() >= *waiting.deadline) {
    return Decision(What::Drop, fmt::format("could not start within {} (start_deadline){}",
                                            human_duration(entry.settings.start_deadline),
                                            waiting.why.empty() ? "" : ": waited for " + waiting.why));
  }
  if (waiting.deadline) ask_again(*waiting.deadline);
  if (entry.running) return Decision(What::Wait, "the end of its run under way");
  if (by_policy) {
    Decision needed = judge_needs(waiting, entry.settings.needs);
    if (needed.what != What::Start) return needed;
  }
  if (waiting.planned()) {
    if (const auto gate = entry.job.gate()) {
      ask_again(gate->ask_again);
      return Decision(What::Wait, gate->why);
    }
  }
  return judge_room(entry);
}

// Each needed job has nothing left to do up to our occurrence, and did well the last time.
Scheduler::Decision Scheduler::judge_needs(const Waiting& waiting,
                                           const std::vector<std::string>& needs) const {
  using What = Decision::What;
  for (const std::string& name : needs) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return Decision(What::Drop, fmt::format("needs {}, which is gone", name));
    const Entry& needed = *found->second;
    const WallTime now = clock_.wall_now();
    if (needed.running) {
      const WallTime since = needed.running->run.started;
      return Decision(What::Wait,
                      fmt::format("{}, which runs since {}", name, needed.clock_text(since, now)));
    }
    if (!needed.waiting.empty()) return Decision(What::Wait, fmt::format("{}, which waits itself", name));
    if (needed.next && *needed.next <= waiting.run.planned) {
      return Decision(What::Wait, fmt::format("{}, which is about to run", name));
    }
    if (!needed.state.succeeded) {
      return Decision(What::Drop, fmt::format("needs {}, which has not run yet", name));
    }
    if (!*needed.state.succeeded) {
      return Decision(What::Drop,
                      fmt::format("needs {}, which did not succeed: {}", name, needed.state.why_not));
    }
  }
  return Decision(What::Start);
}

Scheduler::Decision Scheduler::judge_room(const Entry& entry) {
  using What = Decision::What;
  const std::string& group = entry.settings.group;
  if (!group.empty() && in_group_[group] >= limits_.room_of(group)) {
    return Decision(What::Wait, fmt::format("room in the group '{}' (place {})", group, ++ahead_[group]));
  }
  const bool full = limits_.max_running != 0 && running_ >= limits_.max_running;
  if (full && !entry.continuous()) {
    // No group has this name.
    return Decision(What::Wait, fmt::format("room for one more than the {} that run (max_running; place {})",
                                            limits_.max_running, ++ahead_[""]));
  }
  return Decision(What::Start);
}

// --- a run -------------------------------------------------------------------------------------------

void Scheduler::start(Entry& entry, Waiting waiting) {
  RunRecord run = std::move(waiting.run);
  if (waiting.resumes) {
    ++run.resumed;
    run.outcome = "running";
    run.error.clear();
    run.ended.reset();
    written(entry.name, [&] { history_.go_on(run); });
  } else {
    run.started = clock_.wall_now();
    if (!record_start(entry, run)) return;
  }
  crash_point("occurrence_recorded");
  const std::string& group = entry.settings.group;
  entry.running = std::make_unique<Entry::Running>(run, group, !entry.continuous());
  if (!group.empty()) ++in_group_[group];
  if (entry.running->counted) ++running_;
  changed(entry);
  runs_->spawn(drive(entry, std::move(run)));
}

// False: this occurrence has run already, before the clock was set back.
bool Scheduler::record_start(Entry& entry, RunRecord& run) {
  bool fresh = true;
  const auto begin = [&] { fresh = history_.begin(run, state_of(entry)); };
  if (!written(entry.name, begin)) return true;
  // An interval goes on all the same: what it counts is not what the clock shows.
  const auto kind = entry.settings.schedule.kind();
  const bool named_by_clock = kind == Schedule::Kind::Cron || kind == Schedule::Kind::At;
  const bool again = !named_by_clock && run.cause != Cause::CatchUp;
  while (!fresh && again) {
    run.planned += WallTime::duration(1);
    if (!written(entry.name, begin)) return true;
  }
  return fresh;
}

coro::Task<> Scheduler::drive(Entry& entry, RunRecord run) {
  RunRecord ended = run;
  try {
    ended = co_await entry.job.run(run);
  } catch (const coro::Cancelled&) {
    ended.outcome = "cancelled";
  }
  finish(entry, std::move(ended));
}

void Scheduler::finish(Entry& entry, RunRecord run) {
  if (!entry.running->group.empty()) --in_group_[entry.running->group];
  if (entry.running->counted) --running_;
  entry.running.reset();
  run.ended = clock_.wall_now();
  if (draining_ && run.outcome == "cancelled") run.outcome = "interrupted";
  note_end(entry.state, run);
  if (run.outcome == "failed") pause_on_failures(entry, run.error);
  const bool fold = entry.continuous() && run.outcome == "failed";
  written(entry.name, [&] {
    if (run.id != 0) return history_.end(run, state_of(entry), fold);
    history_.save(entry.name, state_of(entry));
  });
  plan_after_run(entry);
  if (entry.leaving) entry.leaving->decided.notify();
  wake_.notify();
  changed(entry);
}

void Scheduler::pause_on_failures(Entry& entry, const std::string& error) {
  const std::uint32_t most = entry.settings.pause_on_failures;
  if (most == 0 || entry.state.failures < most || entry.paused) return;
  const std::string runs =
      entry.state.failures == 1 ? "a run" : fmt::format("{} runs in a row", entry.state.failures);
  const std::string why = fmt::format("{} failed (pause_on_failures), the last with: {}", runs, error);
  log::error(entry.name, "paused: {}", why);
  written(entry.name, [&] { history_.pause(entry.name, why, clock_.wall_now()); });
  entry.paused = why;
}

// What counts from the end of a run.
void Scheduler::plan_after_run(Entry& entry) {
  if (draining_) return;
  if (entry.continuous()) plan_in(entry, kRestartDelay);
  if (entry.settings.schedule.kind() == Schedule::Kind::After)
    plan_in(entry, entry.settings.schedule.interval());
}

// One that waited does not run.
void Scheduler::drop(Entry& entry, Waiting waiting, const std::string& why) {
  if (waiting.resumes) return give_up(entry, std::move(waiting.run), why);
  skip(entry, waiting.run.planned, waiting.run.cause, why);
  if (!waiting.planned()) entry.job.left_out(why);
}

// An interrupted run does not go on.
void Scheduler::give_up(Entry& entry, RunRecord run, const std::string& why) {
  run.outcome = "cancelled";
  run.error = why;
  note_end(entry.state, run);
  written(entry.name, [&] { history_.end(run, state_of(entry), false); });
}

// --- what does not run -------------------------------------------------------------------------------

void Scheduler::skip(Entry& entry, WallTime planned, Cause cause, const std::string& why) {
  RunRecord row;
  row.planned = planned;
  row.cause = cause;
  row.outcome = "skipped";
  row.error = why;
  not_run(entry, std::move(row));
}

void Scheduler::not_run(Entry& entry, RunRecord row) {
  row.job = entry.name;
  row.started = clock_.wall_now();
  const std::string when = entry.clock_text(row.planned, row.started);
  if (entry.state.why_not != row.error) log::info(entry.name, "{} {}: {}", row.outcome, when, row.error);
  if (!entry.running) {
    entry.state.succeeded = false;
    entry.state.why_not = row.error;
  }
  written(entry.name, [&] { history_.not_run(row, state_of(entry)); });
  changed(entry);
}

// What waits is not decided yet: a daemon that starts again would find it.
const JobState& Scheduler::state_of(Entry& entry) const {
  entry.state.decided = entry.seen;
  for (const Waiting& waiting : entry.waiting) {
    if (!waiting.planned() || waiting.resumes) continue;
    entry.state.decided = std::min(entry.state.decided, waiting.run.planned - WallTime::duration(1));
  }
  return entry.state;
}

void Scheduler::changed(const Entry& entry) const {
  if (on_change_) on_change_(entry.name);
}

}  // namespace syncd::schedule
