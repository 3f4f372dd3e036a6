#include "daemon/status/job_status.hpp"

#include <array>
#include <utility>

namespace syncd::status {
namespace {
constexpr std::array<std::pair<JobState, std::string_view>, 6> kWords = {{
    {JobState::Idle, "idle"},
    {JobState::Running, "running"},
    {JobState::Waiting, "waiting"},
    {JobState::Paused, "paused"},
    {JobState::Failed, "failed"},
    {JobState::Fenced, "fenced"},
}};
}  // namespace

std::string_view to_string(JobState state) noexcept {
  for (const auto& [known, word] : kWords) {
    if (known == state) return word;
  }
  return "unknown";
}

std::optional<JobState> parse_job_state(std::string_view word) noexcept {
  for (const auto& [state, known] : kWords) {
    if (known == word) return state;
  }
  return std::nullopt;
}

}  // namespace syncd::status
