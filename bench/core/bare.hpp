// The yardstick: the least a generator and a task can be.  Symmetric transfer, no stop token, no error, no
// end other than a null pointer.  Only good at -O2: with less, GCC's hand-over is a call and grows the stack.
#pragma once
#include <coroutine>
#include <exception>
#include <memory>
#include <utility>

namespace syncd::bench {

template <class Promise>
class Owner {
 public:
  explicit Owner(Promise& promise) : handle_(std::coroutine_handle<Promise>::from_promise(promise)) {}
  Owner(Owner&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owner& operator=(Owner&&) = delete;
  ~Owner() {
    if (handle_) handle_.destroy();
  }
  std::coroutine_handle<Promise> get() const noexcept { return handle_; }

 private:
  std::coroutine_handle<Promise> handle_;
};

template <class T>
class BareGenerator {
 public:
  class promise_type {
   public:
    BareGenerator get_return_object() { return BareGenerator(*this); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() noexcept { return HandOver(*this, nullptr); }
    auto yield_value(T&& value) noexcept { return HandOver(*this, std::addressof(value)); }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

   private:
    friend class BareGenerator;
    class HandOver {
     public:
      HandOver(promise_type& self, T* value) noexcept : self_(self), value_(value) {}
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
        self_.current_ = value_;
        return self_.consumer_;
      }
      void await_resume() const noexcept {}

     private:
      promise_type& self_;
      T* value_;
    };
    T* current_ = nullptr;
    std::coroutine_handle<> consumer_;
  };

  class Next {
   public:
    explicit Next(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> consumer) noexcept {
      handle_.promise().consumer_ = consumer;
      return handle_;
    }
    T* await_resume() const noexcept { return handle_.promise().current_; }

   private:
    std::coroutine_handle<promise_type> handle_;
  };

  Next next() noexcept { return Next(frame_.get()); }

 private:
  explicit BareGenerator(promise_type& promise) : frame_(promise) {}
  Owner<promise_type> frame_;
};

template <class T>
class BareTask {
 public:
  class promise_type {
   public:
    BareTask get_return_object() { return BareTask(*this); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() noexcept { return HandOver(); }
    void return_value(T value) noexcept { value_ = std::move(value); }
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

   private:
    friend class BareTask;
    class HandOver {
     public:
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        return self.promise().awaiter_;
      }
      void await_resume() const noexcept {}
    };
    T value_{};
    std::coroutine_handle<> awaiter_ = std::noop_coroutine();
  };

  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
      handle_.promise().awaiter_ = awaiter;
      return handle_;
    }
    T await_resume() noexcept { return std::move(handle_.promise().value_); }

   private:
    std::coroutine_handle<promise_type> handle_;
  };

  Awaiter operator co_await() && noexcept { return Awaiter(frame_.get()); }

  // Starts a task that nobody awaits, and takes its result once it has run through.
  T run() {
    frame_.get().resume();
    return std::move(frame_.get().promise().value_);
  }

 private:
  explicit BareTask(promise_type& promise) : frame_(promise) {}
  Owner<promise_type> frame_;
};

}  // namespace syncd::bench
