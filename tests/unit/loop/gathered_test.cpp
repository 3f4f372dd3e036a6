#include "daemon/loop/gathered.hpp"

#include <vector>

#include "daemon/coro/signal.hpp"
#include "tests/unit/loop/loop_test.hpp"

namespace syncd::loop {
namespace {

using coro::Task;
using test::Fd;

// Descriptors whose news are read and counted.
class Watched {
 public:
  explicit Watched(EventLoop& loop, std::size_t much = 1000)
      : changed(loop), gathered(loop, [this, much](int fd, bool readable, bool writable) {
          calls.push_back({fd, readable, writable});
          std::size_t got = 0;
          for (Line& line : lines) {
            if (line.near.get() == fd && readable) got = line.near.receive().size();
          }
          received += got;
          if (on_call) on_call(fd);
          changed.notify();
          return got >= much;
        }) {}
  ~Watched() {
    for (const Line& line : lines) gathered.watch(line.near.get(), false, false);
  }
  // The far end of a new one.
  const Fd& add(bool writable = false) {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    lines.push_back({Fd(fds[0]), Fd(fds[1])});
    gathered.watch(fds[0], !writable, writable);
    return lines.back().far;
  }
  Task<> until_received(std::size_t bytes) {
    while (received < bytes) co_await changed.wait();
  }

  struct Line {
    Fd near, far;
  };
  struct Call {
    int fd;
    bool readable, writable;
  };
  coro::Signal changed;
  std::vector<Line> lines;
  std::vector<Call> calls;
  std::function<void(int)> on_call;
  std::size_t received = 0;
  Gathered gathered;
};

LOOP_TEST(Gathered, SaysWhichCanBeReadAndWhichWritten) {
  Watched watched(loop);
  watched.add();
  watched.add().send("x");
  co_await watched.until_received(1);
  EXPECT_EQ(watched.calls.size(), 1U);
  EXPECT_EQ(watched.calls[0].fd, watched.lines[1].near.get());
  EXPECT_TRUE(watched.calls[0].readable);
  EXPECT_FALSE(watched.calls[0].writable);
  watched.add(/*writable=*/true);
  co_await watched.changed.wait();
  EXPECT_EQ(watched.calls.back().fd, watched.lines[2].near.get());
  EXPECT_TRUE(watched.calls.back().writable);
}

// More than are looked at in one call, again and again while they are busy.
LOOP_TEST(Gathered, ServesEachOfMany) {
  Watched watched(loop);
  for (int i = 0; i < 200; ++i) watched.add();
  for (std::size_t round = 1; round <= 10; ++round) {
    for (const Watched::Line& line : watched.lines) line.far.send("x");
    co_await watched.until_received(200 * round);
  }
  EXPECT_LE(watched.calls.size(), 200U * 10U) << "each call had news";
}

// Both what keeps the loop busy, and the few bytes beside it.
LOOP_TEST(Gathered, MuchOnOneDoesNotHoldUpAnother) {
  Watched watched(loop);
  const Fd& busy = watched.add();
  const std::string chunk(4000, 'x');
  watched.on_call = [&](int fd) {
    if (fd == watched.lines[0].near.get() && watched.received < 1'000'000) watched.lines[0].far.send(chunk);
  };
  busy.send(chunk);
  co_await watched.until_received(100'000);
  watched.add().send("y");
  co_await watched.until_received(1'000'001);
  EXPECT_TRUE(std::any_of(watched.calls.begin(), watched.calls.end(),
                          [&](const Watched::Call& call) { return call.fd == watched.lines[1].near.get(); }));
}

LOOP_TEST(Gathered, ABrokenOneIsBothReadableAndWritable) {
  Watched watched(loop);
  watched.add();
  watched.lines[0].far.reset();
  co_await watched.changed.wait();
  EXPECT_TRUE(watched.calls.at(0).readable);
  EXPECT_TRUE(watched.calls.at(0).writable);
}

LOOP_TEST(Gathered, WhatIsNoLongerWatchedIsSilent) {
  Watched watched(loop);
  watched.add();
  watched.add();
  // Both have news in one look; whichever comes first takes the other away, as libcurl may.
  watched.on_call = [&](int fd) {
    const Watched::Line& first = watched.lines[0];
    const Watched::Line& second = watched.lines[1];
    watched.gathered.watch(fd == first.near.get() ? second.near.get() : first.near.get(), false, false);
  };
  watched.lines[0].far.send("x");
  watched.lines[1].far.send("y");
  co_await watched.changed.wait();
  // A look that brings news of a third one would bring those that still wait too.
  watched.on_call = nullptr;
  watched.add().send("z");
  co_await watched.until_received(2);
  EXPECT_EQ(watched.calls.size(), 2U);
}

LOOP_TEST(Gathered, MayGoWhileItPauses) {
  {
    Watched watched(loop);
    const Fd& far = watched.add();
    far.send("x");
    co_await watched.until_received(1);
    far.send("x");
    co_await watched.until_received(2);
  }
  co_await sleep_for(loop, 2 * Gathered::kPause);  // a timer left behind would have fired before this one
}

LOOP_TEST(Gathered, SaysWhatCannotBeWatched) {
  Gathered gathered(loop, [](int, bool, bool) { return false; });
  try {
    gathered.watch(10'000, true, false);
    ADD_FAILURE() << "watched what is not open";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
  }
  co_return;
}

}  // namespace
}  // namespace syncd::loop
