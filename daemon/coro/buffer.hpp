// buffer: read-ahead.  The producer runs up to `depth` elements in front of the consumer, in the scope that
// it is given; order, errors and the end are those of the producer.  Still pull, still flat.
#pragma once
#include <memory>

#include "daemon/coro/channel.hpp"
#include "daemon/coro/generator.hpp"
#include "daemon/coro/scope.hpp"

namespace syncd::coro {

namespace detail {

template <class T>
Task<> fill(std::shared_ptr<Channel<T>> channel, AsyncGenerator<T> inner) {
  std::exception_ptr error;
  try {
    // Room first, element next: the producer does not run while the buffer is full.
    while (true) {
      const bool wanted = co_await channel->room();
      if (!wanted) co_return;
      std::optional<T> element = co_await inner.next();
      if (!element) break;
      channel->put(std::move(*element));
    }
  } catch (...) {
    error = std::current_exception();
  }
  channel->close(std::move(error));
}

}  // namespace detail

// Starts at the first pull.  `scope` must be stopped and joined by its owner after the generator was
// dropped: the producer may be in the middle of an element.  The channel, new and nobody else's but to peek
// into, says how many elements wait.
template <class T>
AsyncGenerator<T> buffer(AsyncScope& scope, AsyncGenerator<T> inner, std::shared_ptr<Channel<T>> channel) {
  struct Abandon {
    Channel<T>& channel;
    ~Abandon() { channel.abandon(); }
  };
  Abandon abandon{*channel};
  scope.spawn(detail::fill(channel, std::move(inner)));
  while (true) {
    std::optional<T> element = co_await channel->receive();
    if (!element) co_return;
    co_yield std::move(*element);
  }
}

template <class T>
AsyncGenerator<T> buffer(Clock& clock, AsyncScope& scope, AsyncGenerator<T> inner, std::size_t depth) {
  return buffer(scope, std::move(inner), std::make_shared<Channel<T>>(clock, depth));
}

}  // namespace syncd::coro
