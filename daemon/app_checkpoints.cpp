// App::Control: how an operator changes where a job goes on.  What the checkpoint was before is kept, so that
// each change can be taken back.
#include <fmt/format.h>

#include "daemon/app_control.hpp"
#include "daemon/base/log.hpp"
#include "daemon/coro/timeout.hpp"

namespace syncd {
namespace {

// For a commit under way to end, and for a sink or source to answer.
constexpr Duration kChangeAtMost = std::chrono::seconds(60);

jobs::Positions positions_from(const std::map<std::string, std::string>& texts) {
  jobs::Positions positions;
  for (const auto& [partition, text] : texts) positions.advance(jobs::Position(partition, text));
  return positions;
}

// Throws a Config error where an export is of another source.
void require_same_source(const jobs::JobPlan& plan, const control::ExportedCheckpoint& from) {
  const auto ours = plan.source_identity();
  if (ours == from.source) return;
  std::string differences;
  const auto add = [&](const std::string& key, const std::string& theirs, const std::string& here) {
    differences +=
        fmt::format("{}{} is {} there and {} here", differences.empty() ? "" : ", ", key, theirs, here);
  };
  for (const auto& [key, value] : from.source) {
    const auto found = ours.find(key);
    if (found == ours.end()) {
      add(key, value, "nothing");
    } else if (found->second != value) {
      add(key, value, found->second);
    }
  }
  for (const auto& [key, value] : ours) {
    if (!from.source.contains(key)) add(key, "nothing", value);
  }
  throw Error(ErrorKind::Config,
              fmt::format("this checkpoint is of another source than that of {}: {}; nothing was changed",
                          plan.job.name, differences));
}

}  // namespace

// While this lives no run of the job begins; when it goes, a run that it ended goes on where the
// checkpoint then is.
class App::Control::Still {
 public:
  Still(Control& control, const std::string& job) : control_(control), job_(job) {
    if (!control_.still_.insert(job).second) {
      throw control::Busy(fmt::format("the checkpoint of {} is being changed already", job));
    }
    control_.app_.scheduler_.pause(job_, "the checkpoint is being changed");
  }
  ~Still() {
    control_.still_.erase(job_);
    try {
      go_on();
    } catch (const std::exception& error) {
      log::error(job_, "starting it again: {}", error.what());
    }
  }
  Still(const Still&) = delete;
  Still& operator=(const Still&) = delete;
  bool interrupted = false;

