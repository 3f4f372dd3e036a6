// AsyncScope owns the coroutines nobody awaits directly.  The only place where work becomes concurrent.
#pragma once
#include <cassert>
#include <coroutine>
#include <exception>

#include "daemon/coro/task.hpp"

namespace syncd::coro {

class AsyncScope {
 public:
  // Stops with `parent` too, if there is one; its token must outlive the scope.
  explicit AsyncScope(const std::stop_token* parent = nullptr) : stop_(parent) {}
  AsyncScope(const AsyncScope&) = delete;
  AsyncScope& operator=(const AsyncScope&) = delete;
  ~AsyncScope() { assert(running_ == 0 && "join() the scope before dropping it"); }

  // Starts the task right away; it must deal with its own failures (a Task that throws terminates).
  void spawn(Task<> task) {
    const Root root = start(this, std::move(task));
    ++running_;
    resume(root.handle);
  }
  void request_stop() noexcept { stop_.request_stop(); }
  std::size_t running() const noexcept { return running_; }

  // Resumes once the last spawned task is done.
  struct Join {
    explicit Join(AsyncScope& s) : scope(s) {}
    AsyncScope& scope;
    bool await_ready() const noexcept { return scope.running_ == 0; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
      assert(!scope.joiner_ && "one join() at a time");
      scope.joiner_ = h;
    }
    void await_resume() const noexcept {}
  };
  Join join() { return Join(*this); }

 private:
  struct Root {  // frame that destroys itself when done; lives only inside AsyncScope
    struct promise_type {
      Root get_return_object() noexcept {
        return Root(std::coroutine_handle<promise_type>::from_promise(*this));
      }
      std::suspend_always initial_suspend() const noexcept { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    };
    explicit Root(std::coroutine_handle<> h) : handle(h) {}
    std::coroutine_handle<> handle;
  };
  static Root start(AsyncScope* self, Task<> task) {
    try {
      // A local, so that everything the task owns is gone before it counts as done: a destructor may spawn.
      Task<> running = std::move(task);
      co_await std::move(running).with_stop(self->stop_.token());
    } catch (const Cancelled&) {
    }
    // noted now, run by the driver once this frame is gone
    if (--self->running_ == 0 && self->joiner_) transfer_to(std::exchange(self->joiner_, nullptr));
  }

  StopScope stop_;
  std::size_t running_ = 0;
  std::coroutine_handle<> joiner_;
};

}  // namespace syncd::coro
