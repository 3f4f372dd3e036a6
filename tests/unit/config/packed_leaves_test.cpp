#include "config/packed_leaves.hpp"

#include <gtest/gtest.h>

namespace syncd::config {
namespace {

TEST(PackedLeaves, UnpackToWhatWasPacked) {
  const std::string odd("3:a\0\n=", 6);
  const Leaves leaves{
      {"", Secret("")}, {"sink.key", Secret("'user:{id}'")}, {odd, Secret(odd)}, {"z", Secret("")}};
  const PackedLeaves packed(leaves);
  EXPECT_EQ(changed_keys(packed.unpacked(), leaves), std::vector<std::string>());
  EXPECT_EQ(packed.unpacked().size(), 4U);
  EXPECT_TRUE(PackedLeaves().unpacked().empty());
  EXPECT_TRUE(PackedLeaves(Leaves()).unpacked().empty());
}

}  // namespace
}  // namespace syncd::config
