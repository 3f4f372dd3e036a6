#include "daemon/base/escape.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace syncd {
namespace {

TEST(Escaped, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(escaped(""), "");
  EXPECT_EQ(escaped("a row, \"quoted\" \\ and 'so on'"), "a row, \"quoted\" \\ and 'so on'");
  EXPECT_EQ(escaped("Zürich 東京 😀"), "Zürich 東京 😀");
}

TEST(Escaped, NamesTheUsualControlsAndSpellsTheOthers) {
  EXPECT_EQ(escaped("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(escaped(std::string_view("\0\a\x1f\x7f", 4)), "\\x00\\x07\\x1f\\x7f");
}

TEST(Escaped, DisarmsTerminalSequences) {
  EXPECT_EQ(escaped("\x1b[31mred\x1b]0;title\x07"), "\\x1b[31mred\\x1b]0;title\\x07");
  EXPECT_EQ(escaped("\xC2\x9B"
                    "31m"),
            "\\u{9b}31m")
      << "CSI as a C1 control";
}

TEST(Escaped, DisarmsTextThatRunsBackwards) {
  EXPECT_EQ(escaped("user\u202Etxt.exe"), "user\\u{202e}txt.exe");
  EXPECT_EQ(escaped("\u2066\u2069\u200F\u061C"), "\\u{2066}\\u{2069}\\u{200f}\\u{61c}");
  EXPECT_EQ(escaped("\u2028\u2029\uFEFF"), "\\u{2028}\\u{2029}\\u{feff}");
  EXPECT_EQ(escaped("\U000E0041"), "\\u{e0041}") << "an invisible tag";
}

TEST(Escaped, ShowsEveryByteThatIsNotUtf8) {
  EXPECT_EQ(escaped("a\xFFz"), "a\\xffz");
  EXPECT_EQ(escaped("\xC3"), "\\xc3") << "cut in the middle";
  EXPECT_EQ(escaped("\xC0\xAF"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(escaped("\xED\xA0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(escaped("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "above U+10FFFF";
  EXPECT_EQ(escaped("\xE2\x82z"), "\\xe2\\x82z") << "what follows is kept";
}

TEST(Utf8Length, KnowsTheEdgesOfEachLength) {
  EXPECT_EQ(utf8_length("\x7F"), 1U);
  EXPECT_EQ(utf8_length("\xC2\x80"), 2U);
  EXPECT_EQ(utf8_length("\xE0\xA0\x80"), 3U);
  EXPECT_EQ(utf8_length("\xEF\xBF\xBF"), 3U);
  EXPECT_EQ(utf8_length("\xF0\x90\x80\x80"), 4U);
  EXPECT_EQ(utf8_length("\xF4\x8F\xBF\xBF"), 4U);
  EXPECT_EQ(utf8_length("\x80"), 0U);
  EXPECT_EQ(utf8_length("\xE0\x9F\xBF"), 0U);
  EXPECT_EQ(utf8_length("\xF0\x8F\xBF\xBF"), 0U);
  EXPECT_EQ(utf8_length(""), 0U);
}

TEST(AppendJsonString, QuotesAndEscapes) {
  std::string out = "[";
  append_json_string(out, "a \"b\" \\ \n\r\t\x01\x7f é");
  EXPECT_EQ(out, "[\"a \\\"b\\\" \\\\ \\n\\r\\t\\u0001\\u007f é\"");
}

TEST(AppendJsonString, ReplacesWhatIsNotUtf8) {
  std::string out;
  append_json_string(out, "a\xFF\xC3z");
  EXPECT_EQ(out, "\"a\uFFFD\uFFFDz\"");
}

TEST(AppendJsonString, SeesASpecialByteWhereverItStands) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    std::string alone;
    append_json_string(alone, one);
    for (std::size_t before = 0; before < 20; ++before) {
      const std::string plain(before, 'a');
      const std::string rest(20 - before, 'b');
      std::string out;
      append_json_string(out, plain + one + rest);
      EXPECT_EQ(out, '"' + plain + alone.substr(1, alone.size() - 2) + rest + '"')
          << byte << " at " << before;
    }
  }
}

// Bytes that are likely to meet each other's special cases.
std::string random_text(std::mt19937& random) {
  static constexpr std::string_view kBytes =
      "a\"\\\n\x1b\x7f\x80\x9b\xbf\xc2\xc3\xe2\x80\xae\xed\xa0\xf0\x9f\x98\x80\xf4\xff/{}";
  std::string text(random() % 24, '\0');
  for (char& c : text) c = kBytes[random() % kBytes.size()];
  return text;
}

TEST(Escaped, IsValidWithoutControlsAndStableWhateverComesIn) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::string once = escaped(random_text(random));
    EXPECT_EQ(escaped(once), once);
    for (const char c : once) {
      EXPECT_GE(static_cast<unsigned char>(c), 0x20);
      EXPECT_NE(c, '\x7f');
    }
  }
}

TEST(AppendJsonString, IsReadBackByAJsonParserWhateverComesIn) {
  std::mt19937 random(8);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_text(random);
    std::string quoted;
    append_json_string(quoted, text);
    const auto parsed = nlohmann::json::parse(quoted, nullptr, false);
    ASSERT_TRUE(parsed.is_string()) << quoted;
    if (text.find('\xff') == std::string::npos && escaped(text).find("\\x") == std::string::npos) {
      EXPECT_EQ(parsed.get<std::string>(), text);
    }
  }
}

}  // namespace
}  // namespace syncd
