#include "daemon/schedule/scheduler.hpp"

namespace syncd::schedule {
namespace {

// The wall clock may be set while we sleep by the steady one: look again at least this often.
constexpr Duration kLongestSleep = std::chrono::minutes(1);

}  // namespace

void Scheduler::add(const std::string& name, Schedule schedule, Runnable& job, Duration restart_delay,
                    bool paused) {
  entries_.emplace(name, std::make_unique<Entry>(clock_, std::move(schedule), job, restart_delay, paused));
}

coro::Task<> Scheduler::serve() {
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  coro::AsyncScope drivers(stop);
  for (auto& [name, entry] : entries_) drivers.spawn(drive(*entry));
  co_await drivers.join();
}

void Scheduler::drain() {
  draining_ = true;
  for (auto& [name, entry] : entries_) entry->changed.notify();
}

bool Scheduler::trigger(const std::string& name) {
  Entry& entry = *entries_.at(name);
  if (entry.running || entry.triggered || draining_) return false;
  entry.triggered = true;
  entry.changed.notify();
  return true;
}

void Scheduler::set_paused(const std::string& name, bool paused) {
  Entry& entry = *entries_.at(name);
  entry.paused = paused;
  entry.changed.notify();
}

std::optional<WallTime> Scheduler::next(const std::string& name) const {
  const Entry& entry = *entries_.at(name);
  if (entry.paused) return std::nullopt;
  if (entry.running) return entry.schedule.next_after(clock_.wall_now());
  return entry.next;
}

// Returns when the entry is due, was triggered, or we are draining.
coro::Task<> Scheduler::wait_until_due(Entry& entry) {
  while (!draining_ && !entry.triggered) {
    if (entry.paused || !entry.next) {
      co_await entry.changed.wait();
      if (!entry.paused && !entry.next) {
        entry.next = entry.schedule.kind() == Schedule::Kind::Continuous
                         ? std::optional(clock_.wall_now())
                         : entry.schedule.next_after(clock_.wall_now());
      }
      continue;
    }
    const Duration wait = *entry.next - clock_.wall_now();
    if (wait <= Duration::zero()) co_return;
    co_await entry.changed.wait_until(clock_.now() + std::min(wait, kLongestSleep));
  }
}

coro::Task<> Scheduler::drive(Entry& entry) {
  const bool continuous = entry.schedule.kind() == Schedule::Kind::Continuous;
  entry.next = entry.schedule.first_from(clock_.wall_now());
  while (true) {
    co_await wait_until_due(entry);
    if (draining_) co_return;
    const WallTime planned = entry.triggered ? clock_.wall_now() : entry.next.value_or(clock_.wall_now());
    entry.triggered = false;
    entry.running = true;
    co_await entry.job.run(planned);
    entry.running = false;
    if (continuous) {
      entry.next = clock_.wall_now() + std::chrono::duration_cast<WallTime::duration>(entry.restart_delay);
    } else {
      entry.next = entry.schedule.next_after_run(clock_.wall_now());
    }
  }
}

}  // namespace syncd::schedule
