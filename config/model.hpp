// What syncd.toml and jobs.d/*.toml say, with every default in one place.  Connections, sources,
// transforms and sinks stay raw tables: the room that owns a type reads its options with its own Fields.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/duration.hpp"
#include "config/error.hpp"
#include "config/names.hpp"
#include "config/table.hpp"

namespace syncd::config {

struct Daemon {
  std::string state_dir = "/var/lib/syncd";
  std::string time_zone;  // of the schedules; "" = the system's
  std::chrono::nanoseconds drain_timeout = std::chrono::seconds(30);
  Table table;  // [daemon] itself, for table.fail("time_zone", ...)
};

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError };
constexpr auto enum_names(LogLevel) {
  return std::array{EnumName("trace", LogLevel::kTrace), EnumName("debug", LogLevel::kDebug),
                    EnumName("info", LogLevel::kInfo), EnumName("warn", LogLevel::kWarn),
                    EnumName("error", LogLevel::kError)};
}

enum class LogFormat { kAuto, kText, kJson, kJournal };
constexpr auto enum_names(LogFormat) {
  return std::array{EnumName("auto", LogFormat::kAuto), EnumName("text", LogFormat::kText),
                    EnumName("json", LogFormat::kJson), EnumName("journal", LogFormat::kJournal)};
}

struct Log {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;
};

struct Control {
  std::string socket = "/run/syncd/control.sock";
  std::string group = "syncd";
};

struct Connection {
  std::string name;
  std::string type;
  Table table;  // without `type`, which is known already
};

struct Retry {
  std::uint32_t attempts = 5;  // the first one included; 0 = for ever
  DurationRange backoff{std::chrono::seconds(1), std::chrono::minutes(5)};
  std::chrono::nanoseconds total{0};  // no new attempt after this time; 0 = no limit
};

enum class OnBadRecord { kHalt, kSkip, kDeadLetter };
constexpr auto enum_names(OnBadRecord) {
  return std::array{EnumName("halt", OnBadRecord::kHalt), EnumName("skip", OnBadRecord::kSkip),
                    EnumName("dead_letter", OnBadRecord::kDeadLetter)};
}

struct Job {
  std::string name;
  std::string description;
  std::string schedule;                 // its meaning is checked by the schedule room
  std::string time_zone;                // of the schedule; "" = the daemon's
  std::chrono::nanoseconds timeout{0};  // of one run; 0 = none
  Retry retry;
  OnBadRecord on_bad_record = OnBadRecord::kHalt;
  Table source;                   // each has a string `type`, which is known already
  std::vector<Table> transforms;  // in the order of the file
  Table sink;
  Table table;  // [jobs.NAME] itself, for table.fail("schedule", ...)
  Place place;  // of [jobs.NAME]
};

struct Config {
  Daemon daemon;
  Log log;
  Control control;
  std::map<std::string, Connection> connections;
  std::map<std::string, Job> jobs;
  std::vector<std::string> files;  // read, the main file first
  Leaves settings;                 // everything in it but connections and jobs: "daemon.state_dir", ...
};

}  // namespace syncd::config
