// The wall clock of a zone as the C library shows it: an oracle that shares no code with ours.
#pragma once
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace syncd::schedule {

// Sets the zone of the process for as long as it lives; one at a time.
class LibcClock {
 public:
  explicit LibcClock(const std::string& zone) {
    if (const char* old = std::getenv("TZ")) old_ = old;
    set(zone.c_str());
  }
  LibcClock(const LibcClock&) = delete;
  LibcClock& operator=(const LibcClock&) = delete;
  ~LibcClock() { set(old_ ? old_->c_str() : nullptr); }

  // Seconds since 1970 on the wall clock.
  std::time_t local(std::time_t instant) const {
    std::tm shown{};
    ::localtime_r(&instant, &shown);
    return instant + shown.tm_gmtoff;
  }

 private:
  static void set(const char* zone) {
    if (zone == nullptr) {
      ::unsetenv("TZ");
    } else {
      ::setenv("TZ", zone, 1);
    }
    ::tzset();
  }
  std::optional<std::string> old_;
};

}  // namespace syncd::schedule
