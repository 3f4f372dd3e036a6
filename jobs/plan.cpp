#include "jobs/plan.hpp"

#include <span>

#include "config/duration.hpp"
#include "config/suggest.hpp"
#include "jobs/catalogue.hpp"

namespace syncd::jobs {
namespace {

template <class Component>
const Kind<Component>* find_kind(std::span<const Kind<Component>* const> all, const config::Table& table,
                                 std::string_view what) {
  const std::string type = table.string("type").value_or("");
  std::vector<std::string> known;
  for (const auto* kind : all) {
    if (kind->type == type) return kind;
    known.emplace_back(kind->type);
  }
  table.fail("type", config::unknown_text(std::string(what) + " type", type, known));
  return nullptr;
}

std::optional<schedule::Schedule> parse_schedule(const config::Job& job) {
  try {
    return schedule::Schedule::parse(job.schedule);
  } catch (const config::ValueError& error) {
    job.table.fail("schedule", error.what());
    return std::nullopt;
  }
}

// The source comes first in the flow of data, but it must know whether the sink's writes may be repeated.
std::optional<JobPlan> plan_job(const config::Config& config, const config::Job& job) {
  const std::size_t before = job.table.findings().size();
  const auto schedule = parse_schedule(job);
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
  if (job.table.findings().size() != before) return std::nullopt;
  return plan;
}

}  // namespace

std::map<std::string, JobPlan> plan_jobs(const config::Config& config) {
  std::map<std::string, JobPlan> plans;
  for (const auto& [name, job] : config.jobs) {
    if (auto plan = plan_job(config, job)) plans.emplace(name, std::move(*plan));
  }
  return plans;
}

}  // namespace syncd::jobs
