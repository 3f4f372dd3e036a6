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
#include "config/secret.hpp"
#include "config/table.hpp"

namespace syncd::config {

struct Daemon {
  std::string state_dir = "/var/lib/syncd";
  std::string time_zone;  // of the schedules; "" = the system's
  std::chrono::nanoseconds drain_timeout = std::chrono::seconds(30);
  std::uint32_t max_running = 0;      // 0 = no limit
  std::uint64_t history_runs = 1000;  // of each job; 0 = no limit
  std::chrono::nanoseconds history_age = std::chrono::hours(24 * 90);
  std::uint32_t breaker_failures = 5;  // 0 = no breakers
  DurationRange breaker_pause{std::chrono::seconds(10), std::chrono::minutes(5)};
  Table table;  // [daemon] itself, for table.fail("time_zone", ...)
};

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError };
constexpr auto enum_names(LogLevel) {
  return std::array{EnumName("trace", LogLevel::kTrace), EnumName("debug", LogLevel::kDebug),
                    EnumName("info", LogLevel::kInfo), EnumName("warn", LogLevel::kWarn),
                    EnumName("error", LogLevel::kError)};
}

enum class LogFormat { kAuto, kText, kLogfmt, kJson, kJournal };
constexpr auto enum_names(LogFormat) {
  return std::array{EnumName("auto", LogFormat::kAuto), EnumName("text", LogFormat::kText),
                    EnumName("logfmt", LogFormat::kLogfmt), EnumName("json", LogFormat::kJson),
                    EnumName("journal", LogFormat::kJournal)};
}

struct Log {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;
};

struct Control {
  std::string socket = "/run/syncd/control.sock";
  std::string group = "syncd";
};

// Pages for a browser, Prometheus and probes; also on the control socket.
struct Http {
  std::string listen;           // "127.0.0.1:9464"; "" = no TCP port at all
  std::optional<Secret> token;  // needed on an address that others reach
  std::vector<std::string> origins;
};

// Jobs that must not run at the same time, or only so many of them.
struct Group {
  std::uint32_t max_running = 1;
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

enum class Overlap { kSkip, kQueue, kReplace };
constexpr auto enum_names(Overlap) {
  return std::array{EnumName("skip", Overlap::kSkip), EnumName("queue", Overlap::kQueue),
                    EnumName("replace", Overlap::kReplace)};
}

// What a job says about itself.
struct JobSettings {
  std::string name;
  std::string description;
  std::string schedule;                 // its meaning is checked by the schedule room
  std::string time_zone;                // of the schedule; "" = the daemon's
  std::chrono::nanoseconds timeout{0};  // of one run; 0 = none
  Retry retry;
  Overlap overlap = Overlap::kSkip;
  std::string catch_up = "one";  // none | one | all:N; read by the schedule room
  std::chrono::nanoseconds catch_up_window = std::chrono::hours(24);
  std::chrono::nanoseconds start_deadline{0};  // 0 = none
  std::chrono::nanoseconds jitter{0};
  std::string group;
  std::vector<std::string> needs;
  std::uint32_t pause_on_failures = 0;  // 0 = never
  OnBadRecord on_bad_record = OnBadRecord::kHalt;
};

struct Job : JobSettings {
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
  Http http;
  std::map<std::string, Connection> connections;
  std::map<std::string, Group> groups;  // those that are declared; others have room for one
  std::map<std::string, Job> jobs;
  std::vector<std::string> files;  // read, the main file first
  Leaves settings;                 // everything in it but connections and jobs: "daemon.state_dir", ...
};

}  // namespace syncd::config
