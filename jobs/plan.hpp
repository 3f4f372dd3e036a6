// A job as it will run: its configuration, checked against the catalogue.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/model.hpp"
#include "config/packed_leaves.hpp"
#include "daemon/policy/circuit_breaker.hpp"
#include "daemon/schedule/settings.hpp"
#include "jobs/component.hpp"

namespace syncd::jobs {

class JobPlan {
 public:
  JobPlan(const config::Job& job_in, schedule::Schedule schedule_in)
      : job(job_in), schedule(std::move(schedule_in)), written_(job_in.table.leaves()) {}
  // What the scheduler has to know.
  schedule::Settings scheduling() const;
  // Everything that the job says, by path, as it was written; for comparing.
  config::Leaves written() const { return written_.unpacked(); }
  // What tells the source from others: its type, and the keys that it must have, as they are written; not the
  // connection, which may have another name elsewhere.
  std::map<std::string, std::string> source_identity() const;

  config::JobSettings job;
  schedule::Schedule schedule;
  policy::CircuitBreaker::Rule breaker;  // for its connections
  std::string source_connection;         // "" where it has none
  std::string sink_connection;
  std::vector<std::string> transform_connections;  // of those that have one
  bool repeats_harmlessly = true;                  // what the sink is given again changes nothing
  bool ranges = false;                             // the source can read a part of itself
  std::string_view source_type;
  std::vector<std::string> transform_types;
  std::string_view sink_type;
  Plan<Source> source;
  std::vector<Plan<Transform>> transforms;
  Plan<Sink> sink;
  // All that its components promise.  Shared: jobs of a kind promise the same.
  std::shared_ptr<const std::vector<std::string>> guarantees;

 private:
  config::PackedLeaves written_;
};

// Plans every job of `config`; all findings go to the tables of the configuration.  A job with findings is
// left out.  Takes the jobs out of `config`, one by one: ten thousand of them, as they were parsed, take
// several times what is kept.
std::map<std::string, JobPlan> plan_jobs(config::Config& config);

schedule::Limits limits_of(const config::Config& config);

}  // namespace syncd::jobs
