// One-slot trampoline: every hand-over between coroutines goes through here.
//
// GCC (12 and 14) only turns symmetric transfer into a tail call at -O2 without ASan/TSan, so a long
// run of synchronous completions would overflow the stack in every debug build.  Instead of returning
// a handle from await_suspend we note the target and unwind to the driver loop.
#pragma once
#include <coroutine>
#include <utility>

namespace syncd::coro {

namespace detail {
inline thread_local std::coroutine_handle<> next_up;
}

// Names the coroutine that runs once the current one has suspended.  Last act of an await_suspend.
inline void transfer_to(std::coroutine_handle<> target) noexcept { detail::next_up = target; }

// Runs `handle` and whatever it hands over to, until nobody wants to run.  Called from loop callbacks.
// May nest (a destructor that wakes somebody): the outer hand-over survives.
inline void resume(std::coroutine_handle<> handle) {
  const std::coroutine_handle<> outer = std::exchange(detail::next_up, nullptr);
  while (handle) {
    handle.resume();
    handle = std::exchange(detail::next_up, nullptr);
  }
  detail::next_up = outer;
}

}  // namespace syncd::coro
