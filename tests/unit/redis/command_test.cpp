#include "daemon/redis/command.hpp"

#include <gtest/gtest.h>

namespace syncd::redis {
namespace {

TEST(CommandBuffer, FormatsCommandsAsTheProtocolWantsThem) {
  CommandBuffer buffer;
  buffer.add("SET", "key", std::string("v\r\nw"));
  EXPECT_EQ(buffer.view(), "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$4\r\nv\r\nw\r\n");
  EXPECT_EQ(buffer.commands(), 1U);
  buffer.add("GET", "");
  EXPECT_TRUE(buffer.view().ends_with("*2\r\n$3\r\nGET\r\n$0\r\n\r\n"));
  EXPECT_EQ(buffer.commands(), 2U);
  buffer.clear();
  EXPECT_EQ(buffer.view(), "");
  EXPECT_EQ(buffer.commands(), 0U);
}

TEST(CommandBuffer, TakesBytesThatAreNoText) {
  CommandBuffer buffer;
  const std::string bytes("\0\xff\r\n", 4);
  buffer.add("SET", bytes);
  EXPECT_EQ(buffer.view(), "*2\r\n$3\r\nSET\r\n$4\r\n" + bytes + "\r\n");
}

TEST(CommandBuffer, WritesNumbersInFull) {
  CommandBuffer buffer;
  buffer.command(3).argument("X").argument(std::uint64_t{0}).argument(std::uint64_t{18446744073709551615U});
  EXPECT_EQ(buffer.view(), "*3\r\n$1\r\nX\r\n$1\r\n0\r\n$20\r\n18446744073709551615\r\n");
}

TEST(CommandBuffer, TakesArgumentsThatAreFormattedAlready) {
  CommandBuffer buffer;
  buffer.command(2).raw(CommandBuffer::formatted("DEL")).argument("k");
  EXPECT_EQ(buffer.view(), "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
}

}  // namespace
}  // namespace syncd::redis
