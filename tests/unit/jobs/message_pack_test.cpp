#include "jobs/sinks/message_pack.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace syncd::jobs {
namespace {

// The value, as somebody else reads it; it must be all there is.
nlohmann::json read_back(const MessagePack& values) { return nlohmann::json::from_msgpack(values.view()); }

TEST(MessagePack, WritesTextsOfEveryLength) {
  for (const std::size_t length : {0U, 1U, 31U, 32U, 255U, 256U, 65'535U, 65'536U, 100'000U}) {
    MessagePack values;
    values.text(std::string(length, 'x'));
    EXPECT_EQ(read_back(values), std::string(length, 'x')) << length;
  }
}

TEST(MessagePack, WritesTextsOfEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    MessagePack values;
    values.text(std::string(1, static_cast<char>(byte)));
    EXPECT_EQ(read_back(values).get_ref<const std::string&>(), std::string(1, static_cast<char>(byte)));
  }
}

TEST(MessagePack, WritesNumbersOfEveryWidth) {
  for (const std::uint32_t number : {0U, 1U, 127U, 128U, 255U, 256U, 65'536U, 4'294'967'295U}) {
    MessagePack values;
    values.number(number);
    EXPECT_EQ(read_back(values), number);
  }
}

TEST(MessagePack, WritesOneValueAfterTheOther) {
  MessagePack values;
  values.number(300);
  values.text("a");
  values.nil();
  EXPECT_EQ(values.view(), std::string_view("\xCE\0\0\x01\x2C\xA1"
                                            "a\xC0",
                                            8));
  values.clear();
  values.nil();
  EXPECT_TRUE(read_back(values).is_null());
}

}  // namespace
}  // namespace syncd::jobs
