// Cancellation that flows with the call: an awaited coroutine inherits the stop token of its awaiter.
#pragma once
#include <coroutine>
#include <optional>
#include <stop_token>
#include <utility>

namespace syncd::coro {

// Thrown out of an await when the enclosing work was told to stop.  Deliberately not a std::exception:
// `catch (const std::exception&)` is for failures, and being cancelled is not one.
struct Cancelled {};

// What every promise of ours starts with.
struct StopAware {
  const std::stop_token* stop = nullptr;  // owned by whoever awaits us; valid while we run
};

template <class Promise>
const std::stop_token* stop_of(std::coroutine_handle<Promise> h) noexcept {
  if constexpr (requires { h.promise().stop; })
    return h.promise().stop;
  else
    return nullptr;
}

// A stop source that also stops when its parent does: daemon -> job -> run -> attempt.
class StopScope {
 public:
  explicit StopScope(const std::stop_token* parent) {
    if (parent && parent->stop_possible()) link_.emplace(*parent, Forward{&source_});
  }
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;
  void request_stop() noexcept { source_.request_stop(); }
  const std::stop_token& token() const noexcept { return token_; }

 private:
  struct Forward {
    std::stop_source* target;
    void operator()() const noexcept { target->request_stop(); }
  };
  std::stop_source source_;
  std::stop_token token_ = source_.get_token();
  std::optional<std::stop_callback<Forward>> link_;
};

namespace this_coro {
// co_await this_coro::stop_token()  ->  const std::stop_token* (null: nobody can stop us)
struct StopTokenQuery {
  const std::stop_token* found = nullptr;
  explicit StopTokenQuery() = default;
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> h) noexcept {
    found = stop_of(h);
    return false;
  }
  const std::stop_token* await_resume() const noexcept { return found; }
};
inline StopTokenQuery stop_token() { return StopTokenQuery(); }
}  // namespace this_coro

}  // namespace syncd::coro
