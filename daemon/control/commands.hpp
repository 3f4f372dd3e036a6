// Commands: one call in, one reply out (and replies that continue in between).  The table of methods says
// which verbs only read and which operate; every error becomes a varlink error here.
#pragma once
#include <string>
#include <vector>

#include "daemon/control/operations.hpp"
#include "daemon/control/protocol.hpp"
#include "daemon/control/socket.hpp"
#include "daemon/coro/clock.hpp"

namespace syncd::control {

// Where the replies that continue go.
class Progress {
 public:
  virtual ~Progress() = default;
  // Returns when the system has taken it; throws when the client does not read or is gone.
  virtual coro::Task<> send(Json parameters) = 0;
};

class Commands {
 public:
  // What a caller may be told about the rules.
  Commands(Clock& clock, Operations& operations) : clock_(clock), operations_(operations) {}
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  // The last reply to `call`.  Throws only what `progress` throws, and Cancelled on a stop.
  coro::Task<Reply> answer(const Call& call, Role role, Progress& progress);

  // To be called once the reply to `call` is on its way: ends the daemon where that was the call.
  void replied(const Call& call);

 private:
  Clock& clock_;
  Operations& operations_;
};

}  // namespace syncd::control
