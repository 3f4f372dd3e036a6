#include "daemon/coro/clock.hpp"

#include <memory>

#include "tests/unit/coro/co_test.hpp"

namespace syncd {
namespace {

using namespace std::chrono_literals;
using coro::AsyncScope;
using coro::Cancelled;
using coro::StopScope;
using coro::Task;
using coro::test::Events;

class Noted final : public Timers::Entry {
 public:
  Noted(Events& events, std::string name) : events_(events), name_(std::move(name)) {}
  void due() override { events_.push_back(name_); }

 private:
  Events& events_;
  std::string name_;
};

TEST(Timers, FireInTheOrderOfTheirDeadlinesAndEqualOnesAsTheyWereArmed) {
  Events events;
  Timers timers;
  Noted late(events, "late");
  Noted first(events, "first");
  Noted second(events, "second");
  const TimePoint t{1h};
  timers.arm(t + 1s, late);
  timers.arm(t, first);
  timers.arm(t, second);
  timers.fire(t + 1s);
  EXPECT_EQ(events, (Events{"first", "second", "late"}));
}

TEST(Timers, FireNothingEarly) {
  Events events;
  Timers timers;
  Noted noted(events, "noted");
  const TimePoint t{1h};
  timers.arm(t, noted);
  timers.fire(t - 1ns);
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(timers.next(), t);
}

class Disarms final : public Timers::Entry {
 public:
  Disarms(Timers& timers, Timers::Slot victim) : timers_(timers), victim_(victim) {}
  void due() override { timers_.disarm(victim_); }

 private:
  Timers& timers_;
  Timers::Slot victim_;
};

TEST(Timers, MayBeDisarmedByAnotherThatFires) {
  Events events;
  Timers timers;
  Noted victim(events, "victim");
  const TimePoint t{1h};
  Disarms killer(timers, timers.arm(t, victim));
  timers.arm(t - 1s, killer);
  timers.fire(t);
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(timers.size(), 0U);
}

TEST(ManualClock, StandsStillUntilItIsAdvanced) {
  ManualClock clock;
  const TimePoint t = clock.now();
  const WallTime wall = clock.wall_now();
  EXPECT_FALSE(clock.advance_to_next());
  EXPECT_EQ(clock.now(), t);
  clock.advance(90s);
  EXPECT_EQ(clock.now(), t + 90s);
  EXPECT_EQ(clock.wall_now(), wall + 90s);
}

TEST(ManualClock, LetsTheWallClockJumpAlone) {
  ManualClock clock;
  const TimePoint t = clock.now();
  clock.set_wall(clock.wall_now() - 24h);
  EXPECT_EQ(clock.now(), t);
}

Task<> note_times(Clock& clock, std::vector<TimePoint>& into) {
  for (int i = 0; i < 3; ++i) {
    co_await sleep_for(clock, 1s);
    into.push_back(clock.now());
  }
}

TEST(ManualClock, StopsAtEachTimerOnItsWay) {
  ManualClock clock;
  AsyncScope scope;
  std::vector<TimePoint> seen;
  const TimePoint t = clock.now();
  scope.spawn(note_times(clock, seen));
  clock.advance(10s);
  EXPECT_EQ(seen, (std::vector<TimePoint>{t + 1s, t + 2s, t + 3s}));
}

CO_TEST(Sleep, LastsUntilItsInstant) {
  const TimePoint t = clock.now();
  co_await sleep_until(clock, t + 5s);
  EXPECT_EQ(clock.now(), t + 5s);
  co_await sleep_for(clock, 2s);
  EXPECT_EQ(clock.now(), t + 7s);
}

CO_TEST(Sleep, UntilThePastEndsAtTheNextTurn) {
  const TimePoint t = clock.now();
  co_await sleep_until(clock, t - 1h);
  EXPECT_EQ(clock.now(), t);
}

Task<> sleep_long(Clock& clock, Events& events) {
  try {
    co_await sleep_for(clock, 1h);
  } catch (const Cancelled&) {
    events.push_back("cancelled");
    throw;
  }
}

CO_TEST(Sleep, IsCancelledByAStopAtTheNextTurnAndNotInPlace) {
  Events events;
  AsyncScope scope;
  scope.spawn(sleep_long(clock, events));
  scope.request_stop();
  EXPECT_TRUE(events.empty()) << "its code ran below request_stop()";
  co_await scope.join();
  EXPECT_EQ(events, Events{"cancelled"});
  EXPECT_EQ(clock.waiting(), 0U);
}

CO_TEST(Sleep, ThrowsWithoutSuspendingWhenAlreadyStopped) {
  Events events;
  StopScope stopped(nullptr);
  stopped.request_stop();
  EXPECT_THROW(co_await sleep_long(clock, events).with_stop(stopped.token()), Cancelled);
  EXPECT_EQ(clock.waiting(), 0U);
}

Task<> take_turns(Clock& clock, Events& events, std::string name) {
  for (int i = 1; i <= 2; ++i) {
    events.push_back(name + std::to_string(i));
    co_await yield_to_loop(clock);
  }
}

CO_TEST(YieldToLoop, LetsTheOthersRunFirst) {
  Events events;
  AsyncScope scope;
  scope.spawn(take_turns(clock, events, "a"));
  scope.spawn(take_turns(clock, events, "b"));
  co_await scope.join();
  EXPECT_EQ(events, (Events{"a1", "b1", "a2", "b2"}));
}

// The smallest awaiter on Parked.
class Wait {
 public:
  Wait(Parked& parked, std::optional<TimePoint> deadline) : parked_(parked), deadline_(deadline) {}
  bool await_ready() const noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> h) {
    return parked_.park(h, deadline_);
  }
  bool await_resume() {
    parked_.resumed();
    return parked_.woken();
  }

