// Breakers: the circuit breakers of the connections that one job uses; each is shared with the other jobs of
// its connection.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "daemon/policy/circuit_breaker.hpp"
#include "daemon/schedule/runnable.hpp"

namespace syncd::jobs {

class Connections;
class JobPlan;

class Breakers {
 public:
  // `connections` outlives this.
  Breakers(const JobPlan& plan, const Connections& connections);

  // Why no attempt should begin now; nullopt: it may.
  std::optional<schedule::Gate> gate(const Clock& clock) const;

  // An attempt begins.  Precondition: gate() said that it may.
  void begin();
  // Its sink has answered, or both ends have.
  void sink_answered();
  void answered();
  // It failed, at `connection`, or, where that is "", at that of the source or the sink.  Only what
  // `may_pass` by itself tells that a server is unwell: one that refuses us has answered.
  void failed(TimePoint now, const std::string& connection, bool in_sink, bool may_pass);
  // It was cancelled.
  void gave_up();

 private:
  struct One {
    std::string connection;
    policy::CircuitBreaker& breaker;
    bool of_source;
    bool of_sink;
  };
  policy::CircuitBreaker::Rule rule_;
  std::vector<One> all_;
};

}  // namespace syncd::jobs
