// `syncctl check`: the configuration on disk and, online, every component against the real thing.
#include <fmt/format.h>
#include <sys/stat.h>

#include "config/load.hpp"
#include "daemon/app_control.hpp"
#include "daemon/coro/timeout.hpp"
#include "daemon/postgres/pool.hpp"
#include "daemon/redis/pool.hpp"

namespace syncd {
namespace {

using control::CheckFinding;

constexpr Duration kCheckAtMost = std::chrono::seconds(30);  // for one component

// A check has no run to report to.
class Nobody final : public jobs::Monitor, public jobs::BadRecords {
 public:
  void waiting_for(std::string) override {}
  void lag(std::optional<std::chrono::nanoseconds>, std::optional<std::uint64_t>) override {}
  void warn(std::string) override {}
  void take(const jobs::BadRecord&) override {}
};

CheckFinding finding(CheckFinding::Level level, std::string place, std::string text,
                     std::string remedy = "") {
  CheckFinding made;
  made.level = level;
  made.place = std::move(place);
  made.text = std::move(text);
  made.remedy = std::move(remedy);
  return made;
}

CheckFinding::Level level_of(jobs::CheckNote::Level level) {
  switch (level) {
    case jobs::CheckNote::Level::Error:
      return CheckFinding::Level::Error;
    case jobs::CheckNote::Level::Warning:
      return CheckFinding::Level::Warning;
    case jobs::CheckNote::Level::Note:
      return CheckFinding::Level::Note;
  }
  return CheckFinding::Level::Note;
}

// `Component` is a Source or a Sink; `place` is "job users, source".
template <class Component>
coro::Task<> check_component(jobs::RunContext& context, std::string place, const jobs::Plan<Component>& plan,
                             std::vector<CheckFinding>& found) {
  try {
    const auto component = plan.make(context);
    const auto notes = co_await with_timeout(context.clock, kCheckAtMost, "checking", component->check());
    for (const jobs::CheckNote& note : notes) {
      found.push_back(finding(level_of(note.level), place, note.text, note.remedy));
    }
  } catch (const std::exception& error) {
    found.push_back(finding(CheckFinding::Level::Error, place, error.what()));
  }
}

coro::Task<> check_job(Clock& clock, jobs::Connections& connections, std::string instance,
                       const jobs::JobPlan& plan, std::vector<CheckFinding>& found) {
  Nobody nobody;
  const std::string& job = plan.job.name;
  jobs::RunContext context(clock, connections, nobody, nobody, job, std::move(instance));
  co_await check_component(context, fmt::format("job {}, source {}", job, plan.source_type), plan.source,
                           found);
  co_await check_component(context, fmt::format("job {}, sink {}", job, plan.sink_type), plan.sink, found);
}

bool changed_since(const std::string& file, WallTime time) {
  struct stat now {};
  if (::stat(file.c_str(), &now) != 0) return false;
  return std::chrono::seconds(now.st_ctim.tv_sec) + std::chrono::nanoseconds(now.st_ctim.tv_nsec) >
         time.time_since_epoch();
}

}  // namespace

std::vector<CheckFinding> errors_of(const config::Findings& mistakes) {
  std::vector<CheckFinding> found;
  for (const config::Finding& mistake : mistakes.all()) {
    const config::Place place{mistake.file, mistake.line, mistake.column};
    found.push_back(finding(CheckFinding::Level::Error, place.text(), mistake.text));
  }
  return found;
}

coro::Task<std::vector<CheckFinding>> App::Control::check(bool online) {
  const config::Findings mistakes;
  const Loaded loaded = load_configuration(app_.configuration_->config().files.front(), mistakes);
  std::vector<CheckFinding> found = errors_of(mistakes);
  for (const std::string& file : loaded.config.files) {
    if (!changed_since(file, app_.configuration_->loaded())) continue;
    found.push_back(finding(CheckFinding::Level::Note, file, "changed since the daemon read it",
                            "`syncctl reload` takes it; --dry-run shows what it changes"));
  }
  if (!online || !mistakes.empty()) co_return found;

  // On connections of its own: those of the jobs stay free, and what is checked is what the file says.
  jobs::Connections connections(app_.loop_, loaded.config.connections);
  std::map<std::string, std::vector<CheckFinding>> by_job;
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  coro::AsyncScope scope(stop);
  for (const auto& [name, plan] : loaded.jobs) {
    scope.spawn(check_job(app_.loop_, connections, app_.database_.instance(), *plan, by_job[name]));
  }
  co_await scope.join();
  for (auto& [name, of_job] : by_job) std::move(of_job.begin(), of_job.end(), std::back_inserter(found));
  co_return found;
}

}  // namespace syncd
