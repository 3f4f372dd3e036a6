// with_lifecycle: init, cleanup and error hooks around any generator.  The generator is gone before its
// cleanup runs, so that what init opened may be closed there.
#pragma once
#include <exception>
#include <functional>
#include <utility>

#include "daemon/coro/generator.hpp"
#include "daemon/coro/task.hpp"

namespace syncd::coro {

// A class, not an aggregate: it is handed to a coroutine by value.
class Lifecycle {
 public:
  Lifecycle() = default;
  Lifecycle(const Lifecycle&) = default;
  Lifecycle(Lifecycle&&) = default;
  std::function<Task<>()> on_init;   // awaited before the first element
  std::function<void()> on_cleanup;  // end, error or early drop; never without init, never throws
  std::function<void(const std::exception&)> on_error;  // before the error reaches the consumer
};

template <class T>
AsyncGenerator<T> with_lifecycle(Lifecycle hooks, AsyncGenerator<T> inner) {
  struct Cleanup {
    std::function<void()>& call;
    ~Cleanup() {
      if (call) call();
    }
  };
  if (hooks.on_init) co_await hooks.on_init();
  const Cleanup cleanup{hooks.on_cleanup};
  AsyncGenerator<T> items = std::move(inner);
  try {
    while (auto item = co_await items.next()) co_yield std::move(*item);
  } catch (const std::exception& e) {
    if (hooks.on_error) hooks.on_error(e);
    throw;
  }
}

}  // namespace syncd::coro
