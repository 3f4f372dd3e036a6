#include "daemon/loop/worker.hpp"

#include <pthread.h>

#include <array>
#include <csignal>
#include <future>
#include <memory>
#include <stdexcept>

#include "tests/unit/loop/loop_test.hpp"

namespace syncd::loop {
namespace {

using namespace std::chrono_literals;
using coro::AsyncScope;
using coro::Cancelled;
using coro::Task;

LOOP_TEST(Worker, RunsACallOnItsOwnThreadAndResumesOnTheLoop) {
  Worker worker(loop, "a-worker");
  const auto here = std::this_thread::get_id();
  const auto there = co_await worker.call([] { return std::this_thread::get_id(); });
  EXPECT_NE(there, here);
  EXPECT_EQ(std::this_thread::get_id(), here);
}

std::string thread_name() {
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

LOOP_TEST(Worker, ShowsTheFirst15CharactersOfItsName) {
  Worker worker(loop, "postgres/app/connection");
  EXPECT_EQ(co_await worker.call(thread_name), "postgres/app/co");
}

LOOP_TEST(Worker, ReturnsWhatOnlyMovesAndNothingAtAll) {
  Worker worker(loop, "worker");
  const auto box = co_await worker.call([] { return std::make_unique<int>(7); });
  EXPECT_EQ(*box, 7);
  int seen = 0;
  co_await worker.call([&] { seen = 1; });
  EXPECT_EQ(seen, 1);
}

LOOP_TEST(Worker, ThrowsWhatTheCallThrows) {
  Worker worker(loop, "worker");
  EXPECT_THROW(co_await worker.call([] { throw std::runtime_error("broken"); }), std::runtime_error);
  EXPECT_EQ(co_await worker.call([] { return 1; }), 1) << "and goes on";
}

Task<> call_and_note(Worker& worker, std::vector<int>& started, int what) {
  co_await worker.call([&] { started.push_back(what); });
}

LOOP_TEST(Worker, RunsItsCallsInOrder) {
  Worker worker(loop, "worker");
  std::vector<int> started;
  AsyncScope scope;
  std::vector<int> expected;
  for (int i = 0; i < 500; ++i) {
    scope.spawn(call_and_note(worker, started, i));
    expected.push_back(i);
  }
  co_await scope.join();
  EXPECT_EQ(started, expected);
}

Task<> set_soon(Clock& clock, std::promise<void>& promise) {
  co_await sleep_for(clock, 1ms);
  promise.set_value();
}

LOOP_TEST(Worker, LeavesTheLoopAliveWhileACallBlocks) {
  Worker worker(loop, "worker");
  std::promise<void> released;
  AsyncScope scope;
  scope.spawn(set_soon(loop, released));
  const auto status = co_await worker.call([&] { return released.get_future().wait_for(20s); });
  EXPECT_EQ(status, std::future_status::ready);
  co_await scope.join();
}

Task<> meet(Worker& worker, std::promise<void>& mine, std::future<void> other, bool& met) {
  met = co_await worker.call([&] {
    mine.set_value();
    return other.wait_for(20s) == std::future_status::ready;
  });
}

LOOP_TEST(Worker, WorksBesideAnotherOne) {
  Worker left(loop, "left");
  Worker right(loop, "right");
  std::promise<void> left_in;
  std::promise<void> right_in;
  bool left_met = false;
  bool right_met = false;
  AsyncScope scope;
  scope.spawn(meet(left, left_in, right_in.get_future(), left_met));
  scope.spawn(meet(right, right_in, left_in.get_future(), right_met));
  co_await scope.join();
  EXPECT_TRUE(left_met && right_met);
}

Task<> blocking_call(Worker& worker, std::promise<void>& started, std::promise<void>& release, int& got) {
  got = co_await worker.call([&] {
    started.set_value();
    release.get_future().wait();
    return 42;
  });
}

LOOP_TEST(Worker, KeepsAStoppedCallersFrameUntilItsCallIsDone) {
  Worker worker(loop, "worker");
  std::promise<void> started;
  std::promise<void> release;
  int got = 0;
  AsyncScope scope;
  scope.spawn(blocking_call(worker, started, release, got));
  started.get_future().wait();
  scope.request_stop();
  co_await test::turns(loop);
  EXPECT_EQ(scope.running(), 1U);
  release.set_value();
  co_await scope.join();
  EXPECT_EQ(got, 42);
}

LOOP_TEST(Worker, FinishesItsQueueWhenItGoes) {
  auto worker = std::make_unique<Worker>(loop, "worker");
  std::promise<void> started;
  std::promise<void> release;
  int got = 0;
  std::vector<int> noted;
  AsyncScope scope;
  scope.spawn(blocking_call(*worker, started, release, got));
  scope.spawn(call_and_note(*worker, noted, 1));
  started.get_future().wait();
  release.set_value();
  worker.reset();
  co_await scope.join();
  EXPECT_EQ(got, 42);
  EXPECT_EQ(noted, std::vector<int>{1});
}

bool blocks_sigterm() {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, SIGTERM) == 1;
}

LOOP_TEST(Worker, LeavesSignalsToTheLoopsThread) {
  Worker worker(loop, "worker");
  EXPECT_TRUE(co_await worker.call(blocks_sigterm));
  EXPECT_FALSE(blocks_sigterm());
}

}  // namespace
}  // namespace syncd::loop