 private:
  Parked& parked_;
  std::optional<TimePoint> deadline_;
};

Task<> wait_on(Parked& parked, std::optional<TimePoint> deadline, Events& events) {
  try {
    Wait wait(parked, deadline);
    const bool woken = co_await wait;
    events.push_back(woken ? "woken" : "deadline");
  } catch (const Cancelled&) {
    events.push_back("cancelled");
  }
}

class ParkedTest : public ::testing::Test {
 protected:
  void wait(std::optional<TimePoint> deadline = std::nullopt) {
    scope_.spawn(wait_on(*parked_, deadline, events_));
  }

  ManualClock clock_;
  Events events_;
  std::unique_ptr<Parked> parked_ = std::make_unique<Parked>(clock_);
  AsyncScope scope_;
};

TEST_F(ParkedTest, IsResumedAtTheNextTurnAfterWake) {
  wait();
  EXPECT_TRUE(parked_->waiting());
  parked_->wake();
  EXPECT_FALSE(parked_->waiting());
  EXPECT_TRUE(events_.empty()) << "resumed in place";
  clock_.settle();
  EXPECT_EQ(events_, Events{"woken"});
}

TEST_F(ParkedTest, IsResumedOnceHoweverOftenItIsWoken) {
  wait(clock_.now() + 1s);
  parked_->wake();
  parked_->wake();
  scope_.request_stop();
  parked_->resume_now();
  clock_.advance(1h);
  EXPECT_EQ(events_, Events{"woken"});
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(ParkedTest, IsResumedByItsDeadline) {
  wait(clock_.now() + 1s);
  clock_.advance(999ms);
  EXPECT_TRUE(events_.empty());
  clock_.advance(1ms);
  EXPECT_EQ(events_, Events{"deadline"});
}

TEST_F(ParkedTest, IsCancelledByAStop) {
  wait(clock_.now() + 1s);
  scope_.request_stop();
  clock_.settle();
  EXPECT_EQ(events_, Events{"cancelled"});
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(ParkedTest, HearsNoStopAfterItIsWoken) {
  wait();
  parked_->wake();
  scope_.request_stop();
  clock_.settle();
  EXPECT_EQ(events_, Events{"woken"});
}

TEST_F(ParkedTest, IsResumedInPlaceByResumeNow) {
  wait(clock_.now() + 1s);
  parked_->resume_now();
  EXPECT_EQ(events_, Events{"deadline"}) << "not by wake()";
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(ParkedTest, IgnoresAWakeWhenNobodyWaits) {
  parked_->wake();
  parked_->resume_now();
  EXPECT_EQ(clock_.waiting(), 0U);
}

TEST_F(ParkedTest, LeavesNoTimerBehind) {
  parked_->park(std::coroutine_handle<>(std::noop_coroutine()), clock_.now() + 1s);
  EXPECT_EQ(clock_.waiting(), 1U);
  parked_.reset();
  EXPECT_EQ(clock_.waiting(), 0U);
}

}  // namespace
}  // namespace syncd
