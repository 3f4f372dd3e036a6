#include "daemon/schedule/history.hpp"

#include <array>

namespace syncd::schedule {
namespace {

constexpr std::array<std::string_view, 4> kCauses = {"schedule", "catch_up", "asked", "range"};

}  // namespace

std::string_view to_string(Cause cause) noexcept { return kCauses[static_cast<std::size_t>(cause)]; }

Cause cause_of(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kCauses.size(); ++i) {
    if (kCauses[i] == text) return static_cast<Cause>(i);
  }
  return Cause::Asked;
}

// An interrupted run is not over.
void note_end(JobState& state, const RunRecord& run) {
  state.ended = run.ended;
  if (run.outcome == "interrupted") return;
  state.succeeded = run.outcome == "succeeded";
  state.why_not = run.outcome == "failed" ? run.error : *state.succeeded ? "" : run.outcome;
  if (*state.succeeded) state.failures = 0;
  if (run.outcome == "failed") ++state.failures;
}

}  // namespace syncd::schedule
