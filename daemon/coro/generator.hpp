// AsyncGenerator<T>: a sequence whose next element may take time.  The consumer pulls; the producer
// runs only while it is being pulled, which is all the back-pressure there is.
//
//   while (auto batch = co_await source.next()) { ... }
//
// Dropping a generator that waits at a co_yield runs its destructors (early break is fine).  Dropping
// it while a next() is under way is a bug: request a stop and let that next() finish.
#pragma once
#include <cassert>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "daemon/coro/resume.hpp"
#include "daemon/coro/stop.hpp"

namespace syncd::coro {

template <class T>
class [[nodiscard]] AsyncGenerator {
  static_assert(!std::is_reference_v<T>);
  static_assert(!std::is_aggregate_v<T> || std::is_trivially_destructible_v<T>,
                "give T a constructor: GCC 12 destroys brace-made temporaries twice in co_yield");

 public:
  class promise_type : public StopAware {
   public:
    AsyncGenerator get_return_object() noexcept {
      return AsyncGenerator(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() noexcept { return HandOver{*this, nullptr}; }
    auto yield_value(T&& value) noexcept { return HandOver{*this, std::addressof(value)}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { error_ = std::current_exception(); }

   private:
    friend class AsyncGenerator;
    struct HandOver {
      promise_type& self;
      T* value;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<>) noexcept {
        self.current_ = value;
        transfer_to(std::exchange(self.consumer_, nullptr));
      }
      void await_resume() const noexcept {}
    };
    T* current_ = nullptr;
    std::coroutine_handle<> consumer_;  // set exactly while a next() is under way
    std::exception_ptr error_;
  };

  AsyncGenerator(AsyncGenerator&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  AsyncGenerator& operator=(AsyncGenerator other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~AsyncGenerator() {
    if (!handle_) return;
    assert(!handle_.promise().consumer_ && "generator dropped during next()");
    handle_.destroy();
  }

  class Next {
   public:
    explicit Next(std::coroutine_handle<promise_type> h) noexcept : handle_(h) {}
    bool await_ready() const noexcept { return !handle_ || handle_.done(); }
    template <class P>
    void await_suspend(std::coroutine_handle<P> consumer) noexcept {
      auto& producer = handle_.promise();
      assert(!producer.consumer_ && "one next() at a time");
      producer.consumer_ = consumer;
      producer.stop = stop_of(consumer);
      transfer_to(handle_);
    }
    std::optional<T> await_resume() {
      if (!handle_) return std::nullopt;
      auto& p = handle_.promise();
      if (p.error_) std::rethrow_exception(std::exchange(p.error_, nullptr));
      if (!p.current_) return std::nullopt;
      return std::optional<T>(std::move(*std::exchange(p.current_, nullptr)));
    }

   private:
    std::coroutine_handle<promise_type> handle_;
  };

  Next next() noexcept { return Next(handle_); }

 private:
  explicit AsyncGenerator(std::coroutine_handle<promise_type> h) noexcept : handle_(h) {}
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace syncd::coro
