// Task<T>: a lazy coroutine with one awaiter.  Nothing runs until it is awaited.
#pragma once
#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include "daemon/coro/resume.hpp"
#include "daemon/coro/stop.hpp"

namespace syncd::coro {

template <class T>
class Task;

namespace detail {

struct FinalHandOver {
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> h) const noexcept {
    transfer_to(h.promise().continuation);
  }
  void await_resume() const noexcept {}
};

struct TaskPromiseBase : StopAware {
  std::coroutine_handle<> continuation;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalHandOver final_suspend() const noexcept { return {}; }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::variant<std::monostate, T, std::exception_ptr> outcome;
  Task<T> get_return_object() noexcept;
  void unhandled_exception() noexcept { outcome.template emplace<2>(std::current_exception()); }
  template <class U = T>
  void return_value(U&& value) {
    outcome.template emplace<1>(std::forward<U>(value));
  }
  T take() {
    if (outcome.index() == 2) std::rethrow_exception(std::get<2>(outcome));
    return std::move(std::get<1>(outcome));
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  std::exception_ptr error;
  Task<void> get_return_object() noexcept;
  void unhandled_exception() noexcept { error = std::current_exception(); }
  void return_void() const noexcept {}
  void take() const {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle h) noexcept : handle_(h) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  class Awaiter {
   public:
    Awaiter(Handle h, const std::stop_token* stop) noexcept : handle_(h), stop_(stop) {}
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> caller) noexcept {
      handle_.promise().continuation = caller;
      handle_.promise().stop = stop_ ? stop_ : stop_of(caller);
      transfer_to(handle_);
    }
    T await_resume() { return handle_.promise().take(); }

   private:
    Handle handle_;
    const std::stop_token* stop_;
  };

  Awaiter operator co_await() && noexcept { return awaiter(nullptr); }
  Awaiter with_stop(const std::stop_token& token) && noexcept { return awaiter(&token); }

  Handle handle() const noexcept { return handle_; }  // for AsyncScope and the tests' run()

 private:
  Awaiter awaiter(const std::stop_token* stop) const noexcept {
    assert(handle_ && !handle_.done() && "a task is awaited once");
    return Awaiter(handle_, stop);
  }
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
}  // namespace detail

}  // namespace syncd::coro
