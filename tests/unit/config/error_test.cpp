// Findings and suggestions: what the operator is told.
#include "config/error.hpp"

#include <gtest/gtest.h>

#include "config/suggest.hpp"

namespace syncd::config {
namespace {

TEST(Findings, AreSortedByFileLineAndColumn) {
  const Findings findings;
  findings.add({"b.toml", 1, 1}, "three");
  findings.add({"a.toml", 10, 1}, "two");
  findings.add({"a.toml", 9, 7}, "one");
  EXPECT_EQ(findings.text(), "a.toml:9:7: one\na.toml:10:1: two\nb.toml:1:1: three");
}

TEST(Findings, KeepTheSameFindingOnce) {
  const Findings findings;
  findings.add({"a.toml", 1, 1}, "wrong");
  findings.add({"a.toml", 1, 1}, "wrong");
  EXPECT_EQ(findings.size(), 1U);
}

TEST(Findings, CopiesAddToTheSameList) {
  const Findings findings;
  const Findings copy = findings;
  copy.add({"a.toml", 0, 0}, "cannot be read");
  EXPECT_EQ(findings.text(), "a.toml: cannot be read");
}

TEST(Findings, CannotSpeakToTheTerminal) {
  const Findings findings;
  findings.add({"a.toml", 1, 1}, "unknown key '\x1b[2J\nb\xC2\x9B\xC3\xA9'");
  EXPECT_EQ(findings.text(), "a.toml:1:1: unknown key '\\x1b[2J\\x0ab\\u009b\xC3\xA9'");
}

TEST(ConfigError, CarriesAllFindings) {
  const Findings findings;
  findings.add({"a.toml", 2, 1}, "second");
  findings.add({"a.toml", 1, 1}, "first");
  const ConfigError error(findings);
  EXPECT_STREQ(error.what(), "a.toml:1:1: first\na.toml:2:1: second");
  EXPECT_EQ(error.findings().size(), 2U);
}

TEST(Suggest, FindsTheWordThatWasMeant) {
  const std::vector<std::string> known{"schedule", "timeout", "retry", "batch_rows"};
  EXPECT_EQ(nearest("schedul", known), "schedule");
  EXPECT_EQ(nearest("tiemout", known), "timeout");
  EXPECT_EQ(nearest("Batch-Rows", known), "batch_rows");
  EXPECT_EQ(nearest("colour", known), "");
  EXPECT_EQ(nearest("batch", known), "batch_rows");
  EXPECT_EQ(nearest("row", {"raw", "rows"}), "rows");
  EXPECT_EQ(nearest("b", {"a"}), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), known), "");
}

TEST(Suggest, SaysWhatIsKnownWhenNothingIsNear) {
  EXPECT_EQ(unknown_text("sink type", "redis_hsh", {"redis_hash", "redis_set"}),
            "unknown sink type 'redis_hsh'; did you mean 'redis_hash'?");
  EXPECT_EQ(unknown_text("job", "orders", {"users", "bills"}), "unknown job 'orders'; known: users, bills");
  EXPECT_EQ(unknown_text("job", "orders", {}), "unknown job 'orders'");
  EXPECT_EQ(unknown_text("column", "phone", {"id", "name", "id"}), "unknown column 'phone'; known: id, name")
      << "each once";
}

}  // namespace
}  // namespace syncd::config
