// What a checkpoint was before an operator changed it.
#include <gtest/gtest.h>

#include "daemon/store/database.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::store {
namespace {

using Texts = std::map<std::string, std::string>;

TEST(PreviousCheckpoint, IsKeptOverARestartAndIsTheLatestOne) {
  const test::TempDir folder;
  const WallTime now = wall_now();
  {
    Database database(folder.path());
    EXPECT_FALSE(database.previous_checkpoint("users"));
    database.keep_previous("users", {now, "set", Texts{{"a", "1"}, {"b", "2"}}});
    database.keep_previous("users", {now, "rewind", Texts{{"b", "3"}}});
    database.keep_previous("orders", {now, "import", Texts{}});
  }
  Database database(folder.path());
  const auto previous = database.previous_checkpoint("users");
  ASSERT_TRUE(previous);
  EXPECT_EQ(previous->change, "rewind");
  EXPECT_EQ(previous->time, std::chrono::time_point_cast<WallTime::duration>(now));
  EXPECT_EQ(previous->positions, (Texts{{"b", "3"}})) << "nothing of an older one stays";
  ASSERT_TRUE(database.previous_checkpoint("orders")) << "to have had no position is something to go back to";
  EXPECT_TRUE(database.previous_checkpoint("orders")->positions.empty());
}

}  // namespace
}  // namespace syncd::store
