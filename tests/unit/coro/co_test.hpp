// CO_TEST: a test whose body is a coroutine, in virtual time.  `clock` is at hand in the body.
#pragma once
#include <gtest/gtest.h>

#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/coro/manual_clock.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/coro/task.hpp"

namespace syncd::coro::test {

// Runs `task` to its end; time passes only when everybody waits for it.  Throws what it throws; a task that
// waits for something that never comes fails the test.
inline void run(ManualClock& clock, Task<> task) {
  std::exception_ptr failure;
  AsyncScope scope;
  const auto guarded = [](Task<> inner, std::exception_ptr& error) -> Task<> {
    try {
      co_await std::move(inner);
    } catch (...) {
      error = std::current_exception();
    }
  };
  scope.spawn(guarded(std::move(task), failure));
  while (scope.running() != 0 && clock.advance_to_next()) {
  }
  if (scope.running() != 0) {
    ADD_FAILURE() << "the test waits for something that never comes";
    scope.request_stop();
    clock.settle();
    return;
  }
  if (failure) std::rethrow_exception(failure);
}

// What happened, in order.
using Events = std::vector<std::string>;

// Notes its end of life.
class Traced {
 public:
  Traced(Events& events, std::string name) : events_(&events), name_(std::move(name)) {}
  Traced(Traced&& other) noexcept
      : events_(std::exchange(other.events_, nullptr)), name_(std::move(other.name_)) {}
  Traced& operator=(Traced&&) = delete;
  ~Traced() {
    if (events_) events_->push_back(name_ + " gone");
  }

 private:
  Events* events_;
  std::string name_;
};

}  // namespace syncd::coro::test

#define CO_TEST(suite, name)                           \
  struct suite##_##name {                              \
    ::syncd::ManualClock clock;                        \
    ::syncd::coro::Task<> body();                      \
  };                                                   \
  TEST(suite, name) {                                  \
    suite##_##name test;                               \
    ::syncd::coro::test::run(test.clock, test.body()); \
  }                                                    \
  ::syncd::coro::Task<> suite##_##name::body()
