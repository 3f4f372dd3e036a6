#include "jobs/sources/server_clock.hpp"

#include <fstream>

namespace syncd::jobs {
namespace {

using std::chrono::microseconds;

// Two clocks that are kept by NTP drift apart by less than one part in this many.
constexpr int kDrift = 500;

microseconds count(TimePoint at) { return std::chrono::duration_cast<microseconds>(at.time_since_epoch()); }

}  // namespace

ServerClock::ServerClock() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::getline(file, boot_);
}

void ServerClock::remember(const ClockReading& reading) {
  if (!boot_.empty() && reading.boot == boot_) last_ = reading;
}

std::optional<ServerClock::SetBack> ServerClock::read(TimePoint asked, TimePoint answered,
                                                      std::int64_t wall_us) {
  const auto before = last_;
  last_ = ClockReading{wall_us, count(answered).count(), boot_};
  if (!before) return std::nullopt;
  const microseconds advanced(wall_us - before->wall_us);
  const microseconds least = count(asked) - microseconds(before->ours_us);
  const microseconds most = count(answered) - microseconds(before->ours_us);
  const microseconds drift = most / kDrift;
  if (advanced >= least - drift) return std::nullopt;
  return SetBack{most + drift - advanced, most + drift};
}

}  // namespace syncd::jobs
