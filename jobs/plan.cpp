#include "jobs/plan.hpp"

#include <span>

#include "config/duration.hpp"
#include "config/suggest.hpp"
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

// The source comes first in the flow of data, but it must know whether the sink's writes may be repeated.
std::optional<JobPlan> plan_job(const config::Config& config, const config::Job& job,
                                schedule::Zones& zones) {
  const std::size_t before = job.table.findings().size();
  const auto schedule = parse_schedule(config, job, zones);
  const auto* source = find_kind(sources(), job.source, "source");
  const auto* sink = find_kind(sinks(), job.sink, "sink");
  PlanContext context(config, job);
  if (sink != nullptr) context.stream.repeats_harmlessly = sink->repeats_harmlessly;
  JobPlan plan(job, schedule.value_or(schedule::Schedule::parse("manual")));
  if (source != nullptr) {
    plan.source_type = source->type;
    plan.source = source->plan(job.source, context);
  }
  for (const config::Table& table : job.transforms) {
    const auto* transform = find_kind(transforms(), table, "transform");
    if (transform == nullptr) {
      context.stream.columns.reset();  // what comes after cannot be judged
      continue;
    }
    plan.transform_types.emplace_back(transform->type);
    plan.transforms.push_back(transform->plan(table, context));
  }
  if (sink != nullptr) {
    plan.sink_type = sink->type;
    plan.sink = sink->plan(job.sink, context);
  }
  if (!schedule || job.table.findings().size() != before) return std::nullopt;
  return plan;
}

}  // namespace

std::map<std::string, JobPlan> plan_jobs(const config::Config& config) {
  schedule::Zones zones;
  if (!config.daemon.time_zone.empty()) {
    find_zone(zones, config.daemon.time_zone, config.daemon.table, "time_zone");  // also when no job needs it
  }
  std::map<std::string, JobPlan> plans;
  for (const auto& [name, job] : config.jobs) {
    if (auto plan = plan_job(config, job, zones)) plans.emplace(name, std::move(*plan));
  }
  return plans;
}

}  // namespace syncd::jobs
