// FileEngine: each line once, whatever is done to the files.
#include <gmock/gmock.h>

#include "tests/unit/jobs/file_following.hpp"

namespace syncd::jobs::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;

// More than a head, so that the mark behind it counts too.
std::string many(const std::string& name, int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += name + " " + std::to_string(i) + std::string(40, '.') + "\n";
  return text;
}

TEST(FileEngine, ReadsWhatIsThereAndWhatComes) {
  Following files;
  files.append("a.log", "1\n2\n");
  EXPECT_THAT(files.after_run(), ElementsAre("1", "2"));
  files.append("a.log", "3\n4");
  EXPECT_THAT(files.after_run(), ElementsAre("3"));
  EXPECT_THAT(files.state("a.log"), HasSubstr("not complete: 1 byte"));
  files.append("a.log", "4\n");
  files.append("b.log", "b\n");
  EXPECT_THAT(files.after_run(), UnorderedElementsAre("44", "b"));
  EXPECT_THAT(files.warnings, IsEmpty());
}

TEST(FileEngine, TellsThatAStepIsShort) {
  Following files;
  files.append("a.log", "1\n");
  files.append("b.log", "");
  files.run();
  files.append("a.log", "2\n");
  EXPECT_TRUE(files.short_after_writing("a.log"));
  files.append("b.log", "1\n");
  EXPECT_FALSE(files.short_after_writing("b.log")) << "it is to be opened";
  files.run();
  EXPECT_TRUE(files.short_after_writing("b.log"));
  files.append("a.log", many("a", 0, 2000));
  EXPECT_FALSE(files.short_after_writing("a.log")) << "that is a lot to read";
  EXPECT_TRUE(files.short_after_writing("b.log"));
  files.run();
  files.append("b.log", std::string(70'000, 'b'));
  files.run();
  files.append("b.log", "b");
  EXPECT_FALSE(files.short_after_writing("b.log")) << "a long line waits for its end";
  files.append("b.log", "\n");
  files.run();
  EXPECT_TRUE(files.short_after_writing("b.log"));
  files.truncate("a.log");
  EXPECT_FALSE(files.short_after_writing("a.log"));
  files.run();
  files.remove("a.log");
  files.run();
  EXPECT_FALSE(files.short_after_writing("b.log")) << "there is a file that may come back";
}

TEST(FileEngine, LooksNowAndThenHoweverMuchIsWritten) {
  Following files;
  files.append("a.log", "1\n");
  files.run();
  EXPECT_TRUE(files.short_after_writing("a.log"));
  files.pass(30s);
  EXPECT_FALSE(files.short_after_writing("a.log"));
}

TEST(FileEngine, GoesOnWhereItWasLeft) {
  Following files;
  files.append("a.log", "1\n");
  EXPECT_THAT(files.after_run(), ElementsAre("1"));
  files.restart();
  files.append("a.log", "2\n");
  EXPECT_THAT(files.after_run(), ElementsAre("2"));
  files.begin();
  EXPECT_THAT(files.after_run(), IsEmpty());
}

TEST(FileEngine, BeginsAtTheEndWhereThatIsAsked) {
  Following files;
  files.options().start_at = StartAt::End;
  files.append("a.log", "1\n2");
  files.append("b.log.1", many("b", 0, 100));
  EXPECT_THAT(files.after_run(), IsEmpty());
  files.append("a.log", "2\n");
  files.append("c.log", "3\n");
  EXPECT_THAT(files.after_run(), UnorderedElementsAre("22", "3"));
  files.restart();
  files.append("d.log", "4\n");
  EXPECT_THAT(files.after_run(), ElementsAre("4"));
}

TEST(FileEngine, FollowsARenamedFileAndItsSuccessor) {
  Following files;
  files.append("a.log", "1\n");
  files.run();
  files.append("a.log", "2\n");
  files.rename("a.log", "a.log.1");
  files.append("a.log.1", "3\n");
  files.append("a.log", "4\n");
  EXPECT_THAT(files.fresh(), ElementsAre("1"));
  EXPECT_THAT(files.after_run(), UnorderedElementsAre("2", "3", "4"));
  files.restart();
  files.rename("a.log.1", "a.log.2");
  files.rename("a.log", "a.log.1");
  files.append("a.log.1", "5\n");
  files.append("a.log", "6\n");
  EXPECT_THAT(files.after_run(), UnorderedElementsAre("5", "6"));
  EXPECT_THAT(files.warnings, IsEmpty());
}

TEST(FileEngine, ReadsADeletedFileToItsEndWhileTheSinkFails) {
  Following files;
  files.options().batch_rows = 1;
  files.append("a.log", "1\n2\n3\n");
  int fails = 0;
  files.take = [&](const Batch& batch) -> std::size_t {
    if (batch.rows() == 0 || batch.cell(0, 0).text() == "1") return batch.rows();
    if (fails == 0) files.remove("a.log");
    return fails++ < 3 ? 0 : batch.rows();
  };
  EXPECT_THAT(files.after_run(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(files.state("a.log"), "deleted, read to its end");
  files.run(60s);
  EXPECT_THAT(files.state("a.log"), "gone, read to its end");
  EXPECT_THAT(files.warnings, IsEmpty());
}

TEST(FileEngine, DeliversTheLastLineOfADeletedFileThoughItHasNoEnd) {
  Following files;
  files.append("a.log", "1\n2");
  files.run();
  files.remove("a.log");
  files.run(60s);
  EXPECT_THAT(files.fresh(), ElementsAre("1", "2"));
}

TEST(FileEngine, ReadsTheRestInTheCopyOfATruncatedFile) {
  Following files;
  files.append("a.log", many("a", 0, 100));
  files.run();
  EXPECT_EQ(files.fresh().size(), 100U);
  files.append("a.log", "rest\n");
  files.copy("a.log", "a.log.1");
  files.truncate("a.log");
  files.append("a.log", "new\n");
  EXPECT_THAT(files.after_run(), UnorderedElementsAre("rest", "new"));
  EXPECT_THAT(files.warnings, ElementsAre(HasSubstr("was truncated")));
  files.restart();
  EXPECT_THAT(files.after_run(), IsEmpty());
  files.rename("a.log.1", "a.log.2");
  files.copy("a.log", "a.log.1");
  files.truncate("a.log");
  files.append("a.log", "newer\n");
  EXPECT_THAT(files.after_run(), ElementsAre("newer"));
}

TEST(FileEngine, NoticesThatATruncatedFileHasGrownPastItsOffset) {
  Following files;
  files.append("a.log", many("a", 0, 50));
  files.run();
  files.truncate("a.log");
  files.append("a.log", many("b", 0, 70));
  EXPECT_EQ(files.after_run().size(), 120U);
  files.restart();
  files.truncate("a.log");
  files.append("a.log", many("c", 0, 90));
  EXPECT_EQ(files.after_run().size(), 90U);
}

TEST(FileEngine, TakesACopyThatWasMadeBeforeTheTruncationForWhatItIs) {
  Following files;
  files.append("a.log", many("a", 0, 100));
  files.run();
  files.copy("a.log", "a.log.1");
  files.append("a.log", "too late for the copy\n");
  files.run();
  EXPECT_THAT(files.state("a.log.1"), HasSubstr("a copy of"));
  files.fresh();
  files.truncate("a.log");
  files.append("a.log", "new\n");
  EXPECT_THAT(files.after_run(), ElementsAre("new")) << "the copy ends before what was read";
  EXPECT_THAT(files.state("a.log.1"), "at its end");
}

TEST(FileEngine, FindsTheGenerationsOfSeveralTruncations) {
  Following files;
  files.append("a.log", many("a", 0, 100));
  files.run();
  files.restart();
  files.append("a.log", "a rest\n");
  files.copy("a.log", "a.log.2");
  files.truncate("a.log");
  files.append("a.log", "b\n");
  files.copy("a.log", "a.log.1");
  files.truncate("a.log");
  files.append("a.log", "c\n");
  files.fresh();
  EXPECT_THAT(files.after_run(), UnorderedElementsAre("a rest", "b", "c"));
}

TEST(FileEngine, KnowsShortCopiesAgainHoweverSoonTheNextOnesCome) {
  Following files;
  files.append("a.log", many("a", 0, 100));
  files.run();
  files.rename("a.log", "a.log.1");  // each of the copies might become one of this
  files.fresh();
  std::vector<std::string> want;
  for (int copy = 2; copy < 12; ++copy) {
    const std::string name = std::to_string(copy);
    files.append("a.log", name + "\n");
    files.run(50ms);
    files.append("a.log", name + " rest\n");
    files.copy("a.log", "a.log." + name);
    files.truncate("a.log");
    files.run(50ms);
    files.restart();
    want.insert(want.end(), {name, name + " rest"});
  }
  files.run();
  EXPECT_THAT(files.fresh(), ::testing::UnorderedElementsAreArray(want));
}

TEST(FileEngine, ReadsAReplacedFileAndWhatWasLeftOfTheOldOne) {
  Following files;
  files.append("a.log", "1\n");
  files.run();
  files.append("a.log", "2\n");
  files.append("new", "3\n");
  files.rename("new", "a.log");
  EXPECT_THAT(files.after_run(), UnorderedElementsAre("1", "2", "3"));
}

TEST(FileEngine, DoesNotReadACompressedLogAgain) {
  Following files;
  files.append("a.log", many("a", 0, 100));
  files.run();
  files.fresh();
  files.append("a.log", "rest\n");
  files.restart();
  files.rename("a.log", "a.log.1");
  ASSERT_EQ(std::system(("gzip " + files.path("a.log.1")).c_str()), 0);
  files.append("a.log", "new\n");
  EXPECT_THAT(files.after_run(), UnorderedElementsAre("rest", "new"));
  files.rename("a.log.1.gz", "a.log.2.gz");
  files.restart();
  EXPECT_THAT(files.after_run(), IsEmpty());
  EXPECT_THAT(files.warnings, IsEmpty());
}

TEST(FileEngine, WaitsForACopyThatIsBeingMade) {
  Following files;
  files.append("a.log", many("a", 0, 1000));
  files.run();
  files.fresh();
  files.rename("a.log", "away");
  files.run(60s);
  const std::string all = syncd::test::read_file(files.path("away")) + "rest\n";
  for (std::size_t at = 0; at < all.size(); at += 10'000) {
    files.append("a.log.1", all.substr(at, 10'000));
    files.run(500ms);
  }
  EXPECT_THAT(files.after_run(), ElementsAre("rest"));
}

TEST(FileEngine, KeepsNoMoreFilesOpenThanAsked) {
  Following files;
  files.options().max_open_files = 4;
  std::vector<std::string> want;
  for (int i = 0; i < 40; ++i) {
    files.append(std::to_string(i) + ".log", std::to_string(i) + "\n");
    want.push_back(std::to_string(i));
  }
  EXPECT_THAT(files.after_run(), ::testing::UnorderedElementsAreArray(want));
  for (int i = 0; i < 40; ++i) files.append(std::to_string(i) + ".log", std::to_string(i) + "\n");
  EXPECT_THAT(files.after_run(), ::testing::UnorderedElementsAreArray(want));
}

TEST(FileEngine, ReadsOnceToTheEnd) {
  Following files("*.log*", false);
  files.append("a.log", "1\n2");
  files.begin(true);
  files.run();
  EXPECT_TRUE(files.done);
  EXPECT_THAT(files.fresh(), ElementsAre("1", "2"));
  files.append("a.log", "3\n");
  files.restart();
  files.begin(true);
  files.run();
  EXPECT_THAT(files.fresh(), ElementsAre("3"));
}

TEST(FileEngine, DeliversAnUnfinishedLineAfterItsTime) {
  Following files;
  files.options().partial_line_timeout = 500ms;
  files.append("a.log", "1");
  EXPECT_THAT(files.after_run(), ElementsAre("1"));
  files.append("a.log", "2\n");
  EXPECT_THAT(files.after_run(), ElementsAre("2"));
}

TEST(FileEngine, ForgetsWhatIsGoneAndUsesItsSlotAgain) {
  Following files;
  files.append("a.log", "1\n");
  files.run();
  files.remove("a.log");
  files.run(48h);
  EXPECT_EQ(files.state("a.log"), "unknown");
  files.append("b.log", "2\n");
  files.run();
  EXPECT_EQ(decode_file_position(files.positions().at("1").text()).path, files.path("b.log"));
}

TEST(FileEngine, SaysWhyAFileIsNotRead) {
  Following files;
  files.append("a.log", "1\n");
  std::filesystem::create_symlink(files.path("a.log"), files.path("link.log"));
  std::filesystem::create_hard_link(files.path("a.log"), files.path("same.log"));
  files.run();
  EXPECT_THAT(files.fresh(), ElementsAre("1"));
  EXPECT_THAT(files.state("link.log"), HasSubstr("symbolic link"));
  EXPECT_THAT(files.state("same.log"), "skipped: the same file as " + files.path("a.log"));
}

}  // namespace
}  // namespace syncd::jobs::test
