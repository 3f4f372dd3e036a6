// The jobs that are shipped as examples are good ones.
#include <gtest/gtest.h>

#include "config/load.hpp"
#include "jobs/plan.hpp"

namespace syncd::jobs {
namespace {

TEST(ShippedJobs, AreAllPlannedWithoutAFinding) {
  const config::Findings findings;
  const auto config = config::load(SYNCD_SOURCE_DIR "/config/syncd.toml", findings);
  const auto plans = plan_jobs(config);
  EXPECT_TRUE(findings.empty()) << findings.text();
  std::vector<std::string> names;
  for (const auto& [name, plan] : plans) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"app_log", "csv_import", "users", "web_log"}));
}

}  // namespace
}  // namespace syncd::jobs
