// Changes: tells watchers which jobs changed since they last looked.  It holds no status: a watcher asks
// for it when it is ready, so one that is slow misses intermediate states, never the last one, and slows
// nobody.  Loop thread only.
#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <string>

#include "daemon/coro/signal.hpp"

namespace syncd::status {

class Changes {
 public:
  explicit Changes(Clock& clock) : clock_(clock) {}
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;

  // The status of `job` is another one now.
  void touch(const std::string& job);

  // Goes up with every change of any job.
  std::uint64_t version() const noexcept { return version_; }
  // The version() of this job's latest change; 0 where it never changed.
  std::uint64_t version_of(const std::string& job) const;

  // A watcher's end of the line; must not outlive the changes.  One coroutine waits on it at a time.
  class Subscription {
   public:
    explicit Subscription(Changes& changes);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    // Resumes at the first change after the subscription or after the last wait; changes in between are
    // one.  Throws Cancelled on a stop.
    coro::Signal::Wait changed() { return signal_.wait(); }

   private:
    friend class Changes;
    Changes& changes_;
    coro::Signal signal_;
  };

 private:
  Clock& clock_;
  std::map<std::string, std::uint64_t> versions_;
  std::uint64_t version_ = 0;
  std::list<Subscription*> subscriptions_;
};

}  // namespace syncd::status
