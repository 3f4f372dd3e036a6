#include "jobs/transforms/summarize_tree.hpp"

#include <gmock/gmock.h>

namespace syncd::jobs {
namespace {

using testing::ElementsAre;

TEST(Tree, PartsAreWholeLines) {
  EXPECT_THAT(parts_of("one\ntwo\nthree\n", 8), ElementsAre("one\ntwo\n", "three\n"));
  EXPECT_THAT(parts_of("one\ntwo\nthree\n", 7), ElementsAre("one\n", "two\n", "three\n"));
  EXPECT_THAT(parts_of("one\n", 4), ElementsAre("one\n"));
  EXPECT_TRUE(parts_of("", 4).empty());
}

TEST(Tree, ALineThatIsTooLongIsCutBetweenCharacters) {
  EXPECT_THAT(parts_of("a\nbbbbb\nc\n", 4), ElementsAre("a\n", "bbbb", "b\nc\n"));
  EXPECT_THAT(parts_of("\xC3\xA4\xC3\xA4\xC3\xA4", 3), ElementsAre("\xC3\xA4", "\xC3\xA4", "\xC3\xA4"));
}

TEST(Tree, NothingIsLostWhateverTheSizes) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += std::string(static_cast<std::size_t>(i * 7 % 40), 'x') + "\xE2\x82\xAC\n";
  for (std::size_t most = 1; most < 60; ++most) {
    std::string all;
    for (const std::string& part : parts_of(text, most)) {
      EXPECT_LE(part.size(), most);
      EXPECT_FALSE(part.empty());
      all += part;
    }
    EXPECT_EQ(all, text);
  }
}

}  // namespace
}  // namespace syncd::jobs