 private:
  void go_on() {
    const App& app = control_.app_;
    const auto job = app.jobs_.find(job_);
    if (job == app.jobs_.end()) return;
    if (const auto pause = control_.app_.database_.paused(job_)) {
      return control_.app_.scheduler_.pause(job_, pause->reason);
    }
    control_.app_.scheduler_.resume(job_);  // which is the start of a continuous one
    const bool continuous = job->second->plan().schedule.kind() == schedule::Schedule::Kind::Continuous;
    if (interrupted && !continuous) control_.app_.scheduler_.trigger(job_);
  }
  Control& control_;
  const std::string job_;
};

// Precondition: a Still for this job.  Ends the run under way; nothing writes the checkpoint afterwards.
coro::Task<> App::Control::stand_still(Still& still, jobs::Runner& runner) {
  co_await yield_to_loop(app_.loop_);  // a run that was triggered before begins now
  if (!runner.running()) co_return;
  still.interrupted = true;
  runner.stop(false, "the checkpoint was changed");
  co_await with_timeout(app_.loop_, kChangeAtMost, "waiting for the end of the commit under way",
                        job_of(runner.plan().job.name).wait_for_end());
}

coro::Task<jobs::Positions> App::Control::positions_of(jobs::Runner& runner) {
  jobs::RunContext context = runner.context();
  const auto sink = runner.plan().sink.make(context);
  auto held = co_await with_timeout(app_.loop_, kChangeAtMost, "asking the sink", sink->recall());
  if (held) co_return *std::move(held);
  co_return positions_from(app_.database_.positions(runner.plan().job.name));
}

void App::Control::require_position(jobs::Runner& runner, const jobs::Position& position) {
  jobs::RunContext context = runner.context();
  try {
    runner.plan().source.make(context)->describe(position);
  } catch (const Error& error) {
    throw Error(ErrorKind::Config,
                fmt::format("'{}' is no position of a {}: {}; `syncctl checkpoint show {}` prints one",
                            position.text(), runner.plan().source_type, error.what(), context.job));
  }
}

// Precondition: a Still for this job, which stands.  All positions, or none of them.
coro::Task<> App::Control::replace_checkpoint(std::shared_ptr<jobs::Runner> runner, std::string change,
                                              jobs::Positions before, jobs::Positions to) {
  app_.database_.keep_previous(runner->plan().job.name, {wall_now(), std::move(change), before.all()});
  co_await with_timeout(app_.loop_, kChangeAtMost, "setting the checkpoint", runner->assign(std::move(to)));
}

coro::Task<> App::Control::set_checkpoint(std::string job, std::string partition, std::string text) {
  const auto runner = runner_of(job);
  const jobs::Position position(std::move(partition), std::move(text));
  require_position(*runner, position);
  Still still(*this, job);
  co_await stand_still(still, *runner);
  jobs::Positions before = co_await positions_of(*runner);
  jobs::Positions positions = before;
  if (!positions.empty() && positions.all().count(position.partition()) == 0) {
    throw Error(ErrorKind::Config,
                fmt::format("{} has no partition '{}'; `syncctl checkpoint show {}` lists them", job,
                            position.partition(), job));
  }
  positions.advance(position);
  co_await replace_checkpoint(runner, "set", std::move(before), std::move(positions));
  log::info(job, "the checkpoint was set by the operator");
}

coro::Task<> App::Control::rewind_checkpoint(std::string job, std::string to) {
  const auto runner = runner_of(job);
  std::optional<jobs::Rewind> rewind;  // none: to the start of every partition, which has no position
  if (to != "start") {
    jobs::RunContext context = runner->context();
    const auto source = runner->plan().source.make(context);
    jobs::Positions held = co_await positions_of(*runner);
    rewind = co_await with_timeout(app_.loop_, kChangeAtMost, "asking the source",
                                   source->rewind(to, std::move(held)));
  }
  Still still(*this, job);
  co_await stand_still(still, *runner);
  jobs::Positions before = co_await positions_of(*runner);
  jobs::Positions positions;
  if (rewind && rewind->others_stay) positions = before;
  if (rewind) positions.advance(rewind->to);
  co_await replace_checkpoint(runner, "rewind", std::move(before), std::move(positions));
  log::info(job, "the checkpoint was set back to {} by the operator", to);
}

coro::Task<control::ExportedCheckpoint> App::Control::export_checkpoint(std::string job) {
  const auto runner = runner_of(job);
  const jobs::Positions positions = co_await positions_of(*runner);
  control::ExportedCheckpoint exported;
  exported.job = std::move(job);
  exported.source = runner->plan().source_identity();
  exported.taken = wall_now();
  exported.positions = told(*runner, positions.all());
  co_return exported;
}

coro::Task<> App::Control::import_checkpoint(std::string job, control::ExportedCheckpoint from) {
  const auto runner = runner_of(job);
  require_same_source(runner->plan(), from);
  jobs::Positions positions;
  for (const control::CheckpointPosition& each : from.positions) {
    const jobs::Position position(each.partition, each.text);
    require_position(*runner, position);
    positions.advance(position);
  }
  Still still(*this, job);
  co_await stand_still(still, *runner);
  jobs::Positions before = co_await positions_of(*runner);
  co_await replace_checkpoint(runner, "import", std::move(before), std::move(positions));
  log::info(job, "the checkpoint was imported by the operator: that of {} at {}", from.job,
            rfc3339(from.taken));
}

// What is brought back and what it replaces change places: a second undo takes the first one back.
coro::Task<> App::Control::undo_checkpoint(std::string job) {
  const auto runner = runner_of(job);
  const auto previous = app_.database_.previous_checkpoint(job);
  if (!previous) {
    throw Error(ErrorKind::Config,
                fmt::format("nothing to undo: nobody has changed the checkpoint of {}", job));
  }
  for (const auto& [partition, text] : previous->positions) {
    require_position(*runner, jobs::Position(partition, text));
  }
  Still still(*this, job);
  co_await stand_still(still, *runner);
  jobs::Positions before = co_await positions_of(*runner);
  co_await replace_checkpoint(runner, "undo", std::move(before), positions_from(previous->positions));
  log::info(job, "the checkpoint is as it was before the {} of {}, by the operator", previous->change,
            rfc3339(previous->time));
}

}  // namespace syncd
