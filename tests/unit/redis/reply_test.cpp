#include "daemon/redis/reply.hpp"

#include <gtest/gtest.h>

namespace syncd::redis {
namespace {

TEST(ErrorReply, MeansWhatTheJobDoesAboutIt) {
  for (const std::string passing :
       {"OOM command not allowed when used memory > 'maxmemory'.",
        "LOADING Redis is loading the dataset in memory", "ERR Protocol error: invalid bulk length",
        "ERR Protocol error: too big inline request", "READONLY You can't write against a read only replica.",
        "MISCONF Redis is configured to save RDB snapshots", "BUSY Redis is busy running a script.",
        "MASTERDOWN Link with MASTER is down", "NOREPLICAS Not enough good replicas",
        "ERR max number of clients reached",
        "EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
        "EXECABORT Transaction discarded because of previous errors."}) {
    EXPECT_EQ(kind_of_error(passing), ErrorKind::Transient) << passing;
  }
  for (const std::string lasting :
       {"NOAUTH Authentication required.", "WRONGPASS invalid username-password pair or user is disabled.",
        "NOPERM this user has no permissions", "MOVED 3999 127.0.0.1:6381",
        "CROSSSLOT Keys in request don't hash", "DENIED Redis is running in protected mode"}) {
    EXPECT_EQ(kind_of_error(lasting), ErrorKind::Permanent) << lasting;
  }
  for (const std::string row : {"WRONGTYPE Operation against a key holding the wrong kind of value",
                                "ERR value is not a valid float", "ERR", ""}) {
    EXPECT_EQ(kind_of_error(row), ErrorKind::Data) << row;
  }
}

TEST(ErrorReply, SaysWhatToDo) {
  EXPECT_STREQ(to_error("OOM command not allowed").what(),
               "Redis: OOM command not allowed (Redis is out of memory: raise maxmemory or free some)");
  EXPECT_STREQ(to_error("WRONGTYPE Operation").what(), "Redis: WRONGTYPE Operation");
}

}  // namespace
}  // namespace syncd::redis
