#include "jobs/keep_alive.hpp"

namespace syncd::jobs {
namespace {

// Well within the lease of any sink.
constexpr Duration kBeat = std::chrono::seconds(5);

}  // namespace

KeepAlive::KeepAlive(Clock& clock, Sink& sink, const std::stop_token& soft, const std::stop_token* hard)
    : clock_(clock), sink_(sink), waiting_(&soft), beating_(hard), over_(clock), settled_(clock) {
  beating_.spawn(beat());
}

Task<> KeepAlive::beat() {
  while (true) {
    const bool over = co_await over_.wait_until(clock_.now() + kBeat);
    if (over) co_return;
    if (!pulling_) continue;
    settling_ = true;
    try {
      co_await sink_.settle(Settle::Beat);
    } catch (const std::exception&) {
      lost_ = std::current_exception();
    }
    settling_ = false;
    settled_.notify();
    if (!lost_) continue;
    waiting_.request_stop();
    co_return;
  }
}

Task<std::optional<Batch>> KeepAlive::wait(Task<std::optional<Batch>> pull) {
  std::optional<Batch> batch;
  std::exception_ptr failure;
  pulling_ = true;
  try {
    batch = co_await std::move(pull).with_stop(waiting_.token());
  } catch (...) {
    failure = std::current_exception();
  }
  pulling_ = false;
  while (settling_) {
    co_await settled_.wait();
  }
  if (lost_) std::rethrow_exception(lost_);
  if (failure) std::rethrow_exception(failure);
  co_return batch;
}

Task<> KeepAlive::end() {
  over_.notify();
  co_await beating_.join();
}

}  // namespace syncd::jobs
