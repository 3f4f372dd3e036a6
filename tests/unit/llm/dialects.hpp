// A vendor's dialect as a configuration would make it.
#pragma once
#include <gtest/gtest.h>

#include "jobs/llm/vendors.hpp"

namespace syncd::llm::test {

// With the key "secret" and these lines of TOML.
inline std::unique_ptr<Dialect> dialect(const Vendor& vendor, const std::string& more = "") {
  const config::Findings findings;
  const auto table = config::Table::parse_text("api_key = \"secret\"\n" + more, "syncd.toml", findings);
  Options common;
  auto made = vendor.make(*table, common);
  EXPECT_TRUE(findings.empty()) << findings.text();
  return made;
}

}  // namespace syncd::llm::test
