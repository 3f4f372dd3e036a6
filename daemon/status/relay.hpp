// Relay: what passes in a job, and answers of models while they are written, for any number of watchers. Each
// has a bounded ring: a slow one loses pieces, marked as lost, and slows nobody.  Loop thread only.
#pragma once
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "daemon/coro/signal.hpp"
#include "daemon/coro/task.hpp"

namespace syncd::status {

class Piece {
 public:
  enum class Kind {
    Text,
    Again,   // what was shown of this answer is void, it begins anew; the text says why
    Done,    // this answer is whole
    Failed,  // this answer will not come; the text says why
    Lost,    // the watcher was too slow; the text is how many pieces
    Ended,   // the job's run, of no single answer; the text is why it failed, "" where it did not
    // For those alone who watch everything:
    Record,   // that the sink has taken, as JSON
    Skipped,  // more records passed than are told; the text is how many
    Step,     // what the job does; for people
  };
  Piece(std::string answer_in, Kind kind_in, std::string text_in)
      : answer(std::move(answer_in)), kind(kind_in), text(std::move(text_in)) {}
  std::string answer;  // tells answers apart that are written at the same time
  Kind kind;
  std::string text;
};

std::string_view to_string(Piece::Kind kind) noexcept;

class Relay {
 public:
  Relay() = default;
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // To all who watch `job` now; to nobody else, ever.
  void publish(const std::string& job, const Piece& piece);
  // Whether somebody watches everything of it.
  bool followed(const std::string& job) const;

  enum class Interest { Answers, Everything };
  class Watcher {
   public:
    Watcher(Clock& clock, Relay& relay, std::string job, Interest interest = Interest::Answers);
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    // What has come since the last call; waits where nothing has, until the deadline: then there is none.
    // Throws Cancelled on a stop.
    coro::Task<std::vector<Piece>> next(TimePoint deadline = TimePoint::max());

   private:
    friend class Relay;
    void add(const Piece& piece);

    Relay& relay_;
    const std::string job_;
    const Interest interest_;
    coro::Signal changed_;
    std::deque<Piece> ring_;
    std::size_t bytes_ = 0;
    std::size_t lost_ = 0;
  };

 private:
  std::multimap<std::string, Watcher*> watchers_;  // by job
};

}  // namespace syncd::status
