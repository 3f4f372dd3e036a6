// Narrator: tells whoever follows a job what passes: each record that its sink has taken, and each step.
// Nothing is made where nobody follows.  Loop thread only.
#pragma once
#include <cstdint>
#include <string>

#include "daemon/coro/clock.hpp"
#include "daemon/status/relay.hpp"
#include "jobs/batch.hpp"

namespace syncd::jobs {

class Narrator {
 public:
  // Records of one second that are told; of the others only how many they were.
  static constexpr std::uint64_t kMostRecords = 1000;

  // Both outlive it.
  Narrator(Clock& clock, status::Relay& relay, std::string job)
      : clock_(clock), relay_(relay), job_(std::move(job)) {}

  bool followed() const { return relay_.followed(job_); }
  void step(std::string text) const;
  // `batch` was committed; `rows`: of the run, with it.
  void delivered(const Batch& batch, std::uint64_t rows);

 private:
  void tell_records(const Batch& batch);

  Clock& clock_;
  status::Relay& relay_;
  const std::string job_;
  TimePoint second_{};  // that is under way
  std::uint64_t told_ = 0;
};

}  // namespace syncd::jobs
