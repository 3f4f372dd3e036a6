// Times and zones in few words.
#pragma once
#include <chrono>
#include <string>

#include "daemon/schedule/zones.hpp"

namespace syncd::schedule::test {

inline Instant utc(int year, unsigned month, unsigned day, std::chrono::seconds time = {}) {
  return std::chrono::sys_days(std::chrono::year(year) / month / day) + time;
}

inline LocalTime wall(int year, unsigned month, unsigned day, std::chrono::seconds time = {}) {
  return std::chrono::local_days(std::chrono::year(year) / month / day) + time;
}

inline Zone zone(const std::string& name) {
  Zones zones;
  return zones.get(name);
}

}  // namespace syncd::schedule::test
