#include "daemon/schedule/recorded_run.hpp"

#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"

namespace syncd::schedule {

coro::Task<RunRecord> recorded_run(Clock& clock, History& history, Runnable& job, std::string name) {
  JobState state;
  RunRecord run;
  run.job = name;
  run.cause = Cause::Asked;
  run.planned = run.started = clock.wall_now();
  try {
    state = history.state(name).value_or(state);
    history.begin(run, state);
  } catch (const Error& error) {
    log::warn(name, "this run will be missing in the history: {}", error.what());
  }
  RunRecord ended = co_await job.run(run);
  note_end(state, ended);
  try {
    if (ended.id != 0) history.end(ended, state, false);
  } catch (const Error& error) {
    log::warn(name, "the end of this run will be missing in the history: {}", error.what());
  }
  co_return ended;
}

}  // namespace syncd::schedule
