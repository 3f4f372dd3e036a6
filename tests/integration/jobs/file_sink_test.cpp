// The sink `file`: what it writes, and that the file and its position agree after every kind of end.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "tests/integration/jobs/sink_test.hpp"

namespace {
std::atomic<int> syncs = 0;
std::atomic<int> writes_of_the_loop = 0;
std::atomic<bool> slow_disk = false;
}  // namespace

// In place of libc's, to be counted.
extern "C" ssize_t pwrite(int fd, const void* data, std::size_t size, off_t at) {
  if (::gettid() == ::getpid()) ++writes_of_the_loop;
  if (slow_disk) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return ::syscall(SYS_pwrite64, fd, data, size, at);
}

extern "C" int fdatasync(int fd) {
  ++syncs;
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace syncd::jobs {
namespace {

using syncd::test::read_file;
using test::numbered;
using test::users;

class FileSink : public test::SinkTest {
 protected:
  const std::string path_ = folder_ / "out.jsonl";

  std::string toml(const std::string& more = "") const { return "path = \"" + path_ + "\"\n" + more; }
  std::unique_ptr<Sink> open(const std::string& more = "", const std::string& instance = "one") {
    return opened(file(), toml(more), instance);
  }
  void append(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::app) << text;
  }
  // The other files of the folder, but for the companions.
  std::vector<std::string> rotated() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename();
      if (name != "out.jsonl" && !name.ends_with(".syncd")) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(FileSink, WritesJsonLines) {
  auto sink = open();
  commit(*sink, users(1, {"Ada \"x\"", std::nullopt}));
  EXPECT_EQ(read_file(path_), "{\"id\":1,\"name\":\"Ada \\\"x\\\"\"}\n{\"id\":2,\"name\":null}\n");
}

TEST_F(FileSink, WritesCsvThatParseCsvReadsBack) {
  auto sink = open("format = \"csv\"");
  commit(*sink, users(1, {"Ada", std::nullopt}));
  commit(*sink, users(3, {"", "a,\"b\"\nc"}));
  EXPECT_EQ(read_file(path_), "id,name\n1,Ada\n2,\n3,\"\"\n4,\"a,\"\"b\"\"\nc\"\n");
}

TEST_F(FileSink, WritesRawLines) {
  auto sink = open("format = \"raw\"\nvalue = \"{id}: {name}\"");
  commit(*sink, users(1, {"Ada", "Bob"}));
  EXPECT_EQ(read_file(path_), "1: Ada\n2: Bob\n");
}

TEST_F(FileSink, WritesTheChosenFields) {
  auto sink = open("fields = [\"name\"]");
  commit(*sink, users(1, {"Ada"}));
  EXPECT_EQ(read_file(path_), "{\"name\":\"Ada\"}\n");
}

TEST_F(FileSink, GoesOnWhereItStood) {
  { commit(*open(), numbered(0, 3)); }
  auto sink = open();
  EXPECT_EQ(positions_.at("").text(), "p3");
  commit(*sink, numbered(3, 2));
  const std::string text = read_file(path_);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5);
}

TEST_F(FileSink, CutsOffRowsWithoutAPosition) {
  { commit(*open(), numbered(0, 1)); }
  const std::string before = read_file(path_);
  append(path_, "{\"id\":\"1\",\"name\":\"na");  // as kill -9 in the middle of a write leaves it
  auto sink = open();
  EXPECT_EQ(read_file(path_), before);
  EXPECT_EQ(positions_.at("").text(), "p1");
}

// A power cut may take any tail of either file, whatever was written first.
TEST_F(FileSink, AnyTailOfTheFileAndOfItsCompanionMayBeLost) {
  std::vector<std::string> text_at = {""};  // the file after N rows
  {
    auto sink = open("fsync_every = \"1h\"");
    for (std::size_t i = 0; i < 4; ++i) {
      commit(*sink, numbered(i, 1));
      text_at.push_back(read_file(path_));
    }
  }
  const std::string data = read_file(path_);
  const std::string records = read_file(path_ + ".syncd");
  // What names the file is on the disk before its first row.
  const std::size_t least = records.find('\n', records.find("\tfile\t")) + 1;
  for (std::size_t cut = 0; cut <= data.size(); cut += 7) {
    for (std::size_t tail = 0; tail <= records.size() - least; tail += 11) {
      std::filesystem::resize_file(path_, data.size() - cut);
      std::ofstream(path_ + ".syncd", std::ios::binary) << records.substr(0, records.size() - tail);
      auto sink = open();
      const std::string position = positions_.at("").text();
      const std::size_t rows = position.empty() ? 0 : std::stoul(position.substr(1));
      ASSERT_EQ(read_file(path_), text_at.at(rows)) << cut << " " << tail;
      sink.reset();
      std::ofstream(path_, std::ios::binary | std::ios::in) << data;  // the same inode, whole again
    }
  }
}

TEST_F(FileSink, ASettledSinkWaitsForTheDiskOnlyWhenItIsDueOrAtRest) {
  auto sink = open("fsync_every = \"1h\"");
  commit(*sink, numbered(0, 1));
  const int before = syncs;
  for (std::size_t i = 1; i < 10; ++i) {
    commit(*sink, numbered(i, 1));
    settle(*sink);
    settle(*sink, Settle::Beat);  // a busy source: rows have come since the one before
  }
  EXPECT_EQ(syncs, before);
  settle(*sink, Settle::Beat);
  EXPECT_EQ(syncs, before + 2);  // the file, then its companion
  settle(*sink, Settle::Beat);
  EXPECT_EQ(syncs, before + 2);
  commit(*sink, numbered(10, 1));
  settle(*sink, Settle::End);
  EXPECT_EQ(syncs, before + 4);
}

// A source says where it stands, without rows, each time that it has nothing more for the moment.
TEST_F(FileSink, APositionWithoutRowsDoesNotWaitForTheDisk) {
  {
    auto sink = open("fsync_every = \"1h\"");
    commit(*sink, numbered(0, 1));
    const int before = syncs;
    for (const std::size_t position : {1U, 5U, 5U}) {
      settle(*sink);
      commit(*sink, numbered(position, 0));
    }
    settle(*sink);
    EXPECT_EQ(syncs, before);
    settle(*sink, Settle::Beat);
    settle(*sink, Settle::Beat);
    EXPECT_EQ(syncs, before + 2);  // the file, then its companion
  }
  open();
  EXPECT_EQ(positions_.at("").text(), "p5");
}

TEST_F(FileSink, ALittleIsWrittenByTheLoopUntilTheDiskKeepsItWaiting) {
  auto sink = open("fsync_every = \"1h\"");
  int before = writes_of_the_loop;
  commit(*sink, numbered(0, 1));  // begins the file, and waits for the disk
  EXPECT_EQ(writes_of_the_loop, before);
  commit(*sink, numbered(1, 1));
  EXPECT_EQ(writes_of_the_loop, before + 2);  // the file, then its companion
  commit(*sink, numbered(2, 10'000));
  EXPECT_EQ(writes_of_the_loop, before + 2);
  slow_disk = true;
  commit(*sink, numbered(10'002, 1));
  slow_disk = false;
  before = writes_of_the_loop;
  commit(*sink, numbered(10'003, 1));
  EXPECT_EQ(writes_of_the_loop, before);
  sink.reset();
  const std::string text = read_file(path_);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10'004);
}

TEST_F(FileSink, RotatesBySize) {
  auto sink = open("rotate_bytes = \"100B\"\nrotated_name = \"old-{time}\"");
  for (std::size_t i = 0; i < 20; ++i) commit(*sink, numbered(i, 1));
  EXPECT_GT(rotated().size(), 2U);
  for (const std::string& name : rotated()) EXPECT_TRUE(name.starts_with("old-20")) << name;
  std::size_t lines = 0;
  for (const std::string& name : rotated()) {
    const std::string text = read_file(folder_ / name);
    EXPECT_GE(text.size(), 100U);
    lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  const std::string last = read_file(path_);
  EXPECT_EQ(lines + static_cast<std::size_t>(std::count(last.begin(), last.end(), '\n')), 20U);
}

TEST_F(FileSink, EachCsvFileBeginsWithItsHeader) {
  auto sink = open("format = \"csv\"\nrotate_bytes = \"1B\"");
  for (std::size_t i = 0; i < 3; ++i) commit(*sink, numbered(i, 1));
  ASSERT_EQ(rotated().size(), 2U);
  for (const std::string& name : rotated()) {
    EXPECT_TRUE(read_file(folder_ / name).starts_with("id,name\n"));
  }
}

TEST_F(FileSink, GoesOnBehindARotationThatWasCutShort) {
  { commit(*open(), numbered(0, 2)); }
  std::filesystem::rename(path_, folder_ / "old");  // and there the process ended
  auto sink = open();
  EXPECT_EQ(positions_.at("").text(), "p2");
  commit(*sink, numbered(2, 1));
  const std::string text = read_file(path_);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(positions_.at("").text(), "p3");
}

TEST_F(FileSink, FollowsItsNameWhenOthersRotate) {
  auto sink = open();
  commit(*sink, numbered(0, 1));
  std::filesystem::rename(path_, folder_ / "old");
  commit(*sink, numbered(1, 1));
  std::filesystem::rename(path_, folder_ / "older");
  std::ofstream(path_, std::ios::binary) << "";  // logrotate's `create`
  commit(*sink, numbered(2, 1));
  for (const std::string& path : {folder_ / "old", folder_ / "older", path_}) {
    const std::string text = read_file(path);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << path;
  }
}

TEST_F(FileSink, ASecondDaemonIsRefusedWhileTheFirstLives) {
  auto first = open("", "one");
  commit(*first, numbered(0, 1));
  auto second = make(file(), toml(), "two");
  const Error error = syncd::test::error_of(loop_, second->open());
  EXPECT_EQ(error.kind(), ErrorKind::Fenced);
  EXPECT_NE(std::string(error.what()).find("is run by another syncd"), std::string::npos);
  commit(*first, numbered(1, 1));
  first.reset();
  auto later = open("", "two");
  EXPECT_EQ(positions_.at("").text(), "p2");
}

TEST_F(FileSink, AnotherJobsFileIsLeftAlone) {
  { commit(*open(), numbered(0, 1)); }
  RunContext other(loop_, *connections_, *this, *this, "other", "one");
  auto sink = make_plan(file(), parsed(toml())).make(other);
  const Error error = syncd::test::error_of(loop_, sink->open());
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_NE(std::string(error.what()).find("is written by the job 'users'"), std::string::npos)
      << error.what();
}

TEST_F(FileSink, AFileWithAForeignContentIsLeftAlone) {
  append(path_, "precious\n");
  auto sink = make(file(), toml());
  const Error error = syncd::test::error_of(loop_, sink->open());
  EXPECT_EQ(error.kind(), ErrorKind::Permanent);
  EXPECT_EQ(read_file(path_), "precious\n");
}

TEST_F(FileSink, WhatIsNoFileIsRefused) {
  auto sink = make(file(), "path = \"/dev/full\"");
  const auto notes = syncd::test::run_task(loop_, sink->check());
  ASSERT_FALSE(notes.empty());
  EXPECT_EQ(notes.back().text, "/dev/full is no regular file");
}

// A limit is what a full disk is to a process, and needs no file system of its own.
TEST_F(FileSink, AFullDiskPausesAndLosesNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  auto sink = open();
  commit(*sink, numbered(0, 10));
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit small = before;
  small.rlim_cur = read_file(path_).size() + 1000;
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Error error = commit_error(*sink, numbered(10, 1000));
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(error.kind(), ErrorKind::Transient);
  EXPECT_NE(std::string(error.what()).find("writing " + path_), std::string::npos) << error.what();
  sink = open();
  EXPECT_EQ(positions_.at("").text(), "p10");
  commit(*sink, numbered(10, 1000));
  const std::string text = read_file(path_);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1010);
}

TEST_F(FileSink, TheCompanionStaysSmall) {
  auto sink = open("fsync_every = \"1h\"");
  for (std::size_t i = 0; i < 20'000; ++i) {
    Batch batch = numbered(i, 1);
    batch.set_position(Position("a partition with a name that is long", "p" + std::to_string(i)));
    syncd::test::run_task(loop_, sink->commit(batch, Position()));
  }
  EXPECT_LT(std::filesystem::file_size(path_ + ".syncd"), 1'100'000U);
  const auto held = syncd::test::run_task(loop_, sink->recall());
  EXPECT_EQ(held->at("a partition with a name that is long").text(), "p19999");
}

TEST_F(FileSink, PositionsMayHaveAnyBytes) {
  const std::string odd = std::string("a\tb\nc%d\xff\0e", 11);
  {
    auto sink = open();
    Batch batch = numbered(0, 1);
    batch.set_position(Position(odd, odd + "%"));
    syncd::test::run_task(loop_, sink->commit(batch, Position()));
  }
  open();
  EXPECT_EQ(positions_.at(odd).text(), odd + "%");
}

TEST_F(FileSink, MistakesNameTheirPlaceAndTheRemedy) {
  EXPECT_EQ(findings_of(file(), "path = \"/tmp/\""), "job.toml:1:1: 'path' must name a file, not a folder");
  EXPECT_EQ(findings_of(file(), toml("rotate_every = \"1d\"\nrotated_name = \"x\"")),
            "job.toml:3:1: 'rotated_name' must hold {time}, or one file would take the place of another");
  EXPECT_EQ(findings_of(file(), toml("format = \"raw\"")),
            "job.toml:2:1: unknown column 'line'; known: id, name");
  EXPECT_EQ(findings_of(file(), toml("header = true")),
            "job.toml:2:1: 'header' has an effect on format = \"csv\" only");
}

}  // namespace
}  // namespace syncd::jobs
