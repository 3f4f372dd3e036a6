// Jobs come, change and go; what an operator does to them, and what is told about them.
#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"
#include "daemon/schedule/scheduler_entry.hpp"

namespace syncd::schedule {
namespace {

// A one-shot that nobody has seen may lie in the past.
constexpr WallTime kLongAgo = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);
// A clock that was ahead by more than this was wrong when it said what is decided.
constexpr Duration kAhead = std::chrono::hours(24);

}  // namespace

void Scheduler::add(const std::string& name, Settings settings, Runnable& job,
                    std::optional<std::string> paused) {
  if (const auto found = entries_.find(name); found != entries_.end()) {
    Entry& entry = *found->second;
    if (entry.leaving) {
      entry.leaving->wanted_back = true;
      entry.leaving->decided.notify();
      entry.leaving.reset();
    }
    entry.paused = std::move(paused);
    entry.settings = std::move(settings);
    begin_anew(entry);
    return;
  }
  auto made = std::make_unique<Entry>(name, std::move(settings), job, std::move(paused));
  Entry& entry = *entries_.emplace(name, std::move(made)).first->second;
  try {
    go_on(entry);
  } catch (const Error& error) {
    log::warn(name, "what it did before is not known: {}", error.what());
    begin_anew(entry);
  }
}

// Where an earlier process left it.
void Scheduler::go_on(Entry& entry) {
  const WallTime now = clock_.wall_now();
  const auto known = history_.state(entry.name);
  auto cut = history_.interrupted(entry.name);
  const bool same = known && known->schedule == entry.schedule_key();
  if (known) entry.state = *known;
  if (cut && cut->cause != Cause::Range) {
    Waiting waiting(std::move(*cut));
    waiting.resumes = true;
    wait_in_queue(entry, std::move(waiting));
  }
  if (!same) return begin_anew(entry);
  entry.seen = std::min(entry.state.decided, now + std::chrono::duration_cast<WallTime::duration>(kAhead));
  entry.cursor = std::min(entry.seen, now - entry.settings.jitter);
  plan(entry);
  plan_first(entry);
}

// By another schedule than before, or the first time.
void Scheduler::begin_anew(Entry& entry) {
  const WallTime now = clock_.wall_now();
  const bool once = entry.settings.schedule.kind() == Schedule::Kind::At;
  entry.state.schedule = entry.schedule_key();
  entry.cursor = entry.seen = once ? kLongAgo : now;
  try {
    history_.save(entry.name, state_of(entry));
  } catch (const Error& error) {
    log::warn(entry.name, "the history will not be complete: {}", error.what());
  }
  unplan(entry);
  plan(entry);
  if (!entry.running && entry.waiting.empty()) plan_first(entry);
  changed(entry);
}

// What has no planned time: at once, or as long after the last end as is left of it.
void Scheduler::plan_first(Entry& entry) {
  if (!entry.steady() || entry.running || !entry.waiting.empty()) return;
  Duration wait{0};
  if (entry.settings.schedule.kind() == Schedule::Kind::After && entry.state.ended) {
    const Duration interval = entry.settings.schedule.interval();
    wait =
        std::clamp<Duration>(interval - (clock_.wall_now() - *entry.state.ended), Duration::zero(), interval);
  }
  plan_in(entry, wait);
}

void Scheduler::update(const std::string& name, Settings settings) {
  Entry& entry = entry_of(name);
  entry.settings = std::move(settings);
  if (entry.schedule_key() == entry.state.schedule) {
    if (!entry.steady()) plan(entry);  // the jitter may be another one
    wake_.notify();
    return;
  }
  drop_planned(entry, "the schedule was changed");
  begin_anew(entry);
}

coro::Task<bool> Scheduler::remove(std::string name) {
  Entry& entry = entry_of(name);
  const auto leaving = std::make_shared<Leaving>(clock_);
  entry.leaving = leaving;
  unplan(entry);
  drop_waiting(entry, "the job was taken out of the configuration");
  if (entry.running) co_await leaving->decided.wait();
  if (leaving->wanted_back) co_return false;
  entries_.erase(name);
  wake_.notify();
  co_return true;
}

