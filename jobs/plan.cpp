#include "jobs/plan.hpp"

#include <fmt/format.h>

#include <set>
#include <span>

#include "config/duration.hpp"
#include "config/suggest.hpp"
#include "daemon/base/host.hpp"
#include "daemon/schedule/jitter.hpp"
#include "daemon/schedule/policy.hpp"
#include "daemon/schedule/zones.hpp"
#include "jobs/catalogue.hpp"

namespace syncd::jobs {
namespace {

template <class Component>
const Kind<Component>* find_kind(std::span<const Kind<Component>* const> all, const config::Table& table,
                                 std::string_view what) {
  if (table.refused("type")) return nullptr;
  const std::string type = table.string("type").value_or("");
  std::vector<std::string> known;
  for (const auto* kind : all) {
    if (kind->type == type) return kind;
    known.emplace_back(kind->type);
  }
  table.fail("type", config::unknown_text(std::string(what) + " type", type, known));
  return nullptr;
}

std::optional<schedule::Zone> find_zone(schedule::Zones& zones, const std::string& name,
                                        const config::Table& table, std::string_view key) {
  try {
    return zones.get(name);
  } catch (const config::ValueError& error) {
    table.fail(key, error.what());
    return std::nullopt;
  }
}

// The job's, else the daemon's, else the system's; what is wrong with it is told where it was written.
std::optional<schedule::Zone> find_zone(schedule::Zones& zones, const config::Config& config,
                                        const config::Job& job) {
  if (!job.time_zone.empty()) return find_zone(zones, job.time_zone, job.table, "time_zone");
  const config::Daemon& daemon = config.daemon;
  if (!daemon.time_zone.empty()) return find_zone(zones, daemon.time_zone, daemon.table, "time_zone");
  return find_zone(zones, "", job.table, "schedule");
}

std::optional<schedule::Schedule> parse_schedule(const config::Config& config, const config::Job& job,
                                                 schedule::Zones& zones) {
  if (job.table.refused("schedule")) {
    if (!job.time_zone.empty()) find_zone(zones, config, job);  // all mistakes at once
    return std::nullopt;
  }
  try {
    const auto schedule = schedule::Schedule::parse(job.schedule);
    if (schedule.uses_wall_clock()) {
      if (auto zone = find_zone(zones, config, job)) return schedule.in(std::move(*zone));
      return std::nullopt;
    }
    if (!job.time_zone.empty()) {
      job.table.fail("time_zone", "'time_zone' has no effect on the schedule " +
                                      config::quoted(job.schedule) + "; remove it");
    }
    return schedule;
  } catch (const config::ValueError& error) {
    job.table.fail("schedule", std::string("'schedule': ") + error.what());
    if (!job.time_zone.empty()) find_zone(zones, config, job);
    return std::nullopt;
  }
}

bool continuous(const config::Job& job) { return job.schedule == "continuous"; }

void check_policies(const config::Config& config, const config::Job& job) {
  const config::Table& table = job.table;
  if (!table.refused("catch_up")) {
    try {
      schedule::CatchUp::parse(job.catch_up);
    } catch (const config::ValueError& error) {
      table.fail("catch_up", std::string("'catch_up': ") + error.what());
    }
  }
  if (!job.group.empty() && continuous(job)) {
    table.fail("group", "'group': a job that runs continuously would never let another one of the group in");
  }
  for (const std::string& needed : job.needs) {
    const auto found = config.jobs.find(needed);
    if (found == config.jobs.end()) {
      std::vector<std::string> known;
      for (const auto& [name, other] : config.jobs) known.push_back(name);
      table.fail("needs", "'needs': " + config::unknown_text("job", needed, known));
    } else if (continuous(found->second)) {
      table.fail("needs", fmt::format("'needs': {} runs continuously, so it is never done", needed));
    }
  }
}

// The jobs with findings.
std::set<std::string> check_policies(const config::Config& config) {
  std::set<std::string> refused;
  for (const auto& [name, job] : config.jobs) {
    const std::size_t before = job.table.findings().size();
    check_policies(config, job);
    if (job.table.findings().size() != before) refused.insert(name);
  }
  return refused;
}

void check_circles(const config::Config& config) {
  std::map<std::string, std::vector<std::string>> needs;
  for (const auto& [name, job] : config.jobs) needs.emplace(name, job.needs);
  const auto circle = schedule::find_cycle(needs);
  if (circle.empty()) return;
  config.jobs.at(circle.front())
      .table.fail("needs", fmt::format("'needs' goes in a circle: {}", fmt::join(circle, " -> ")));
}

std::string connection_of(const config::Table& component) {
  return component.refused("connection") ? "" : component.string("connection").value_or("");
}

// Asked before the sink's options are read, and without findings: those come when they are.
bool repeats_harmlessly(const SinkKind& sink, const config::Table& options) {
  if (sink.repeats_harmlessly || sink.replaces_with.empty()) return sink.repeats_harmlessly;
  const auto given = options.reporting_to(config::Findings()).strings(sink.replaces_with);
  return given && !given->empty();
}

using Lines = std::vector<std::string>;

// What jobs have in common: kept once.
struct Shared {
  schedule::Zones zones;
  std::map<std::pair<std::string, std::string>, schedule::Schedule> schedules;  // by text and zone
  std::map<Lines, std::shared_ptr<const Lines>> promises;
};

// The source comes first in the flow of data, but it must know whether the sink's writes may be repeated.
std::optional<JobPlan> plan_job(const config::Config& config, const config::Job& job, Shared& shared) {
  const std::size_t before = job.table.findings().size();
  auto schedule = parse_schedule(config, job, shared.zones);
  if (schedule)
    schedule =
        shared.schedules.try_emplace({schedule->text(), schedule->zone().name()}, *schedule).first->second;
  const auto* source = find_kind(sources(), job.source, "source");
  const auto* sink = find_kind(sinks(), job.sink, "sink");
  PlanContext context(config, job);
  if (sink != nullptr) context.stream.repeats_harmlessly = repeats_harmlessly(*sink, job.sink);
  JobPlan plan(job, schedule.value_or(schedule::Schedule::parse("manual")));
  plan.breaker = policy::CircuitBreaker::Rule{
      config.daemon.breaker_failures, config.daemon.breaker_pause.first, config.daemon.breaker_pause.second};
  plan.source_connection = connection_of(job.source);
  plan.sink_connection = connection_of(job.sink);
  if (source != nullptr) {
    plan.source_type = source->type;
    plan.ranges = source->ranges;
    plan.source = source->plan(job.source, context);
  }
  for (const config::Table& table : job.transforms) {
    const auto* transform = find_kind(transforms(), table, "transform");
    if (transform == nullptr) {
      context.stream.columns.reset();  // what comes after cannot be judged
      continue;
    }
    plan.transform_types.emplace_back(transform->type);
    const std::string connection = connection_of(table.reporting_to(config::Findings()));
    if (!connection.empty()) plan.transform_connections.push_back(connection);
    plan.transforms.push_back(transform->plan(table, context));
  }
  if (sink != nullptr) {
    plan.sink_type = sink->type;
    plan.repeats_harmlessly = repeats_harmlessly(*sink, job.sink);
    plan.sink = sink->plan(job.sink, context);
  }
  if (!schedule || job.table.findings().size() != before) return std::nullopt;
  return plan;
}

// In the order in which the data moves.
Lines take_guarantees(JobPlan& plan) {
  Lines lines;
  const auto add = [&lines](Lines& more) {
    for (std::string& line : std::exchange(more, {})) lines.push_back(std::move(line));
  };
  add(plan.source.guarantees);
  for (auto& transform : plan.transforms) add(transform.guarantees);
  add(plan.sink.guarantees);
  return lines;
}

}  // namespace

std::map<std::string, JobPlan> plan_jobs(config::Config& config) {
  Shared shared;
  if (!config.daemon.time_zone.empty()) {
    find_zone(shared.zones, config.daemon.time_zone, config.daemon.table,
              "time_zone");  // also when no job needs it
  }
  const std::set<std::string> refused = check_policies(config);
  check_circles(config);
  std::map<std::string, JobPlan> plans;
  while (!config.jobs.empty()) {
    const auto written = config.jobs.extract(config.jobs.begin());
    auto plan = plan_job(config, written.mapped(), shared);
    if (!plan || refused.contains(written.key())) continue;
    Lines lines = take_guarantees(*plan);
    auto& promised = shared.promises[lines];
    if (!promised) promised = std::make_shared<const Lines>(std::move(lines));
    plan->guarantees = promised;
    plans.emplace(written.key(), std::move(*plan));
  }
  return plans;
}

schedule::Settings JobPlan::scheduling() const {
  schedule::Settings settings(schedule);
  settings.overlap = job.overlap;
  settings.catch_up.most = schedule::CatchUp::parse(job.catch_up);
  settings.catch_up.window = job.catch_up_window;
  settings.start_deadline = job.start_deadline;
  settings.jitter =
      schedule::jitter(job.name, host_name(), std::chrono::duration_cast<WallTime::duration>(job.jitter));
  settings.group = job.group;
  settings.needs = job.needs;
  settings.pause_on_failures = job.pause_on_failures;
  return settings;
}

std::map<std::string, std::string> JobPlan::source_identity() const {
  std::map<std::string, std::string> identity{{"type", std::string(source_type)}};
  const config::Leaves leaves = written();
  for (const SourceKind* kind : sources()) {
    if (kind->type != source_type) continue;
    for (const config::FieldDoc& field : kind->docs()) {
      const auto leaf = leaves.find("source." + field.key);
      if (!field.required || field.key == "connection" || leaf == leaves.end()) continue;
      identity.emplace(field.key, leaf->second.reveal());
    }
  }
  return identity;
}

schedule::Limits limits_of(const config::Config& config) {
  schedule::Limits limits;
  limits.max_running = config.daemon.max_running;
  for (const auto& [name, group] : config.groups) limits.groups.emplace(name, group.max_running);
  return limits;
}

}  // namespace syncd::jobs
