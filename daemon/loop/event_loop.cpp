#include "daemon/loop/event_loop.hpp"

#include <uv.h>

#include <cassert>
#include <csignal>
#include <exception>
#include <iterator>

namespace syncd::loop {
namespace {

// What is due beyond this time waits until the sockets have been served: thousands may be due at once.
constexpr Duration kSlice = std::chrono::milliseconds(2);

}  // namespace

struct EventLoop::Handles {
  uv_timer_t timer{};      // only wakes the poll; the timers fire in `check`
  uv_prepare_t prepare{};  // before the poll: set the timer to the next deadline, once a turn
  uv_check_t check{};      // after the poll: fire what is due
  uv_async_t async{};      // post()
};

EventLoop::EventLoop() : uv_(std::make_unique<uv_loop_t>()), handles_(std::make_unique<Handles>()) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  uv_loop_init(uv_.get());
  uv_loop_t* loop = uv_.get();
  uv_timer_init(loop, &handles_->timer);
  uv_prepare_init(loop, &handles_->prepare);
  uv_check_init(loop, &handles_->check);
  uv_async_init(loop, &handles_->async,
                [](uv_async_t* h) { static_cast<EventLoop*>(h->data)->run_posted(); });
  handles_->timer.data = handles_->prepare.data = handles_->check.data = handles_->async.data = this;
  uv_prepare_start(&handles_->prepare, [](uv_prepare_t* h) { static_cast<EventLoop*>(h->data)->prepare(); });
  uv_check_start(&handles_->check, [](uv_check_t* h) { static_cast<EventLoop*>(h->data)->fire_timers(); });
}

EventLoop::~EventLoop() {
  for (auto* handle :
       {reinterpret_cast<uv_handle_t*>(&handles_->timer), reinterpret_cast<uv_handle_t*>(&handles_->prepare),
        reinterpret_cast<uv_handle_t*>(&handles_->check), reinterpret_cast<uv_handle_t*>(&handles_->async)}) {
    uv_close(handle, nullptr);
  }
  uv_walk(
      uv_.get(),
      []([[maybe_unused]] uv_handle_t* handle, void*) {
        assert(uv_is_closing(handle) && "a handle outlived the loop");
      },
      nullptr);
  while (uv_run(uv_.get(), UV_RUN_DEFAULT) != 0) {  // again where the last run() left uv_stop() behind
  }
  [[maybe_unused]] const int busy = uv_loop_close(uv_.get());
  assert(busy == 0);
}

TimePoint EventLoop::now() const { return TimePoint(Duration(static_cast<std::int64_t>(uv_hrtime()))); }

void EventLoop::run(coro::Task<> main) {
  std::exception_ptr failure;
  bool done = false;
  coro::AsyncScope scope;
  const auto guarded = [](coro::Task<> task, std::exception_ptr& error, bool& finished,
                          uv_loop_t* loop) -> coro::Task<> {
    try {
      co_await std::move(task);
    } catch (...) {
      error = std::current_exception();
    }
    finished = true;
    uv_stop(loop);
  };
  scope.spawn(guarded(std::move(main), failure, done, uv_.get()));
  while (!done) uv_run(uv_.get(), UV_RUN_DEFAULT);
  if (failure) std::rethrow_exception(failure);
}

void EventLoop::post(std::function<void()> fn) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(fn));
  }
  uv_async_send(&handles_->async);
}

void EventLoop::run_posted() {
  std::vector<std::function<void()>> batch;
  {
    const std::lock_guard lock(posted_mutex_);
    batch.swap(posted_);
  }
  const TimePoint enough = now() + kSlice;
  auto rest = batch.begin();
  while (rest != batch.end() && (rest == batch.begin() || now() < enough)) (*rest++)();
  if (rest == batch.end()) return;
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.insert(posted_.begin(), std::move_iterator(rest), std::move_iterator(batch.end()));
  }
  uv_async_send(&handles_->async);
}

void EventLoop::prepare() {
  const auto next = timers_.next();
  if (!next) {
    uv_timer_stop(&handles_->timer);
    return;
  }
  // Rounded up: a timer never fires early.
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next - now());
  uv_update_time(uv_.get());
  uv_timer_start(
      &handles_->timer, [](uv_timer_t*) {},
      static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count(), 0)), 0);
}

void EventLoop::fire_timers() {
  auto next = timers_.next();
  if (!next) return;
  const TimePoint at = now();
  if (*next > at) return;
  lag_ = at - *next;
  do {
    timers_.fire(*next);
    next = timers_.next();
  } while (next && *next <= at && now() < at + kSlice);
}

}  // namespace syncd::loop
