// A circuit breaker: after a number of failures in a row nobody tries any more for a while; then one probe
// tells whether it opens again, for twice as long, or closes.  Pure: time comes from outside.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>

#include "daemon/coro/clock.hpp"

namespace syncd::policy {

class CircuitBreaker {
 public:
  struct Rule {
    std::uint32_t failures = 5;  // in a row; 0: never opens
    Duration shortest = std::chrono::seconds(10);
    Duration longest = std::chrono::minutes(5);
  };

  struct Verdict {
    enum class May { Try, NotBefore, AfterTheProbe } may = May::Try;
    TimePoint not_before{};  // the end of the pause
  };
  Verdict ask(TimePoint now) const {
    if (!open_until_) return {};
    if (probing_) return {Verdict::May::AfterTheProbe, *open_until_};
    return {now < *open_until_ ? Verdict::May::NotBefore : Verdict::May::Try, *open_until_};
  }

  // A try begins.  Precondition: ask() said Try.
  void begin() { probing_ = open_until_.has_value(); }
  // A try reached the peer.
  void succeeded() {
    failures_ = 0;
    probing_ = false;
    open_until_.reset();
  }
  // A try did not.  One that began before the breaker opened changes nothing.
  void failed(TimePoint now, const Rule& rule) {
    if (open_until_ && !probing_) return;
    ++failures_;
    if (rule.failures == 0 || (failures_ < rule.failures && !probing_)) return;
    pause_ = probing_ ? std::min(pause_ * 2, rule.longest) : rule.shortest;
    probing_ = false;
    open_until_ = now + pause_;
  }
  // A try ended without telling anything of the peer: the next one probes.
  void gave_up() { probing_ = false; }

  std::uint32_t failures() const noexcept { return failures_; }
  // It has opened, and no probe has closed it yet.
  bool opened() const noexcept { return open_until_.has_value(); }

 private:
  std::uint32_t failures_ = 0;  // in a row
  std::optional<TimePoint> open_until_;
  Duration pause_{0};
  bool probing_ = false;
};

}  // namespace syncd::policy
