// One run that no scheduler starts, with its row in the history.
#pragma once
#include "daemon/schedule/runnable.hpp"

namespace syncd::schedule {

// Now; where the history cannot be written, without a row.
coro::Task<RunRecord> recorded_run(Clock& clock, History& history, Runnable& job, std::string name);

}  // namespace syncd::schedule
