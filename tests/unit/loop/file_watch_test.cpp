#include "daemon/loop/file_watch.hpp"

#include <filesystem>
#include <fstream>

#include "daemon/coro/signal.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/loop/loop_test.hpp"

namespace syncd::loop {
namespace {

using coro::Task;

// What has changed once something has.
Task<FileWatch::Changes> next(coro::Signal& changed, FileWatch& watch) {
  co_await changed.wait();
  co_return watch.take();
}

void append(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::app) << text; }

LOOP_TEST(FileWatch, SaysWhichFileWasWritten) {
  const syncd::test::TempDir folder;
  append(folder / "a", "1");
  coro::Signal changed(loop);
  FileWatch watch(loop, [&changed] { changed.notify(); });
  const auto failed = watch.watch(std::set<std::string>{folder.path()});
  EXPECT_TRUE(failed.empty());
  auto changes = co_await next(changed, watch);
  EXPECT_TRUE(changes.names) << "a new folder is a change";
  append(folder / "a", "2");
  changes = co_await next(changed, watch);
  EXPECT_EQ(changes.written, std::set<std::string>{folder / "a"});
  EXPECT_FALSE(changes.names);
}

LOOP_TEST(FileWatch, SaysThatNamesHaveChanged) {
  const syncd::test::TempDir folder;
  coro::Signal changed(loop);
  FileWatch watch(loop, [&changed] { changed.notify(); });
  watch.watch(std::set<std::string>{folder.path()});
  co_await next(changed, watch);
  append(folder / "a", "");
  auto changes = co_await next(changed, watch);
  EXPECT_TRUE(changes.names);
  std::filesystem::rename(folder / "a", folder / "b");
  changes = co_await next(changed, watch);
  EXPECT_TRUE(changes.names);
  std::filesystem::remove(folder / "b");
  changes = co_await next(changed, watch);
  EXPECT_TRUE(changes.names);
}

LOOP_TEST(FileWatch, SaysWhichFoldersItCannotWatch) {
  const syncd::test::TempDir folder;
  FileWatch watch(loop, [] {});
  const auto failed = watch.watch(std::set<std::string>{folder / "none"});
  EXPECT_EQ(failed, std::set<std::string>{folder / "none"});
  co_return;
}

LOOP_TEST(FileWatch, WatchesAFolderAgainThatWasReplaced) {
  const syncd::test::TempDir folder;
  const std::set<std::string> inner{folder / "inner"};
  std::filesystem::create_directory(folder / "inner");
  coro::Signal changed(loop);
  FileWatch watch(loop, [&changed] { changed.notify(); });
  watch.watch(inner);
  co_await next(changed, watch);
  std::filesystem::remove(folder / "inner");
  const auto changes = co_await next(changed, watch);
  EXPECT_TRUE(changes.names);
  std::filesystem::create_directory(folder / "inner");
  watch.watch(inner);
  co_await next(changed, watch);
  append(folder / "inner/a", "");
  const auto again = co_await next(changed, watch);
  EXPECT_TRUE(again.names);
}

LOOP_TEST(FileWatch, WatchesTheFolderThatTookTheNameOfAnother) {
  const syncd::test::TempDir folder;
  const std::set<std::string> inner{folder / "inner"};
  std::filesystem::create_directory(folder / "inner");
  coro::Signal changed(loop);
  FileWatch watch(loop, [&changed] { changed.notify(); });
  watch.watch(inner);
  co_await next(changed, watch);
  std::filesystem::rename(folder / "inner", folder / "old");
  std::filesystem::create_directory(folder / "inner");
  auto changes = co_await next(changed, watch);
  EXPECT_TRUE(changes.names);
  watch.watch(inner);
  append(folder / "inner/a", "1");
  do changes = co_await next(changed, watch);
  while (changes.written.empty());
  EXPECT_EQ(changes.written, std::set<std::string>{folder / "inner/a"});
}

}  // namespace
}  // namespace syncd::loop
