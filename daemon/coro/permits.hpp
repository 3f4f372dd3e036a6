// Permits: no more than so many holders at a time, first come first served.
#pragma once
#include <cassert>
#include <list>
#include <optional>
#include <utility>

#include "daemon/coro/signal.hpp"
#include "daemon/coro/task.hpp"

namespace syncd::coro {

class Permits {
 public:
  Permits(Clock& clock, std::size_t count) : clock_(clock), free_(count) {}
  Permits(const Permits&) = delete;
  Permits& operator=(const Permits&) = delete;
  ~Permits() { assert(out_ == 0 && waiters_.empty() && "a permit outlived its Permits"); }

  // One permit; given back when it goes.
  class Permit {
   public:
    explicit Permit(Permits& from) noexcept : from_(&from) {
      --from.free_;
      ++from.out_;
    }
    Permit(Permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() {
      if (from_ == nullptr) return;
      ++from_->free_;
      --from_->out_;
      from_->call_next();
    }

   private:
    Permits* from_;
  };

  // Waits for its turn; nullopt when the deadline passes first.  Throws Cancelled on a stop.
  Task<std::optional<Permit>> take_until(TimePoint deadline) {
    if (free_ == 0 || !waiters_.empty()) {
      Signal turn(clock_);
      const Queued queued(*this, turn);
      while (free_ == 0 || waiters_.front() != &turn) {
        const bool called = co_await turn.wait_until(deadline);
        if (!called) co_return std::nullopt;
      }
    }
    co_return std::optional<Permit>(std::in_place, *this);
  }

 private:
  // A place in the queue.  Whoever leaves it, for whatever reason, calls the next: there may be one for him.
  class Queued {
   public:
    Queued(Permits& permits, Signal& turn)
        : permits_(permits), place_(permits.waiters_.insert(permits.waiters_.end(), &turn)) {}
    Queued(const Queued&) = delete;
    Queued& operator=(const Queued&) = delete;
    ~Queued() {
      permits_.waiters_.erase(place_);
      permits_.call_next();
    }

   private:
    Permits& permits_;
    std::list<Signal*>::iterator place_;
  };
  void call_next() {
    if (!waiters_.empty()) waiters_.front()->notify();
  }

  Clock& clock_;
  std::size_t free_;
  std::size_t out_ = 0;
  std::list<Signal*> waiters_;
};

}  // namespace syncd::coro
