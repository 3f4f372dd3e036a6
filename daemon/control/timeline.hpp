// What the socket tells of time: what will run, what has run and what has not, and what a new configuration
// changes.  Plain data, filled by the app; a text may come from outside and is escaped where it is shown.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/time.hpp"

namespace syncd::control {

// A coming occurrence.
struct Upcoming {
  std::string job;
  WallTime at;
  std::string local;  // by the wall clock of its zone: "2026-03-29 03:00:00 +02:00"
  std::string zone;   // "Europe/Paris"; "" where the schedule needs none
  std::string note;   // "02:30 does not exist on 2026-03-29 in Europe/Paris, runs 03:00"; "" mostly
};

// A job of which no occurrence is known beforehand, and why.
struct NotComing {
  std::string job;
  std::string reason;  // "manual", "paused: migration"
};

struct Coming {
  std::vector<Upcoming> occurrences;  // in order
  std::vector<NotComing> without;
};

// A part of the source for one run, both ends included; as `checkpoint rewind` or `checkpoint show` have
// them.
struct RunRange {
  std::optional<std::string> from;  // none: from the beginning
  std::optional<std::string> to;    // none: up to now
  bool given() const { return from || to; }
};

struct HistoryQuery {
  std::optional<std::string> job;  // of all where it is absent
  bool failed = false;             // only what did not succeed
  std::optional<WallTime> since;   // planned then or later
  std::uint64_t limit = 100;
};

// An occurrence that ran; or one, or several in a row, that did not for the same reason.
struct HistoryEntry {
  std::int64_t id = 0;
  std::string job;
  WallTime planned;
  std::optional<WallTime> until;  // the last one, where it stands for several
  std::uint64_t occurrences = 1;
  std::optional<WallTime> started;  // none: it did not run
  std::optional<WallTime> ended;
  std::string cause;    // schedule catch_up asked range
  std::string outcome;  // running succeeded failed cancelled interrupted skipped missed
  std::string reason;   // the error, or why it did not run; "" where it succeeded
  std::uint32_t attempts = 0;
  std::uint32_t resumed = 0;  // how often it went on after the end of a daemon
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, std::string> position_before;  // by partition
  std::map<std::string, std::string> position_after;
};

// What a configuration would change, or has changed, against the one before.
struct Difference {
  struct Item {
    std::string name;
    std::vector<std::string> keys;  // whose values differ; of what was changed
    bool running = false;           // a run goes on with the old configuration
  };
  struct Items {
    std::vector<Item> added;
    std::vector<Item> removed;
    std::vector<Item> changed;
    std::uint64_t unchanged = 0;
  };
  Items jobs;
  Items connections;
  std::vector<std::string> settings;  // of the daemon itself, in effect from now on: "daemon.drain_timeout"
  std::vector<std::string> restart;   // in effect when the daemon is started anew: "daemon.state_dir"
};

}  // namespace syncd::control
