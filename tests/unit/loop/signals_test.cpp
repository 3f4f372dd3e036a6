#include "daemon/loop/signals.hpp"

#include <csignal>

#include "daemon/coro/signal.hpp"
#include "tests/unit/loop/loop_test.hpp"

namespace syncd::loop {
namespace {

LOOP_TEST(Signals, CallsItsHandlerOnTheLoopForEachOfItsNumbers) {
  std::vector<int> caught;
  coro::Signal arrived(loop);
  const Signals signals(loop, {SIGUSR1, SIGUSR2}, [&](int number) {
    caught.push_back(number);
    arrived.notify();
  });
  for (const int number : {SIGUSR2, SIGUSR1}) {
    ::kill(::getpid(), number);
    EXPECT_EQ(caught.size() + 1, number == SIGUSR2 ? 1U : 2U) << "the handler ran outside the loop";
    co_await arrived.wait();
  }
  EXPECT_EQ(caught, (std::vector<int>{SIGUSR2, SIGUSR1}));
}

LOOP_TEST(Signals, AreIgnoredOnceTheyHaveGone) {
  int caught = 0;
  std::make_unique<Signals>(loop, std::initializer_list<int>{SIGUSR1}, [&](int) { ++caught; }).reset();
  ::kill(::getpid(), SIGUSR1);
  co_await test::turns(loop);
  EXPECT_EQ(caught, 0) << "and we live";
}

LOOP_TEST(Signals, MayBeDroppedByTheirOwnHandler) {
  int caught = 0;
  coro::Signal arrived(loop);
  std::unique_ptr<Signals> signals;
  const std::initializer_list<int> numbers = {SIGUSR1};
  signals = std::make_unique<Signals>(loop, numbers, [&](int) {
    ++caught;
    signals.reset();
    arrived.notify();
  });
  ::kill(::getpid(), SIGUSR1);
  co_await arrived.wait();
  EXPECT_EQ(caught, 1);
}

}  // namespace
}  // namespace syncd::loop
