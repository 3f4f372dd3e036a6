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

TEST(CommandBuffer, SaysTheLengthOfEveryArgument) {
  CommandBuffer buffer;
  std::string expected;
  for (const std::size_t length : {0U, 1U, 9U, 10U, 99U, 100U, 4096U, 70'000U, 10U}) {
    const std::string text(length, 'x');
    buffer.add("ECHO", text);
    expected += "*2\r\n$4\r\nECHO\r\n$" + std::to_string(length) + "\r\n" + text + "\r\n";
    EXPECT_EQ(buffer.view(), expected);
  }
}

TEST(CommandBuffer, ForgetsWhatIsTruncatedAndGoesOn) {
  CommandBuffer buffer;
  buffer.add("GET", "a");
  const std::size_t bytes = buffer.view().size();
  buffer.add("SET", "b", std::string(5000, 'x'));
  buffer.truncate(bytes, 1);
  EXPECT_EQ(buffer.view(), "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
  CommandBuffer other;
  other.add("DEL", "c");
  buffer.append(other);
  EXPECT_EQ(buffer.view(), "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n");
  EXPECT_EQ(buffer.commands(), 2U);
}

}  // namespace
}  // namespace syncd::redis
