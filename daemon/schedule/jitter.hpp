// Spreads jobs that are due at the same instant.
#pragma once
#include <chrono>
#include <string_view>

namespace syncd::schedule {

// How much later than planned the occurrences of `job` on `host` start: from 0 to `most`, always the same for
// the same names, so that a restart neither moves nor repeats nor skips an occurrence.
std::chrono::microseconds jitter(std::string_view job, std::string_view host, std::chrono::microseconds most);

}  // namespace syncd::schedule
