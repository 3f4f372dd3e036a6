#include "daemon/redis/command_text.hpp"

#include <gmock/gmock.h>

namespace syncd::redis {
namespace {

using ::testing::ElementsAre;

TEST(CommandText, IsWhatAPersonWouldType) {
  CommandBuffer commands;
  commands.add("HSET", "user:7", "name", "Ada").add("DEL", "a b");
  EXPECT_THAT(command_lines(commands), ElementsAre("HSET user:7 name Ada", "DEL \"a b\""));
  EXPECT_THAT(command_lines(CommandBuffer()), ElementsAre());
}

TEST(CommandText, LosesNothingAndShowsEveryByte) {
  CommandBuffer commands;
  commands.add("SET", "", "say \"hi\"\\\n\r\t").add("X", "it's", "\x1b[31m", std::string("\0\xff", 2));
  commands.add("Y", "na\u00efve", "\u202e");
  EXPECT_THAT(command_lines(commands),
              ElementsAre(R"(SET "" "say \"hi\"\\\n\r\t")", R"(X "it's" "\x1b[31m" "\x00\xff")",
                          "Y \"na\u00efve\" \"\\xe2\\x80\\xae\""));
}

}  // namespace
}  // namespace syncd::redis
