#include "jobs/sources/file_names.hpp"

#include <gtest/gtest.h>

namespace syncd::jobs {
namespace {

TEST(LogName, IsTheSameForAllRotations) {
  for (const char* path :
       {"/var/log/app.log", "/var/log/app.log.1", "/old/app.log.12.gz", "/var/log/app.log-20260301",
        "/var/log/app.log.2026-03-01.zst", "/var/log/app-20260301.log", "/var/log/app.1.log",
        "/var/log/app.log-20260301-101500", "/var/log/app-2026-03-01T10:15:00.log.gz",
        "/var/log/app.log_20260301"}) {
    EXPECT_EQ(log_name(path).stem, "app.log") << path;
  }
}

TEST(LogName, KnowsWhichAreRotated) {
  EXPECT_FALSE(log_name("/var/log/app.log").rotated);
  EXPECT_TRUE(log_name("/var/log/app.log.1").rotated);
  EXPECT_TRUE(log_name("/var/log/app-20260301.log").rotated);
  EXPECT_FALSE(log_name("/var/log/app.log.gz").rotated);
  EXPECT_TRUE(log_name("/var/log/app.log.gz").compressed);
  EXPECT_EQ(log_name("/var/log/app2.log").stem, "app2.log") << "a digit alone is no rotation";
  EXPECT_EQ(log_name("/var/log/app-v4096.log").stem, "app-v4096.log");
  EXPECT_EQ(log_name("/var/log/2026").stem, "2026");
  EXPECT_EQ(log_name("/var/log/.1").stem, ".1");
}

TEST(LogName, TellsARotationFromTheLogItself) {
  const LogName log = log_name("/var/log/app.log");
  const LogName first = log_name("/var/log/app.log.1");
  EXPECT_TRUE(may_be_rotation(first, log));
  EXPECT_FALSE(may_be_rotation(log, first)) << "a new log is no copy of the old one";
  EXPECT_TRUE(may_be_rotation(log_name("/var/log/app.log.2.gz"), first));
  EXPECT_FALSE(may_be_rotation(log_name("/var/log/web.log.1"), log));
  EXPECT_TRUE(is_compressed_name("/l/app.log.1.gz", "/l/app.log.1"));
  EXPECT_FALSE(is_compressed_name("/l/app.log.1.gz", "/l/app.log"));
  EXPECT_FALSE(is_compressed_name("/l/app.log.1", "/l/app.log"));
}

}  // namespace
}  // namespace syncd::jobs
