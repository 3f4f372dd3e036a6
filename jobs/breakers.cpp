#include "jobs/breakers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/connections.hpp"
#include "jobs/plan.hpp"

namespace syncd::jobs {
namespace {

// How often a job looks whether the one that probes a connection has come through.
constexpr Duration kAskProbe = std::chrono::seconds(1);

}  // namespace

Breakers::Breakers(const JobPlan& plan, const Connections& connections) : rule_(plan.breaker) {
  const std::string& source = plan.source_connection;
  const std::string& sink = plan.sink_connection;
  if (!source.empty()) all_.push_back(One{source, connections.breaker(source), true, source == sink});
  if (!sink.empty() && sink != source) all_.push_back(One{sink, connections.breaker(sink), false, true});
  for (const std::string& name : plan.transform_connections) {
    const auto same = [&name](const One& one) { return one.connection == name; };
    if (std::any_of(all_.begin(), all_.end(), same)) continue;
    all_.push_back(One{name, connections.breaker(name), false, false});
  }
}

std::optional<schedule::Gate> Breakers::gate(const Clock& clock) const {
  using May = policy::CircuitBreaker::Verdict::May;
  const TimePoint now = clock.now();
  for (const One& one : all_) {
    const auto verdict = one.breaker.ask(now);
    if (verdict.may == May::NotBefore) {
      const auto wait = std::chrono::duration_cast<WallTime::duration>(verdict.not_before - now);
      return schedule::Gate{
          fmt::format("connection '{}': breaker open until {} after {} failures in a row", one.connection,
                      rfc3339(clock.wall_now() + wait), one.breaker.failures()),
          verdict.not_before};
    }
    if (verdict.may == May::AfterTheProbe) {
      return schedule::Gate{
          fmt::format("connection '{}': breaker half open, another job probes it", one.connection),
          now + kAskProbe};
    }
  }
  return std::nullopt;
}

void Breakers::begin() {
  for (One& one : all_) one.breaker.begin();
}

void Breakers::sink_answered() {
  for (One& one : all_) {
    if (one.of_sink) one.breaker.succeeded();
  }
}

void Breakers::answered() {
  for (One& one : all_) one.breaker.succeeded();
}

void Breakers::failed(TimePoint now, const std::string& connection, bool in_sink, bool may_pass) {
  for (One& one : all_) {
    const bool at_an_end = connection.empty() && (in_sink ? one.of_sink : one.of_source);
    if (may_pass && (at_an_end || one.connection == connection)) {
      one.breaker.failed(now, rule_);
    } else {
      one.breaker.gave_up();
    }
  }
}

void Breakers::gave_up() {
  for (One& one : all_) one.breaker.gave_up();
}

}  // namespace syncd::jobs
