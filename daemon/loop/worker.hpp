// Worker: one thread for calls that block (a database driver, a resolver).  The loop awaits each call;
// calls run in order.  Coroutines never change threads: only the plain function runs over there.
#pragma once
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <variant>

#include "daemon/coro/resume.hpp"
#include "daemon/loop/event_loop.hpp"

namespace syncd::loop {

class Worker {
 public:
  // `name` shows in ps and gdb (15 characters at most).
  Worker(EventLoop& loop, std::string name);
  ~Worker();  // finishes its queue and joins; whoever awaits a call is still resumed
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // co_await worker.call(fn): runs fn() over there, resumes here with its result or exception.  Not
  // stoppable: whoever wants to stop it makes fn return early.  `fn` must not own anything: it captures
  // references to locals of the awaiting frame (docs/adr: brace and lambda temporaries of GCC 12).
  template <class F>
  auto call(F fn) {
    static_assert(std::is_trivially_destructible_v<F>, "capture by reference");
    return Call<F>(*this, fn);
  }

 private:
  class Job {
   public:
    virtual void run() noexcept = 0;     // on the worker's thread
    virtual void finish() noexcept = 0;  // on the loop's thread

   protected:
    ~Job() = default;
  };

  template <class F>
  class Call final : private Job {
    using R = std::invoke_result_t<F>;
    using Result = std::conditional_t<std::is_void_v<R>, std::monostate, std::optional<R>>;

   public:
    Call(Worker& worker, F fn) : worker_(worker), fn_(fn) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
      waiter_ = h;
      worker_.submit(*this);
    }
    R await_resume() {
      if (error_) std::rethrow_exception(error_);
      if constexpr (!std::is_void_v<R>) return std::move(*result_);
    }

   private:
    void run() noexcept override {
      try {
        if constexpr (std::is_void_v<R>) {
          fn_();
        } else {
          result_.emplace(fn_());
        }
      } catch (...) {
        error_ = std::current_exception();
      }
    }
    void finish() noexcept override { coro::resume(waiter_); }

    Worker& worker_;
    F fn_;
    std::coroutine_handle<> waiter_;
    Result result_;
    std::exception_ptr error_;
  };

  void submit(Job& job);
  void work();

  EventLoop& loop_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job*> queue_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace syncd::loop
