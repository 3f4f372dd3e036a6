// The newest log lines in memory, for `syncctl logs`: a bounded number a job and of bytes together, so that a
// job that says much hides no other one.  Thread-safe.
#pragma once
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/log.hpp"
#include "daemon/base/time.hpp"

namespace syncd::log {

struct Line {
  std::uint64_t number = 0;  // counts all lines of this process, from 1
  WallTime time;
  Level level = Level::Info;
  std::string job;       // "": the daemon itself
  std::int64_t run = 0;  // 0: none
  std::string text;      // as it was said: not escaped
};

class Memory {
 public:
  struct Limits {
    std::size_t lines = 200;         // a job
    std::size_t bytes = 256 * 1024;  // of all texts
    std::size_t text = 4 * 1024;     // a line; what is longer is cut
  };
  Memory() : Memory(Limits()) {}
  explicit Memory(Limits limits) : limits_(limits) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  void add(WallTime time, Level level, const About& about, std::string_view text);

  struct Query {
    std::optional<std::string> job = std::nullopt;  // of one job; nullopt: all
    Level level = Level::Trace;                     // no less than this
    std::uint64_t after = 0;                        // numbers above this
    std::size_t limit = 100;                        // the newest ones
  };
  // Oldest first.
  std::vector<Line> find(const Query& query) const;
  // The number of the newest line, also where it is gone already.
  std::uint64_t newest() const;

 private:
  using Lines = std::list<Line>;
  void drop(Lines::iterator line);

  const Limits limits_;
  mutable std::mutex mutex_;
  Lines lines_;                                            // in order
  std::map<std::string, std::deque<Lines::iterator>> of_;  // by job, in order
  std::uint64_t newest_ = 0;
  std::size_t bytes_ = 0;
};

// What this process has said.
Memory& memory();

}  // namespace syncd::log