void Scheduler::drop_waiting(Entry& entry, const std::string& why) {
  leave_queue(entry);
  // One by one: the rest is not decided before it has its row.
  while (!entry.waiting.empty()) {
    Waiting waiting = std::move(entry.waiting.front());
    entry.waiting.pop_front();
    drop(entry, std::move(waiting), why);
  }
}

// What an operator asked for, which is always the first, goes on waiting.
void Scheduler::drop_planned(Entry& entry, const std::string& why) {
  std::optional<Waiting> asked;
  if (!entry.waiting.empty() && !entry.waiting.front().planned()) {
    asked = std::move(entry.waiting.front());
    entry.waiting.pop_front();
  }
  drop_waiting(entry, why);
  if (asked) wait_in_queue(entry, *std::move(asked));
}

void Scheduler::set_limits(Limits limits) {
  limits_ = std::move(limits);
  wake_.notify();
}

// --- operators ---------------------------------------------------------------------------------------

bool Scheduler::trigger(const std::string& name, Cause cause) {
  Entry& entry = entry_of(name);
  if (entry.running || !entry.waiting.empty() || entry.leaving || draining_) return false;
  RunRecord run;
  run.planned = clock_.wall_now();
  run.cause = cause;
  if (entry.steady()) unplan(entry);  // what comes next counts from the end of this one
  Waiting waiting(std::move(run));
  wait_in_queue(entry, std::move(waiting));
  return true;
}

void Scheduler::pause(const std::string& name, std::string why) {
  Entry& entry = entry_of(name);
  entry.paused = std::move(why);
  wake_.notify();
  changed(entry);
}

void Scheduler::resume(const std::string& name) {
  Entry& entry = entry_of(name);
  entry.paused.reset();
  entry.state.failures = 0;
  const bool soon = entry.continuous() && !entry.running;  // the delay is for those that failed
  if (std::exchange(entry.parked, false) || soon) plan_first(entry);
  wake_.notify();
  changed(entry);
}

// --- what is told ------------------------------------------------------------------------------------

std::optional<WallTime> Scheduler::next(const std::string& name) const {
  const Entry& entry = entry_of(name);
  if (entry.paused) return std::nullopt;
  if (entry.next) return *entry.next + entry.settings.jitter;
  if (!entry.steady_slot) return std::nullopt;
  const Duration left = (*entry.steady_slot)->first - clock_.now();
  return clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(left);
}

std::vector<Upcoming> Scheduler::upcoming(const std::string& name, std::size_t most) const {
  const Entry& entry = entry_of(name);
  std::vector<Upcoming> all;
  const Schedule& schedule = entry.settings.schedule;
  if (entry.paused) return all;
  if (entry.steady() && most != 0) {
    if (const auto at = next(name)) all.push_back(Upcoming{*at, *at, ""});
    return all;
  }
  for (auto at = entry.next; at && all.size() < most; at = schedule.next_after(*at)) {
    all.push_back(Upcoming{*at, *at + entry.settings.jitter, schedule.note(*at)});
  }
  return all;
}

std::string Scheduler::why_none(const std::string& name) const {
  const Entry& entry = entry_of(name);
  if (entry.paused) return paused_text(*entry.paused);
  const std::string& text = entry.settings.schedule.text();
  switch (entry.settings.schedule.kind()) {
    case Schedule::Kind::Manual:
      return text + ": runs when somebody says `syncctl run`";
    case Schedule::Kind::Continuous:
      return text + (entry.running ? ": runs now, without an end" : ": is about to run");
    case Schedule::Kind::Startup:
      return text + ": runs when the daemon starts";
    case Schedule::Kind::At:
      return text + ": is past";
    case Schedule::Kind::After:
      return text + (entry.running ? ": counts from the end of the run under way" : ": is about to run");
    case Schedule::Kind::Every:
    case Schedule::Kind::Cron:
      break;
  }
  return text + ": has no occurrence any more";
}

std::string Scheduler::waiting_for(const std::string& name) const {
  const Entry& entry = entry_of(name);
  return entry.waiting.empty() ? "" : entry.waiting.front().why;
}

}  // namespace syncd::schedule
