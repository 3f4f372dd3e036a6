// FileEngine: files of one family that begin alike, and those that cannot be opened yet.
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/unit/jobs/file_following.hpp"

namespace syncd::jobs::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;

const std::string kBanner = "# log of app, version 7\n";

TEST(FileFamily, ANewFileThatBeginsWithAllOfAnOlderOneIsRead) {
  for (const bool follow : {true, false}) {
    Following files("*.log*", follow);
    const auto read = [&] {
      if (!follow) files.begin(/*to_the_end=*/true);
      return files.after_run();
    };
    files.append("a.log", kBanner);
    EXPECT_THAT(read(), ElementsAre("# log of app, version 7"));
    files.rename("a.log", "a.log.1");
    files.append("a.log", kBanner + "1\n2\n");
    EXPECT_THAT(read(), ElementsAre("# log of app, version 7", "1", "2"));
    files.append("a.log", "3\n");
    EXPECT_THAT(read(), ElementsAre("3"));
    EXPECT_THAT(files.warnings, IsEmpty());
  }
}

TEST(FileFamily, WhatMayBeACopyIsLookedAtWhenItIsWritten) {
  Following files;
  files.append("a.log", kBanner);
  files.run();
  files.rename("a.log", "a.log.1");
  files.append("a.log", kBanner);
  files.run();
  files.fresh();
  files.append("a.log", "1\n");
  files.run_after_writing("a.log");
  EXPECT_THAT(files.fresh(), ElementsAre("# log of app, version 7", "1"));
}

TEST(FileFamily, FilesOfSeveralDaysMayBeginAlike) {
  Following files("*.csv*");
  files.append("rows-20260301.csv", "id,name\n");
  EXPECT_THAT(files.after_run(), ElementsAre("id,name"));
  files.append("rows-20260302.csv", "id,name\n1,a\n");
  EXPECT_THAT(files.after_run(), ElementsAre("id,name", "1,a"));
  files.append("rows-20260303.csv", "id,name\n");
  EXPECT_THAT(files.after_run(), IsEmpty()) << "as long as it may be a copy";
  files.append("rows-20260303.csv", "2,b\n");
  EXPECT_THAT(files.after_run(), ElementsAre("id,name", "2,b"));
}

TEST(FileFamily, ACopyOfAFileThatGrowsIsNone) {
  Following files;
  files.append("a.log", kBanner + "1\n");
  files.run();
  files.append("a.log", "2\n");
  files.copy("a.log", "a.log.1");
  EXPECT_THAT(files.after_run(), ElementsAre("# log of app, version 7", "1", "2"));
  files.append("a.log", "3\n");
  EXPECT_THAT(files.after_run(), ElementsAre("3"));
  EXPECT_THAT(files.state("a.log.1"), HasSubstr("a copy of"));
  files.run(70s);
  EXPECT_THAT(files.warnings, ElementsAre(HasSubstr("a.log.1 is not read: a copy of")));
}

TEST(FileFamily, ACompressedFileBesideAnotherOfItsNameIsComparedWithIt) {
  for (const bool follow : {true, false}) {
    Following files("*.log*", follow);
    files.append("a.log.7", "plain\n");
    files.append("b.log", "zipped\n");
    files.gzip("b.log", "a.log.7.gz");
    files.remove("b.log");
    files.append("c.log", "the same\n");
    files.gzip("c.log", "c.log.gz");
    if (!follow) files.begin(/*to_the_end=*/true);
    EXPECT_THAT(files.after_run(), UnorderedElementsAre("plain", "zipped", "the same"));
    EXPECT_THAT(files.state("c.log.gz"), HasSubstr("a copy of"));
  }
}

TEST(FileFamily, TheRestOfATruncatedFileIsFoundInItsCompressedCopy) {
  Following files;
  files.append("a.log", "1\n2\n");
  files.run();
  files.restart();
  files.append("a.log", "3\n4\n");
  files.gzip("a.log", "a.log.gz");
  files.truncate("a.log");
  files.append("a.log", "5\n");
  files.run();
  EXPECT_THAT(files.fresh(), UnorderedElementsAre("1", "2", "3", "4", "5"));
}

// Root may open everything.
class Unprivileged {
 public:
  explicit Unprivileged(const std::string& folder) {
    if (!root_) return;
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    EXPECT_EQ(::seteuid(65534), 0);
  }
  ~Unprivileged() {
    if (!root_) return;
    EXPECT_EQ(::seteuid(0), 0);
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  const bool root_ = ::geteuid() == 0;
};

TEST(FileFamily, WhatCannotBeOpenedIsComparedWhenItCan) {
  Following files;
  files.append("a.log", "1\n2\n");
  files.run();
  files.restart();
  files.gzip("a.log", "a.log.1.gz");
  files.remove("a.log");
  const auto read = [&](int mode) {
    std::filesystem::permissions(files.path("a.log.1.gz"), std::filesystem::perms(mode));
    const Unprivileged nobody(files.path("."));
    files.run();
  };
  read(0);
  EXPECT_THAT(files.state("a.log.1.gz"), HasSubstr("Permission denied"));
  EXPECT_THAT(files.warnings, Contains(HasSubstr("a.log.1.gz: Permission denied")));
  read(0644);
  EXPECT_THAT(files.fresh(), ElementsAre("1", "2"));
}

TEST(FileFamily, ARunToTheEndFailsWithWhatCannotBeOpened) {
  Following files("*.log*", /*follow=*/false);
  files.append("a.log", "1\n");
  files.begin(/*to_the_end=*/true);
  files.run();
  files.append("a.log.1", "1\n2\n");
  std::filesystem::permissions(files.path("a.log.1"), std::filesystem::perms(0));
  const Unprivileged nobody(files.path("."));
  files.begin(/*to_the_end=*/true);
  try {
    files.run();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Permanent);
    EXPECT_THAT(error.what(), HasSubstr("a.log.1: Permission denied"));
  }
}

TEST(FileFamily, AJobThatBeginsAtTheEndsSkipsWhatItCouldNotOpenThen) {
  Following files;
  files.options().start_at = StartAt::End;
  files.append("a.log", "1\n");
  std::filesystem::permissions(files.path("a.log"), std::filesystem::perms(0));
  const auto read = [&] {
    const Unprivileged nobody(files.path("."));
    return files.after_run();
  };
  EXPECT_THAT(read(), IsEmpty());
  std::filesystem::permissions(files.path("a.log"), std::filesystem::perms(0644));
  files.append("a.log", "2\n");
  EXPECT_THAT(read(), ElementsAre("2"));
}

TEST(FileFamily, ANewFileIsNoticedBehindTwoBatchesOfALargeOne) {
  Following files;
  files.options().batch_rows = 10;
  std::string large;
  for (int i = 0; i < 1000; ++i) large += std::to_string(i) + "\n";
  files.append("a.log", large);
  int commits = 0;
  files.meanwhile = [&] {
    files.pass(1ms);
    if (++commits == 20) {
      files.append("b.log", "b\n");
      files.notice();
    }
    return true;
  };
  const auto lines = files.after_run();
  const auto written = std::find(lines.begin(), lines.end(), "b") - lines.begin();
  EXPECT_LT(written, 20 * 10 + 5 * 10);
}

}  // namespace
}  // namespace syncd::jobs::test
