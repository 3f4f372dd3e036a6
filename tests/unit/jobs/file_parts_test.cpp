// The small pure parts of the source `files`: encodings, positions, the window.
#include <gtest/gtest.h>

#include "daemon/base/error.hpp"
#include "jobs/sources/file_encoding.hpp"
#include "jobs/sources/file_position.hpp"
#include "jobs/sources/file_window.hpp"

namespace syncd::jobs {
namespace {

using namespace std::string_literals;

TEST(Encoding, IsToldByTheByteOrderMark) {
  const auto found = [](std::string_view head, bool all = false) {
    const auto detected = detect(Encoding::Auto, head, all);
    return detected
               ? std::string(config::enum_text(detected->encoding)) + " " + std::to_string(detected->mark)
               : "?";
  };
  EXPECT_EQ(found("\xEF\xBB\xBFx"), "utf-8 3");
  EXPECT_EQ(found("\xFF\xFE"), "utf-16le 2");
  EXPECT_EQ(found("\xFE\xFFx"), "utf-16be 2");
  EXPECT_EQ(found("x"), "utf-8 0");
  EXPECT_EQ(found("\xEF\xBB"), "?");
  EXPECT_EQ(found("\xEF\xBB", true), "utf-8 0");
  EXPECT_EQ(found(""), "?");
  EXPECT_EQ(found("", true), "utf-8 0");
  EXPECT_EQ(detect(Encoding::Utf16le, "\xFF\xFE", false)->mark, 2U);
  EXPECT_EQ(detect(Encoding::Latin1, "\xFF\xFE", false)->mark, 0U) << "two characters of Latin-1";
}

TEST(Encoding, BecomesUtf8) {
  const auto utf8 = [](Encoding encoding, std::string_view raw) {
    std::string out;
    append_utf8(encoding, raw, out);
    return out;
  };
  EXPECT_EQ(utf8(Encoding::Latin1, "caf\xE9\xFF"), "café\u00FF");
  EXPECT_EQ(utf8(Encoding::Utf16le, "a\0\xE9\0\xAC\x20\x3D\xD8\x00\xDE"s), "aé€😀");
  EXPECT_EQ(utf8(Encoding::Utf16be, "\0a\0\xE9\x20\xAC\xD8\x3D\xDE\x00"s), "aé€😀");
  EXPECT_EQ(utf8(Encoding::Utf16le, "\x3D\xD8x\0"s), "\uFFFDx") << "a lone surrogate";
  EXPECT_EQ(utf8(Encoding::Utf16le, "\x00\xDEx\0y"s), "\uFFFDx\uFFFD") << "half a unit";
  EXPECT_EQ(utf8(Encoding::Utf8, "\xFFx"), "\xFFx") << "as it is";
}

TEST(Encoding, IsCutBetweenCharacters) {
  EXPECT_EQ(cut_at_character(Encoding::Utf8, "aé€b", 2), 1U);
  EXPECT_EQ(cut_at_character(Encoding::Utf8, "aé€b", 3), 3U);
  EXPECT_EQ(cut_at_character(Encoding::Utf8, "aé€b", 5), 3U);
  EXPECT_EQ(cut_at_character(Encoding::Utf8, "aé€b", 7), 7U);
  EXPECT_EQ(cut_at_character(Encoding::Utf8, "\x80\x80\x80\x80\x80\x80", 5), 5U) << "no UTF-8";
  EXPECT_EQ(cut_at_character(Encoding::Utf16le, "a\0\x3D\xD8\x00\xDEz\0"s, 4), 2U);
  EXPECT_EQ(cut_at_character(Encoding::Utf16le, "a\0\x3D\xD8\x00\xDEz\0"s, 7), 6U);
}

TEST(FilePosition, ReadsWhatItWrote) {
  FilePosition position;
  position.path = "/var/log/a b\xFF in /x.log";
  position.key = FileKey{0x801, 0xFFFFFFFFFFFFFFFF, 0x17A};
  EXPECT_EQ(decode_file_position(encode(position)), position);
  position.content.head = HeadPrint{1024, 0xDEADBEEF};
  position.content.marks = {Mark{123456789012, 7}};
  position.earlier.push_back(Content{HeadPrint{5, 1}, {Mark{5, 1}, Mark{9, 2}}});
  position.earlier.push_back(Content{HeadPrint{6, 1}, {Mark{6, 3}}});
  position.gone = 1700000000;
  EXPECT_EQ(decode_file_position(encode(position)), position);
  EXPECT_EQ(encode(position),
            "1 801:ffffffffffffffff:17a 1024:deadbeef,123456789012:7 was 5:1,5:1,9:2 was 6:1,6:3 "
            "gone 1700000000 in /var/log/a b\xFF in /x.log");
}

TEST(FilePosition, RefusesWhatIsNone) {
  const std::string good = "1 801:2:3 5:1,5:1 in /x";
  EXPECT_NO_THROW(decode_file_position(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(decode_file_position(good.substr(0, size)), Error) << good.substr(0, size);
  }
  for (const char* text : {"2 801:2:3 5:1,5:1 in /x", "1 801:2:3 5:1,5:1,5:1 in /x", "1 g:2:3 5:1 in /x",
                           "1 801:2:3 5:1 in x", "1 801:2:3 99999999999:1 in /x", "{\"v\":1}"}) {
    EXPECT_THROW(decode_file_position(text), Error) << text;
  }
  for (const Begin begin : {Begin::Beginning, Begin::End, Begin::Looked}) {
    EXPECT_EQ(decode_begin(encode(begin)), begin);
  }
  EXPECT_THROW(decode_begin("1 nowhere"), Error);
}

TEST(FileWindow, KeepsWhatIsNeededAndAMark) {
  FileWindow window(1000, std::string(256, 'm'));
  EXPECT_EQ(window.begin(), 744U);
  std::uint64_t written = 1000;
  const auto put = [&](std::size_t size, std::uint64_t keep) {
    while (size != 0) {
      const auto room = window.room(size, keep);
      for (char& c : room) c = static_cast<char>('a' + written++ % 26);
      window.filled(room.size());
      size -= room.size();
    }
  };
  const auto holds = [&](std::uint64_t from) {
    for (std::uint64_t at = from; at < window.end(); ++at) {
      if (*window.at(at) != static_cast<char>('a' + at % 26)) return false;
    }
    return true;
  };
  put(100'000, 1000);
  EXPECT_EQ(window.end(), 101'000U);
  EXPECT_TRUE(holds(1000));
  put(100'000, 90'000);
  EXPECT_LE(window.begin(), 90'000U - kMark);
  EXPECT_TRUE(holds(90'000 - kMark));
  window.shrink(200'990);
  EXPECT_EQ(window.capacity(), 10 + kMark);
  EXPECT_TRUE(holds(200'990 - kMark));
  put(5, 200'990);
  EXPECT_TRUE(holds(200'990 - kMark));
}

TEST(FileWindow, GrowsLongLinesWithoutCopyingThemEachTime) {
  FileWindow window;
  std::size_t blocks = 0;
  const char* block = nullptr;
  for (int i = 0; i < 1600; ++i) {
    const auto room = window.room(64 * 1024, 0);
    window.filled(room.size());
    blocks += window.block().get() != block ? 1 : 0;
    block = window.block().get();
  }
  EXPECT_LT(blocks, 20U);
}

}  // namespace
}  // namespace syncd::jobs
