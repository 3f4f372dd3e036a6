// Runs a coroutine step by step and drops it after each number of steps: whatever it holds at that moment
// must be destroyed exactly once.  That is how the shapes that g++ 12 miscompiles were found; here the safe
// shapes are pinned, for every compiler and sanitizer.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "daemon/coro/generator.hpp"
#include "daemon/coro/task.hpp"

namespace syncd::coro::traps {

// Counts its living copies; the text is on the heap, so that ASan sees a second destruction too.
class Noisy {
 public:
  explicit Noisy(std::string text = "long enough to be on the heap") : text_(std::move(text)) { ++alive; }
  Noisy(const Noisy& other) : text_(other.text_) { ++alive; }
  Noisy(Noisy&& other) noexcept : text_(std::move(other.text_)) { ++alive; }
  Noisy& operator=(const Noisy&) = default;
  Noisy& operator=(Noisy&&) = default;
  ~Noisy() { --alive; }
  const std::string& text() const { return text_; }
  static inline int alive = 0;

 private:
  std::string text_;
};

// What must not be made by braces next to an await.
struct Options {
  Noisy first;
  Noisy second;
};

inline Options make_options() {
  Options options;
  options.first = Noisy("made by a function, in its own statement");
  return options;
}

class Steps {
 public:
  // co_await steps.step(): suspends until the driver goes on.
  class Step {
   public:
    explicit Step(Steps& steps) : steps_(steps) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept { steps_.waiter_ = waiter; }
    void await_resume() const noexcept {}

   private:
    Steps& steps_;
  };
  Step step() { return Step(*this); }

  // Runs `task` for `count` steps at most; true: it is done.
  bool run(const Task<>& task, int count) {
    waiter_ = task.handle();
    for (int i = 0; i < count && !task.handle().done(); ++i) resume(std::exchange(waiter_, nullptr));
    return task.handle().done();
  }

 private:
  std::coroutine_handle<> waiter_;
};

// Checks `make(steps)`: dropped after 0, 1, 2... steps, and run to its end.
template <class Make>
void run_and_drop(Make make) {
  bool done = false;
  for (int count = 0; !done && count < 20; ++count) {
    {
      Steps steps;
      const Task<> task = make(steps);
      done = steps.run(task, count);
    }
    EXPECT_EQ(Noisy::alive, 0) << "dropped after " << count << " steps";
    Noisy::alive = 0;
  }
  EXPECT_TRUE(done);
}

// Each suspends once before it answers.
inline Task<bool> answer(Steps& steps, bool value) {
  co_await steps.step();
  co_return value;
}
inline Task<int> number(Steps& steps, int value) {
  co_await steps.step();
  co_return value;
}
inline Task<Noisy> noisy(Steps& steps) {
  co_await steps.step();
  co_return Noisy("made by a coroutine");
}
// And takes something by value.
inline Task<> take(Steps& steps, Options options) {
  co_await steps.step();
  EXPECT_FALSE(options.first.text().empty());
}
inline Task<> take_noisy(Steps& steps, Noisy value) {
  co_await steps.step();
  EXPECT_FALSE(value.text().empty());
}

}  // namespace syncd::coro::traps
