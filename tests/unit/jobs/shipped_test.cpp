// The jobs that are shipped as examples are good ones.
#include <gtest/gtest.h>

#include "config/load.hpp"
#include "jobs/plan.hpp"

namespace syncd::jobs {
namespace {

TEST(ShippedJobs, AreAllPlannedWithoutAFinding) {
  const config::Findings findings;
  auto config = config::load(SYNCD_SOURCE_DIR "/config/syncd.toml", findings);
  const auto jobs = config.jobs;
  const auto plans = plan_jobs(config);
  EXPECT_TRUE(findings.empty()) << findings.text();
  EXPECT_GE(jobs.size(), 4U);
  for (const auto& [name, job] : jobs) EXPECT_TRUE(plans.contains(name)) << name;
}

}  // namespace
}  // namespace syncd::jobs
