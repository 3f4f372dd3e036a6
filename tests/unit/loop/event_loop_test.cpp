#include "daemon/loop/event_loop.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>

#include "daemon/coro/signal.hpp"
#include "tests/unit/loop/loop_test.hpp"

namespace syncd::loop {
namespace {

using namespace std::chrono_literals;
using coro::AsyncScope;
using coro::Task;

Task<> broken() {
  throw std::runtime_error("broken");
  co_return;
}

Task<> set(bool& flag) {
  flag = true;
  co_return;
}

TEST(EventLoop, ThrowsWhatItsMainTaskThrowsAndRunsAgain) {
  EventLoop loop;
  bool ran = false;
  EXPECT_THROW(loop.run(broken()), std::runtime_error);
  loop.run(set(ran));
  EXPECT_TRUE(ran);
}

LOOP_TEST(EventLoop, NeverFiresATimerEarly) {
  for (const auto wait : {0us, 1us, 999us, 1500us, 5000us}) {
    const TimePoint due = loop.now() + wait;
    co_await sleep_until(loop, due);
    EXPECT_GE(loop.now(), due);
  }
}

Task<> note_at(Clock& clock, TimePoint when, std::vector<int>& into, int what) {
  co_await sleep_until(clock, when);
  into.push_back(what);
}

LOOP_TEST(EventLoop, FiresTimersInTheOrderOfTheirDeadlines) {
  std::vector<int> order;
  AsyncScope scope;
  const TimePoint start = loop.now();
  scope.spawn(note_at(loop, start + 3ms, order, 3));
  scope.spawn(note_at(loop, start + 1ms, order, 1));
  scope.spawn(note_at(loop, start + 2ms, order, 2));
  co_await scope.join();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

// A note, posted by the first, finds its turn before the last.
Task<> keep_the_loop(EventLoop& loop, TimePoint when, std::vector<int>& into, int what) {
  co_await sleep_until(loop, when);
  if (into.empty()) loop.post([&into] { into.push_back(0); });
  into.push_back(what);
  for (const TimePoint enough = loop.now() + 5ms; loop.now() < enough;) {
  }
}

LOOP_TEST(EventLoop, ServesOthersWhileManyTimersAreDue) {
  std::vector<int> order;
  AsyncScope scope;
  const TimePoint due = loop.now();
  for (int i = 1; i <= 4; ++i) scope.spawn(keep_the_loop(loop, due + std::chrono::nanoseconds(i), order, i));
  co_await scope.join();
  const auto posted = std::find(order.begin(), order.end(), 0);
  EXPECT_LT(posted - order.begin(), 4) << "the last of them";
}

LOOP_TEST(EventLoop, EndsALongSleepAtOnceWhenItIsStopped) {
  std::vector<int> order;
  AsyncScope scope;
  scope.spawn(note_at(loop, loop.now() + 1h, order, 1));
  co_await test::turns(loop);
  scope.request_stop();
  co_await scope.join();
  EXPECT_TRUE(order.empty());
}

Task<> yield_until(Clock& clock, const bool& done) {
  while (!done) co_await yield_to_loop(clock);
}

LOOP_TEST(EventLoop, ServesTimersAndPostsBesideACoroutineThatNeverSleeps) {
  bool done = false;
  bool posted = false;
  AsyncScope scope;
  scope.spawn(yield_until(loop, done));
  loop.post([&] { posted = true; });
  co_await sleep_for(loop, 5ms);
  EXPECT_TRUE(posted);
  done = true;
  co_await scope.join();
}

LOOP_TEST(EventLoop, RunsWhatOtherThreadsPostOnItsOwnThreadAndInTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2'000;
  const auto here = std::this_thread::get_id();
  std::vector<std::vector<int>> seen(kThreads);
  int total = 0;
  coro::Signal all(loop);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        loop.post([&, t, i] {
          EXPECT_EQ(std::this_thread::get_id(), here);
          seen[static_cast<std::size_t>(t)].push_back(i);
          if (++total == kThreads * kPosts) all.notify();
        });
      }
    });
  }
  co_await all.wait();
  for (auto& thread : threads) thread.join();
  for (const auto& of_one : seen) EXPECT_TRUE(std::is_sorted(of_one.begin(), of_one.end()));
}

TEST(EventLoop, RunsWhatWasPostedBeforeItRuns) {
  EventLoop loop;
  bool posted = false;
  loop.post([&] { posted = true; });
  const auto wait = [](EventLoop& on, const bool& flag) -> Task<> { co_await yield_until(on, flag); };
  test::run(loop, wait(loop, posted));
  EXPECT_TRUE(posted);
}

LOOP_TEST(EventLoop, KnowsHowFarItLags) {
  std::vector<int> order;
  AsyncScope scope;
  const TimePoint due = loop.now() + 1ms;
  scope.spawn(note_at(loop, due, order, 1));
  while (loop.now() < due + 20ms) {  // the loop's thread is busy
  }
  co_await scope.join();
  EXPECT_GE(loop.lag(), 15ms);
}

#ifndef NDEBUG
TEST(EventLoopDeathTest, MustOutliveItsStreams) {
  std::unique_ptr<Stream> stream;
  const auto leave_one = [&] {
    EventLoop loop;
    test::Pair pair(loop);
    stream = std::move(pair.stream);
  };
  EXPECT_DEATH(leave_one(), "a handle outlived the loop");
}
#endif

}  // namespace
}  // namespace syncd::loop
