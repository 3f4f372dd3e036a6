#include "daemon/schedule/zones.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/duration.hpp"
#include "tests/support/value_error.hpp"
#include "tests/unit/schedule/libc_clock.hpp"

namespace syncd::schedule {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDatabase = "/usr/share/zoneinfo";

std::string error_of(Zones& zones, const std::string& name) {
  return syncd::test::value_error([&] { zones.get(name); });
}

class ZonesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(fs::path(kDatabase) / "Europe/Paris"))
      GTEST_SKIP() << "the package tzdata is not installed";
    std::string name = (fs::temp_directory_path() / "syncd-zones-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  Zones with_localtime(const fs::path& localtime) const { return Zones(kDatabase, localtime); }

  fs::path folder_;
  LibcClock no_variable_{""};
};

TEST_F(ZonesTest, KeepTheNameThatTheOperatorWrote) {
  Zones zones;
  EXPECT_EQ(zones.get("Europe/Paris").name(), "Europe/Paris");
  EXPECT_EQ(zones.get("UTC").name(), "UTC");
}

TEST_F(ZonesTest, SuggestTheNearestName) {
  Zones zones;
  EXPECT_EQ(error_of(zones, "Europe/Pairs"),
            "unknown time zone 'Europe/Pairs'; did you mean 'Europe/Paris'?");
  EXPECT_EQ(error_of(zones, "america/new_york"),
            "unknown time zone 'america/new_york'; did you mean 'America/New_York'?");
  EXPECT_EQ(
      error_of(zones, "CEST/Zone/That/Is/Not"),
      "unknown time zone 'CEST/Zone/That/Is/Not'; write a name of the tz database, such as 'Europe/Paris' or "
      "'UTC'");
}

TEST_F(ZonesTest, NeverLeaveTheirFolder) {
  Zones zones;
  for (const char* name :
       {"../zoneinfo/UTC", "/usr/share/zoneinfo/UTC", "./UTC", "Europe", "Europe/", "zone.tab"}) {
    EXPECT_NE(error_of(zones, name), "") << name;
  }
}

TEST_F(ZonesTest, SayThatTheDatabaseIsMissing) {
  Zones zones(folder_);
  EXPECT_EQ(error_of(zones, "Europe/Paris"),
            "cannot find time zone 'Europe/Paris': there is no tz database in " + folder_.string() +
                "; install the package tzdata");
  EXPECT_EQ(error_of(zones, "UTC"), "");
}

TEST_F(ZonesTest, SayWhichFileIsDamaged) {
  std::ofstream(folder_ / "Broken") << "TZif";
  Zones zones(folder_);
  EXPECT_EQ(error_of(zones, "Broken"),
            "cannot use " + (folder_ / "Broken").string() + ": the file ends too early");
}

TEST_F(ZonesTest, TheSystemsZoneIsWhereTheLinkLeads) {
  fs::create_symlink("../usr/share/zoneinfo/Asia/Kathmandu", folder_ / "localtime");
  EXPECT_EQ(with_localtime(folder_ / "localtime").get("").name(), "Asia/Kathmandu");
}

TEST_F(ZonesTest, TheSystemsZoneMayBeACopy) {
  fs::copy_file(fs::path(kDatabase) / "Asia/Kathmandu", folder_ / "localtime");
  const Zone zone = with_localtime(folder_ / "localtime").get("");
  EXPECT_EQ(zone.to_local(Instant()).time_since_epoch(), std::chrono::minutes(330));
}

TEST_F(ZonesTest, TheSystemsZoneIsUtcWhereNothingIsSaid) {
  EXPECT_EQ(with_localtime(folder_ / "localtime").get("").name(), "UTC");
}

TEST_F(ZonesTest, TheVariableTzComesFirst) {
  fs::create_symlink("../usr/share/zoneinfo/Asia/Kathmandu", folder_ / "localtime");
  Zones zones = with_localtime(folder_ / "localtime");
  for (const std::string name : {"Europe/Paris", ":Europe/Paris"}) {
    const LibcClock variable(name);
    EXPECT_EQ(zones.get("").name(), "Europe/Paris");
  }
  {
    const LibcClock variable(":" + (folder_ / "localtime").string());
    EXPECT_EQ(zones.get("").name(), "Asia/Kathmandu");
  }
  const LibcClock variable("CET-1CEST");
  EXPECT_EQ(error_of(zones, "").find("the variable TZ: unknown time zone 'CET-1CEST'"), 0U);
}

}  // namespace
}  // namespace syncd::schedule
