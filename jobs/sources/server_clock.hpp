// ServerClock: notices when a server's clock is set back, by a clock of ours that never is.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/coro/clock.hpp"

namespace syncd::jobs {

// What the server's clock said at some moment before `ours_us` of our own, which counts since our host was
// started.  It goes into positions, so that a run compares with the one before it.
struct ClockReading {
  std::int64_t wall_us = 0;
  std::int64_t ours_us = 0;
  std::string boot;  // of our host; "" where nobody knows
  bool operator==(const ClockReading&) const = default;
};

class ServerClock {
 public:
  ServerClock();

  // Compares with this one, when it is of the same start of our host.
  void remember(const ClockReading& reading);
  const std::optional<ClockReading>& last() const noexcept { return last_; }

  struct SetBack {
    Duration by;     // at most
    Duration since;  // the reading before this one: at most that long ago
  };
  // The server's clock said `wall_us` between two moments of ours.  Nullopt: as far as can be told, it was
  // not set back since the reading before.
  std::optional<SetBack> read(TimePoint asked, TimePoint answered, std::int64_t wall_us);

 private:
  std::string boot_;
  std::optional<ClockReading> last_;
};

}  // namespace syncd::jobs
