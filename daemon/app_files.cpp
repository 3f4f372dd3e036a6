// App::Control: what a job knows about its files.
#include <fmt/format.h>

#include "daemon/app_control.hpp"
#include "daemon/coro/timeout.hpp"
#include "jobs/sources/file_notes.hpp"

namespace syncd {
namespace {

constexpr Duration kLookAtMost = std::chrono::seconds(15);  // for a look through folders that is under way

control::FileState state_of(jobs::FileNote note) {
  control::FileState state;
  state.file = std::move(note.file);
  state.now = std::move(note.now);
  state.identity = std::move(note.identity);
  state.offset = note.offset;
  state.size = note.size;
  state.lag_bytes = note.lag_bytes;
  if (note.lag_time) state.lag = std::chrono::duration_cast<std::chrono::microseconds>(*note.lag_time);
  state.state = std::move(note.state);
  state.truncated = note.truncated;
  state.split = note.split;
  state.skipped = note.skipped;
  return state;
}

}  // namespace

coro::Task<std::vector<control::FileState>> App::Control::files(std::string job) {
  const auto runner = runner_of(job);
  jobs::RunContext context = runner->context();
  const auto source = runner->plan().source.make(context);
  auto* files = dynamic_cast<jobs::FileSource*>(source.get());
  if (files == nullptr) {
    throw Error(ErrorKind::Config,
                fmt::format("{} reads no files: its source is {}", job, runner->plan().source_type));
  }
  auto notes = co_await with_timeout(app_.loop_, kLookAtMost, "asking the source", files->files());
  std::vector<control::FileState> states;
  for (jobs::FileNote& note : notes) states.push_back(state_of(std::move(note)));
  co_return states;
}

}  // namespace syncd
