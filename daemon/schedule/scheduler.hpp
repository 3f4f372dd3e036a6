// Scheduler: decides for every occurrence of every job whether it runs, waits or does not run, and records
// that before it happens.  One coroutine looks at what is due; each run is another one.  No thread, no
// polling.
//
// An occurrence comes due (arrive), waits in one queue with all others, in the order in which they came due,
// and is started (start) or given up (drop) as soon as its policies allow (judge).
#pragma once
#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/coro/scope.hpp"
#include "daemon/coro/signal.hpp"
#include "daemon/schedule/history.hpp"
#include "daemon/schedule/runnable.hpp"
#include "daemon/schedule/settings.hpp"

namespace syncd::schedule {

// An occurrence that is to come.
struct Upcoming {
  WallTime planned;
  WallTime at;       // with the jitter
  std::string note;  // what a person would wonder about; mostly ""
};

class Scheduler {
 public:
  // `changed` is called with the name of a job about which something else is to be shown now.
  Scheduler(Clock& clock, History& history, Limits limits = {},
            std::function<void(const std::string&)> changed = {});
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // At any time; `job` must outlive the entry.  Goes on where the history says that the job was: an
  // interrupted run is resumed, what was missed is caught up with.  A job that is being removed stays, as it
  // is now.
  void add(const std::string& name, Settings settings, Runnable& job,
           std::optional<std::string> paused = std::nullopt);
  // The run under way goes on; what comes after it is by `settings`.
  void update(const std::string& name, Settings settings);
  // No run starts any more.  Resumes with true when the one under way has ended and the entry is gone; with
  // false when add() wants it back.
  coro::Task<bool> remove(std::string name);
  void set_limits(Limits limits);

  // Until stopped, or until drain() was called and the last run has ended.
  coro::Task<> serve();
  // Starts no run any more; serve() returns when the running ones have ended.  A run that is cancelled from
  // now on counts as interrupted.
  void drain();

  // An operator wants a run now, also of a paused job.  False: one runs or is about to.
  bool trigger(const std::string& name, Cause cause = Cause::Asked);
  void pause(const std::string& name, std::string why);
  void resume(const std::string& name);
  // The wall clock was set, or the machine slept: looks at once.
  void clock_stepped();

  // The next planned start; nullopt: none (manual, paused, running continuously, waiting already).
  std::optional<WallTime> next(const std::string& name) const;
  // At most `most` of those that are known beforehand.
  std::vector<Upcoming> upcoming(const std::string& name, std::size_t most) const;
  // Why upcoming() knows none, where it does not.
  std::string why_none(const std::string& name) const;
  // What an occurrence that is due waits for; "" where none does.
  std::string waiting_for(const std::string& name) const;
  // Jobs with an occurrence that waits: for its group, for room, for another job or for a breaker.
  std::size_t queued() const noexcept { return queue_.size(); }

 private:
  struct Waiting;
  struct Entry;
  struct Leaving;
  struct Decision;

  // scheduler.cpp: what is due, and when to look again
  bool look();
  std::optional<TimePoint> next_look() const;
  void come_due(Entry& entry);
  void arrive(Entry& entry, WallTime planned, Cause cause);
  void wait_in_queue(Entry& entry, Waiting waiting);
  void leave_queue(Entry& entry);
  void plan(Entry& entry);
  void plan_in(Entry& entry, Duration wait);
  void unplan(Entry& entry);
  void turn_back(WallTime now);

  // scheduler_jobs.cpp: jobs come, change and go
  Entry& entry_of(const std::string& name) const { return *entries_.at(name); }
  void begin_anew(Entry& entry);
  void plan_first(Entry& entry);
  void go_on(Entry& entry);
  void drop_planned(Entry& entry, const std::string& why);
  void drop_waiting(Entry& entry, const std::string& why);

  // scheduler_runs.cpp: an occurrence that is due starts, waits or is given up; runs end
  bool admit(Entry& entry);
  Decision judge(Entry& entry, const Waiting& waiting);
  Decision judge_needs(const Waiting& waiting, const std::vector<std::string>& needs) const;
  Decision judge_room(const Entry& entry);
  void start(Entry& entry, Waiting waiting);
  bool record_start(Entry& entry, RunRecord& run);
  coro::Task<> drive(Entry& entry, RunRecord run);
  void finish(Entry& entry, RunRecord run);
  void pause_on_failures(Entry& entry, const std::string& error);
  void plan_after_run(Entry& entry);
  void drop(Entry& entry, Waiting waiting, const std::string& why);
  void give_up(Entry& entry, RunRecord run, const std::string& why);
  void skip(Entry& entry, WallTime planned, Cause cause, const std::string& why);
  void not_run(Entry& entry, RunRecord row);
  const JobState& state_of(Entry& entry) const;
  void ask_again(TimePoint at) { ask_again_ = ask_again_ ? std::min(*ask_again_, at) : at; }
  void changed(const Entry& entry) const;

  Clock& clock_;
  History& history_;
  Limits limits_;
  std::function<void(const std::string&)> on_change_;
  std::map<std::string, std::unique_ptr<Entry>> entries_;
  std::multimap<WallTime, Entry*> by_wall_;        // Every, Cron, At: with the jitter
  std::multimap<TimePoint, Entry*> by_steady_;     // After, Continuous, Startup
  std::list<Entry*> queue_;                        // those with occurrences that wait
  std::map<std::string, std::uint32_t> in_group_;  // running
  std::uint32_t running_ = 0;                      // without the continuous ones
  std::map<std::string, std::uint32_t> ahead_;     // during look(): how many wait for a group, by now
  std::optional<TimePoint> ask_again_;             // the earliest time at which a waiting one may get further
  WallTime last_look_{};
  coro::AsyncScope* runs_ = nullptr;  // while serve() runs
  bool draining_ = false;
  coro::Signal wake_;
};

}  // namespace syncd::schedule
