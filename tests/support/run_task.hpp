// Tasks on the real event loop, with an overall deadline.  (In virtual time: tests/unit/jobs/scripted.hpp.)
// The only header here that knows our code; no part of the library.
#pragma once
#include <gtest/gtest.h>

#include <csignal>
#include <optional>

#include "daemon/coro/timeout.hpp"
#include "daemon/loop/event_loop.hpp"
#include "tests/support/eventually.hpp"

namespace syncd::test {

// Runs `task` to its end; returns its result, throws what it throws.
template <class T>
T run_task(loop::EventLoop& loop, coro::Task<T> task, Duration limit = kPatience) {
  ::signal(SIGPIPE, SIG_IGN);  // as the daemon does
  if constexpr (std::is_void_v<T>) {
    loop.run(with_timeout(loop, limit, "the test", std::move(task)));
  } else {
    std::optional<T> result;
    const auto keep = [](coro::Task<T> inner, std::optional<T>& into) -> coro::Task<> {
      into.emplace(co_await std::move(inner));
    };
    loop.run(with_timeout(loop, limit, "the test", keep(std::move(task), result)));
    return std::move(*result);
  }
}

// The Error that `task` ends with; a test failure when it ends well.
template <class T>
Error error_of(loop::EventLoop& loop, coro::Task<T> task, Duration limit = kPatience) {
  try {
    run_task(loop, std::move(task), limit);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an error";
  return Error(ErrorKind::Permanent, "");
}

// Waits on the loop, which goes on meanwhile, until holds() is true; a Transient error after kPatience.
template <class F>
coro::Task<> until(loop::EventLoop& loop, F holds) {
  const TimePoint deadline = loop.now() + kPatience;
  while (!holds()) {
    if (loop.now() >= deadline) throw Error(ErrorKind::Transient, "the condition did not come true in time");
    co_await sleep_for(loop, std::chrono::milliseconds(1));
  }
}

}  // namespace syncd::test
