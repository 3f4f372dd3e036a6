// Channel<T>: a bounded queue between two coroutines of one thread, with back-pressure both ways.
// One sender, one receiver.  Closing is remembered; an error given to close() reaches the receiver after
// the elements that were sent before it.
#pragma once
#include <cassert>
#include <deque>
#include <exception>
#include <optional>
#include <utility>

#include "daemon/coro/clock.hpp"

namespace syncd::coro {

template <class T>
class Channel {
 public:
  // `capacity` elements (at least 1) wait at most; the sender is suspended while it is full.
  Channel(Clock& clock, std::size_t capacity) : clock_(clock), capacity_(capacity) { assert(capacity > 0); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // No more elements will come.  Idempotent; the first error wins.
  void close(std::exception_ptr error = nullptr) {
    if (closed_) return;
    closed_ = true;
    error_ = std::move(error);
    if (receiver_) receiver_->wake();
    if (sender_) sender_->wake();
  }
  // The receiver is gone: send() returns false from now on, and what waited is dropped.
  void abandon() {
    abandoned_ = true;
    queue_.clear();
    if (sender_) sender_->wake();
  }
  bool full() const noexcept { return queue_.size() >= capacity_; }
  std::size_t size() const noexcept { return queue_.size(); }
  // What the next receive() brings, or null while there is nothing; valid until then.
  const T* peek() const noexcept { return queue_.empty() ? nullptr : &queue_.front(); }

  class Room {
   public:
    explicit Room(Channel& channel) : channel_(channel), parked_(channel.clock_) {}
    ~Room() {
      if (channel_.sender_ == &parked_) channel_.sender_ = nullptr;
    }
    bool await_ready() const noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> h) {
      if (!channel_.full() || channel_.abandoned_ || channel_.closed_) {
        const std::stop_token* stop = stop_of(h);
        if (!stop || !stop->stop_requested()) return false;
      }
      if (!parked_.park(h)) return false;
      assert(!channel_.sender_ && "one sender at a time");
      channel_.sender_ = &parked_;
      return true;
    }
    // False: nobody will receive any more.  Throws Cancelled on a stop.
    bool await_resume() {
      if (channel_.sender_ == &parked_) channel_.sender_ = nullptr;
      parked_.resumed();
      return !channel_.abandoned_ && !channel_.closed_;
    }

   private:
    Channel& channel_;
    Parked parked_;
  };
  // co_await channel.room(), then put(): two steps, so that no value travels inside an await.
  Room room() { return Room(*this); }

  // Precondition: room() said true and nothing was put since.
  void put(T value) {
    queue_.push_back(std::move(value));
    if (receiver_) receiver_->wake();
  }

  class Receive {
   public:
    explicit Receive(Channel& channel) : channel_(channel), parked_(channel.clock_) {}
    ~Receive() {
      if (channel_.receiver_ == &parked_) channel_.receiver_ = nullptr;
    }
    bool await_ready() const noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> h) {
      if (!channel_.queue_.empty() || channel_.closed_) {
        const std::stop_token* stop = stop_of(h);
        if (!stop || !stop->stop_requested()) return false;
      }
      if (!parked_.park(h)) return false;
      assert(!channel_.receiver_ && "one receiver at a time");
      channel_.receiver_ = &parked_;
      return true;
    }
    // The next element; empty at the end.  Throws what close() was given, or Cancelled on a stop.
    std::optional<T> await_resume() {
      if (channel_.receiver_ == &parked_) channel_.receiver_ = nullptr;
      parked_.resumed();
      return channel_.take();
    }

   private:
    Channel& channel_;
    Parked parked_;
  };
  Receive receive() { return Receive(*this); }

 private:
  std::optional<T> take() {
    if (queue_.empty()) {
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      return std::nullopt;
    }
    std::optional<T> value(std::move(queue_.front()));
    queue_.pop_front();
    if (sender_) sender_->wake();
    return value;
  }

  Clock& clock_;
  const std::size_t capacity_;
  std::deque<T> queue_;
  Parked* sender_ = nullptr;
  Parked* receiver_ = nullptr;
  std::exception_ptr error_;
  bool closed_ = false;
  bool abandoned_ = false;
};

}  // namespace syncd::coro
