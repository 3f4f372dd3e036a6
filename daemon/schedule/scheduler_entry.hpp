// What the scheduler keeps of one job.  Inside the schedule room only.
#pragma once
#include "daemon/schedule/local_text.hpp"
#include "daemon/schedule/scheduler.hpp"

namespace syncd::schedule {

// A continuous job whose run ended begins anew after this time: the servers it needs may be away for hours,
// and nobody should have to start it by hand.
inline constexpr Duration kRestartDelay = std::chrono::seconds(10);

inline std::string paused_text(const std::string& why) { return why.empty() ? "paused" : "paused: " + why; }

// An occurrence that is due and has not started.
struct Scheduler::Waiting {
  explicit Waiting(RunRecord run_in) : run(std::move(run_in)) {}
  RunRecord run;
  bool resumes = false;               // it has started before, and was interrupted
  std::optional<TimePoint> deadline;  // start_deadline
  std::string why;                    // what it waits for
  // The schedule wanted it, so the policies of the schedule are for it.
  bool planned() const { return run.cause == Cause::Schedule || run.cause == Cause::CatchUp; }
};

// A removal under way.
struct Scheduler::Leaving {
  explicit Leaving(Clock& clock) : decided(clock) {}
  coro::Signal decided;
  bool wanted_back = false;
};

struct Scheduler::Entry {
  Entry(std::string name_in, Settings settings_in, Runnable& job_in, std::optional<std::string> paused_in)
      : name(std::move(name_in)),
        settings(std::move(settings_in)),
        job(job_in),
        paused(std::move(paused_in)) {}

  bool continuous() const { return settings.schedule.kind() == Schedule::Kind::Continuous; }
  // Due by the steady clock, not at a time that is known beforehand.
  bool steady() const {
    const auto kind = settings.schedule.kind();
    return continuous() || kind == Schedule::Kind::After || kind == Schedule::Kind::Startup;
  }
  // What its occurrences are: another one has others.
  std::string schedule_key() const {
    return settings.schedule.text() + " " + settings.schedule.zone().name();
  }
  // For people.
  std::string clock_text(WallTime at, WallTime now) const {
    return schedule::clock_text(settings.schedule, at, now);
  }

  const std::string name;
  Settings settings;
  Runnable& job;
  std::optional<std::string> paused;  // why
  JobState state;
  WallTime cursor{};             // occurrences up to here have come due
  WallTime seen{};               // the latest that cursor has ever been
  std::optional<WallTime> next;  // the first after it, of Every, Cron and At
  bool parked = false;           // After, Continuous or Startup came due while the job was paused
  std::optional<std::list<Entry*>::iterator> queue_slot;
  std::optional<std::multimap<WallTime, Entry*>::iterator> wall_slot;
  std::optional<std::multimap<TimePoint, Entry*>::iterator> steady_slot;
  std::list<Waiting> waiting;
  struct Running {
    Running(RunRecord run_in, std::string group_in, bool counted_in)
        : run(std::move(run_in)), group(std::move(group_in)), counted(counted_in) {}
    RunRecord run;
    std::string group;  // as it was when it began
    bool counted;
  };
  std::unique_ptr<Running> running;
  std::shared_ptr<Leaving> leaving;
};

struct Scheduler::Decision {
  enum class What { Start, Wait, Drop };
  explicit Decision(What what_in, std::string why_in = "") : what(what_in), why(std::move(why_in)) {}
  What what;
  std::string why;
};

}  // namespace syncd::schedule
