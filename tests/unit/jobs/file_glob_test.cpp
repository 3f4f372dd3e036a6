#include "jobs/sources/file_glob.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/temp_dir.hpp"
#include "tests/support/value_error.hpp"

namespace syncd::jobs {
namespace {

using Names = std::vector<std::string>;

std::string wrong_with(const std::string& pattern) {
  return syncd::test::value_error([&] { Glob glob(pattern); });
}

TEST(Glob, MatchesNamesAsShellsDo) {
  EXPECT_TRUE(name_matches("app.log", "app.log"));
  EXPECT_FALSE(name_matches("app.log", "app.log.1"));
  EXPECT_TRUE(name_matches("*.log", "app.log"));
  EXPECT_TRUE(name_matches("*", ""));
  EXPECT_TRUE(name_matches("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(name_matches("a*b*c", "a-b-b-cd"));
  EXPECT_TRUE(name_matches("app.log.?", "app.log.1"));
  EXPECT_FALSE(name_matches("app.log.?", "app.log.10"));
  EXPECT_TRUE(name_matches("?.log", "é.log")) << "? is a character, not a byte";
  EXPECT_TRUE(name_matches("[a-c]x", "bx"));
  EXPECT_FALSE(name_matches("[!a-c]x", "bx"));
  EXPECT_TRUE(name_matches("[^a-c]x", "dx"));
  EXPECT_TRUE(name_matches("[]x]", "]"));
  EXPECT_TRUE(name_matches("[a-]", "-"));
  EXPECT_TRUE(name_matches("[à-é]", "è"));
  EXPECT_TRUE(name_matches("\\*x", "*x"));
  EXPECT_FALSE(name_matches("\\*x", "ax"));
  EXPECT_TRUE(name_matches("[\\]]", "]"));
}

TEST(Glob, LeavesHiddenNamesAlone) {
  EXPECT_FALSE(name_matches("*", ".app.log.swp"));
  EXPECT_FALSE(name_matches("?app", ".app"));
  EXPECT_TRUE(name_matches(".*", ".app"));
  EXPECT_FALSE(Glob("/var/**/x").matches("/var/.git/x"));
}

TEST(Glob, DoesNotRunAwayOnManyStars) {
  EXPECT_FALSE(name_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(200, 'a')));
}

TEST(Glob, MatchesPaths) {
  EXPECT_TRUE(Glob("/var/log/*.log").matches("/var/log/app.log"));
  EXPECT_FALSE(Glob("/var/log/*.log").matches("/var/log/nginx/app.log"));
  EXPECT_TRUE(Glob("/var/log/**/*.log").matches("/var/log/app.log"));
  EXPECT_TRUE(Glob("/var/log/**/*.log").matches("/var/log/a/b/app.log"));
  EXPECT_TRUE(Glob("/var/log/**").matches("/var/log/a/b/app.log"));
  EXPECT_FALSE(Glob("/var/log/**").matches("/var/log"));
  EXPECT_TRUE(Glob("/var/**/log/**/x").matches("/var/a/log/b/log/x"));
  EXPECT_TRUE(Glob("/var/{log,spool/{a,b}}/x{,.gz}").matches("/var/spool/b/x.gz"));
  EXPECT_TRUE(Glob("/var/{log,spool/{a,b}}/x{,.gz}").matches("/var/log/x"));
  EXPECT_FALSE(Glob("/var/{log,spool/{a,b}}/x{,.gz}").matches("/var/spool/x"));
  EXPECT_TRUE(Glob("/a//b/./c").matches("/a/b/c"));
  EXPECT_TRUE(Glob("/a/\\{x\\}").matches("/a/{x}"));
}

TEST(Glob, LooksAtTheLastNameWhereThePatternHasNoSlash) {
  EXPECT_TRUE(Glob("*.gz").matches("/var/log/app.log.1.gz"));
  EXPECT_FALSE(Glob("*.gz").matches("/var/log.gz/app.log"));
}

TEST(Glob, SaysWhatIsWrong) {
  EXPECT_EQ(wrong_with(""), "is empty");
  EXPECT_EQ(wrong_with("/var/log/"), "names a folder: end it in a name, * or **");
  EXPECT_EQ(wrong_with("/var/[ab"), "has a [ without its ]");
  EXPECT_EQ(wrong_with("/var/[a/b]"), "has a / between [ and ]");
  EXPECT_EQ(wrong_with("/var/{a,b"), "has a { without its }");
  EXPECT_EQ(wrong_with("/var/a}"), "has a } without its {");
  EXPECT_EQ(wrong_with("/var/../x"), "has a .. in it");
  EXPECT_EQ(wrong_with("/var/x\\"), "ends in a lone backslash");
  EXPECT_EQ(wrong_with("/{1,2,3,4,5,6,7,8,9,0}{1,2,3,4,5,6,7,8,9,0}{1,2,3,4,5,6,7,8,9,0}{1,2}"),
            "has braces for more than 1000 patterns");
}

class FileGlobsTest : public ::testing::Test {
 protected:
  FileGlobs globs(Names include, Names exclude = {}, bool follow_symlinks = false) {
    for (auto* list : {&include, &exclude}) {
      for (std::string& pattern : *list) {
        if (pattern.find('/') != std::string::npos) pattern = dir_ / pattern;
      }
    }
    return FileGlobs(std::move(include), std::move(exclude), dir_ / "state", follow_symlinks);
  }
  Names walk(const FileGlobs& globs) { return relative(globs.walk().paths); }
  Names relative(Names paths) {
    for (std::string& path : paths)
      path = path.substr(std::min(path.size(), dir_.path().string().size() + 1));
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  syncd::test::TempDir dir_;
};

TEST_F(FileGlobsTest, FindsEachFileOnce) {
  dir_.write("a.log", "");
  dir_.write("x/b.log", "");
  dir_.write("x/y/c.log", "");
  dir_.write("x/y/c.txt", "");
  EXPECT_EQ(walk(globs({"./*.log", "./**/*.log", "./**/y/**"})),
            (Names{"a.log", "x/b.log", "x/y/c.log", "x/y/c.txt"}));
}

TEST_F(FileGlobsTest, LeavesOutWhatIsExcluded) {
  dir_.write("a.log", "");
  dir_.write("a.log.gz", "");
  dir_.write("old/a.log", "");
  EXPECT_EQ(walk(globs({"./**"}, {"*.gz", "./old/**"})), (Names{"a.log"}));
}

TEST_F(FileGlobsTest, NeverEntersTheStateDirectory) {
  dir_.write("state/state.db", "");
  dir_.write("state/x/state.log", "");
  dir_.write("a.log", "");
  ASSERT_EQ(::symlink((dir_ / "state").c_str(), (dir_ / "alias").c_str()), 0);
  EXPECT_EQ(walk(globs({"./**", "./state/*", "./state/x/state.log", "./alias/state.db"}, {}, true)),
            (Names{"a.log"}));
}

TEST_F(FileGlobsTest, FollowsLinkedFoldersOnlyWhereAsked) {
  dir_.write("real/a.log", "");
  ASSERT_EQ(::symlink((dir_ / "real").c_str(), (dir_ / "linked").c_str()), 0);
  EXPECT_EQ(walk(globs({"./*/a.log"})), (Names{"real/a.log"}));
  EXPECT_EQ(walk(globs({"./*/a.log"}, {}, true)), (Names{"linked/a.log", "real/a.log"}));
  EXPECT_EQ(walk(globs({"./linked/*.log"})), (Names{"linked/a.log"})) << "the operator's own words";
}

TEST_F(FileGlobsTest, NamesTheFoldersWhereAMatchMayAppear) {
  dir_.write("logs/a/x.log", "");
  dir_.write("logs/b/y.txt", "");
  const auto found = globs({"./logs/*/*.log", "./missing/deep/*.log"}).walk();
  EXPECT_EQ(relative({found.folders.begin(), found.folders.end()}), (Names{"", "logs", "logs/a", "logs/b"}));
}

}  // namespace
}  // namespace syncd::jobs
