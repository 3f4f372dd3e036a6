// StatusBoard: owns the live status of each job and tells watchers that something changed.  A watcher
// that is slow misses intermediate states, never the last one, and slows nobody.  Loop thread only.
#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/coro/clock.hpp"
#include "daemon/coro/signal.hpp"
#include "daemon/status/job_status.hpp"

namespace syncd::status {

class StatusBoard {
 public:
  explicit StatusBoard(Clock& clock) : clock_(clock) {}
  StatusBoard(const StatusBoard&) = delete;
  StatusBoard& operator=(const StatusBoard&) = delete;

  // Adds or replaces the job `status.name`; watchers hear of it only if something differs.
  void publish(JobStatus status);

  // Changes a job in place: fn(JobStatus&), which must not change the name.  For callers that change one
  // field per batch.  Does nothing where the job is not known; always counts as a change.
  template <class F>
  void update(const std::string& job, F&& fn) {
    const auto found = jobs_.find(job);
    if (found == jobs_.end()) return;
    std::forward<F>(fn)(found->second.status);
    touch(found->second);
  }

  void remove(const std::string& job);

  // Null where the job is not known; valid until it is removed.
  const JobStatus* find(const std::string& job) const;
  std::vector<std::string> names() const;  // sorted

  // Grows with each change of any job.
  std::uint64_t version() const noexcept { return version_; }
  // The version() of this job's latest change; 0 where the job is not known.
  std::uint64_t version_of(const std::string& job) const;

  // A watcher's end of the line; must not outlive the board.  One coroutine waits on it at a time.
  class Subscription {
   public:
    explicit Subscription(StatusBoard& board);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    // Resumes at the first change after the subscription or after the last wait; changes in between are
    // one.  Throws Cancelled on a stop.
    coro::Signal::Wait changed() { return signal_.wait(); }
    // The same; false when `deadline` came first.
    coro::Signal::Wait changed_until(TimePoint deadline) { return signal_.wait_until(deadline); }

   private:
    friend class StatusBoard;
    StatusBoard& board_;
    coro::Signal signal_;
  };

 private:
  struct Entry {
    JobStatus status;
    std::uint64_t version = 0;
  };
  void touch(Entry& entry);
  void announce();

  Clock& clock_;
  std::map<std::string, Entry> jobs_;
  std::uint64_t version_ = 0;
  std::list<Subscription*> subscriptions_;
};

}  // namespace syncd::status
