#include "daemon/schedule/scheduler.hpp"

#include <algorithm>

#include "daemon/schedule/policy.hpp"
#include "daemon/schedule/scheduler_entry.hpp"

namespace syncd::schedule {
namespace {

// Where the system does not tell that the clock was set, we notice within this time.
constexpr Duration kLongestSleep = std::chrono::seconds(10);
// The loop has others to serve too: a thousand jobs may be due at the same instant.
constexpr Duration kSlice = std::chrono::milliseconds(1);

std::string busy_text(const auto& entry, WallTime now) {
  if (entry.running) return "still running since " + entry.clock_text(entry.running->run.started, now);
  const std::string& why = entry.waiting.front().why;
  return "an earlier occurrence still waits" + (why.empty() ? "" : ": " + why);
}

}  // namespace

Scheduler::Scheduler(Clock& clock, History& history, Limits limits,
                     std::function<void(const std::string&)> changed)
    : clock_(clock),
      history_(history),
      limits_(std::move(limits)),
      on_change_(std::move(changed)),
      last_look_(clock.wall_now()),
      wake_(clock) {}

Scheduler::~Scheduler() = default;

coro::Task<> Scheduler::serve() {
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  coro::AsyncScope runs(stop);
  runs_ = &runs;
  std::exception_ptr stopped;
  try {
    while (!draining_) {
      const bool more = look();
      const auto until = next_look();
      if (more) {
        co_await yield_to_loop(clock_);
      } else if (until) {
        co_await wake_.wait_until(*until);
      } else {
        co_await wake_.wait();
      }
    }
  } catch (const coro::Cancelled&) {
    draining_ = true;
    stopped = std::current_exception();
  }
  co_await runs.join();
  runs_ = nullptr;
  if (stopped) std::rethrow_exception(stopped);
}

void Scheduler::drain() {
  draining_ = true;
  wake_.notify();
}

void Scheduler::clock_stepped() { wake_.notify(); }

// --- what is due -------------------------------------------------------------------------------------

// True: there is more to do, which others need not wait for.
bool Scheduler::look() {
  const WallTime wall = clock_.wall_now();
  if (wall < last_look_) turn_back(wall);
  last_look_ = wall;
  const TimePoint enough = clock_.now() + kSlice;
  while (!by_steady_.empty() && by_steady_.begin()->first <= clock_.now()) {
    come_due(*by_steady_.begin()->second);
    if (clock_.now() >= enough) return true;
  }
  while (!by_wall_.empty() && by_wall_.begin()->first <= wall) {
    come_due(*by_wall_.begin()->second);
    if (clock_.now() >= enough) return true;
  }
  ahead_.clear();
  ask_again_.reset();
  for (auto at = queue_.begin(); at != queue_.end();) {
    Entry& entry = **at++;
    const bool started = admit(entry);
    if (started && clock_.now() >= enough) return true;
  }
  return false;
}

std::optional<TimePoint> Scheduler::next_look() const {
  std::optional<TimePoint> at = ask_again_;
  const auto sooner = [&at](TimePoint time) { at = at ? std::min(*at, time) : time; };
  if (!by_steady_.empty()) sooner(by_steady_.begin()->first);
  if (!by_wall_.empty()) {
    const WallTime::duration wait = by_wall_.begin()->first - clock_.wall_now();
    sooner(clock_.now() + std::clamp<Duration>(wait, Duration::zero(), kLongestSleep));
  }
  return at;
}

void Scheduler::come_due(Entry& entry) {
  const WallTime wall = clock_.wall_now();
  if (entry.steady_slot) {
    unplan(entry);
    entry.parked = entry.paused.has_value();
    arrive(entry, wall, Cause::Schedule);
    return;
  }
  const WallTime now = wall - entry.settings.jitter;
  const Due due =
      due_between(entry.settings.schedule, entry.cursor, entry.seen, now, entry.settings.catch_up);
  if (due.given_up) {
    RunRecord row;
    row.planned = due.given_up->first;
    row.until = due.given_up->last;
    row.occurrences = due.given_up->count;
    row.outcome = "missed";
    row.error = due.given_up->count < kMostCounted ? "nobody was there" : "nobody was there; these and more";
    entry.seen = std::max(entry.seen, due.given_up->last);
    not_run(entry, std::move(row));
  }
  for (const WallTime planned : due.catch_up) arrive(entry, planned, Cause::CatchUp);
  for (const WallTime planned : due.on_time) arrive(entry, planned, Cause::Schedule);
  entry.cursor = std::max(entry.cursor, now);  // the jitter may have been a shorter one
  entry.seen = std::max(entry.seen, now);
  plan(entry);
}

void Scheduler::arrive(Entry& entry, WallTime planned, Cause cause) {
  const WallTime now = clock_.wall_now();
  // It is decided only once it has its row, or is where state_of() finds it.
  const auto leave_out = [&](const std::string& why) {
    entry.seen = std::max(entry.seen, planned);
    skip(entry, planned, cause, why);
  };
  if (entry.paused) return leave_out(paused_text(*entry.paused));
  const bool busy = entry.running || !entry.waiting.empty();
  // What is caught up with runs one after the other.
  if (busy && cause == Cause::Schedule) {
    const bool queued = std::any_of(entry.waiting.begin(), entry.waiting.end(),
                                    [](const Waiting& waiting) { return waiting.planned(); });
    switch (entry.settings.overlap) {
      case Overlap::kSkip:
        return leave_out(busy_text(entry, now));
      case Overlap::kQueue:
        if (queued) return leave_out("another occurrence is in the queue already");
        break;
      case Overlap::kReplace: {
        const std::string why = "replaced by the occurrence of " + entry.clock_text(planned, now);
        drop_waiting(entry, why);
        if (entry.running) entry.job.stop(why);
        break;
      }
    }
  }
  RunRecord run;
  run.planned = planned;
  run.cause = cause;
  Waiting waiting(std::move(run));
  if (const Duration deadline = entry.settings.start_deadline; deadline.count() != 0) {
    const Duration late = now - planned - entry.settings.jitter;
    waiting.deadline = from_now(clock_, cause == Cause::CatchUp ? deadline : deadline - late);
  }
  wait_in_queue(entry, std::move(waiting));
  entry.seen = std::max(entry.seen, planned);
}

void Scheduler::wait_in_queue(Entry& entry, Waiting waiting) {
  waiting.run.job = entry.name;
  entry.waiting.push_back(std::move(waiting));
  if (!entry.queue_slot) entry.queue_slot = queue_.insert(queue_.end(), &entry);
  wake_.notify();
}

void Scheduler::leave_queue(Entry& entry) {
  if (entry.queue_slot) queue_.erase(*std::exchange(entry.queue_slot, std::nullopt));
}

// --- when to look ------------------------------------------------------------------------------------

void Scheduler::plan(Entry& entry) {
  if (entry.wall_slot) by_wall_.erase(*std::exchange(entry.wall_slot, std::nullopt));
  entry.next = entry.leaving ? std::nullopt : entry.settings.schedule.next_after(entry.cursor);
  if (entry.next) entry.wall_slot = by_wall_.emplace(*entry.next + entry.settings.jitter, &entry);
  wake_.notify();
}

void Scheduler::plan_in(Entry& entry, Duration wait) {
  unplan(entry);
  if (entry.leaving) return;
  entry.steady_slot = by_steady_.emplace(from_now(clock_, wait), &entry);
  wake_.notify();
}

void Scheduler::unplan(Entry& entry) {
  if (entry.wall_slot) by_wall_.erase(*std::exchange(entry.wall_slot, std::nullopt));
  if (entry.steady_slot) by_steady_.erase(*std::exchange(entry.steady_slot, std::nullopt));
  entry.next.reset();
}

// The wall clock was set back: the time until `now` comes again.  What has run in it does not run again:
// the history knows it.
void Scheduler::turn_back(WallTime now) {
  for (auto& [name, entry] : entries_) {
    if (entry->steady_slot || entry->cursor <= now - entry->settings.jitter) continue;
    entry->cursor = now - entry->settings.jitter;
    plan(*entry);
  }
}

}  // namespace syncd::schedule
