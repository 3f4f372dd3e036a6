#include "daemon/coro/timeout.hpp"

#include <memory>

#include "tests/unit/coro/co_test.hpp"

namespace syncd {
namespace {

using namespace std::chrono_literals;
using coro::AsyncScope;
using coro::Cancelled;
using coro::Task;
using coro::test::Events;

Task<int> answer_after(Clock& clock, Duration how_long) {
  co_await sleep_for(clock, how_long);
  co_return 42;
}

CO_TEST(WithTimeout, ReturnsAnAnswerThatComesInTime) {
  EXPECT_EQ(co_await with_timeout(clock, 10s, "asking", answer_after(clock, 9s)), 42);
  EXPECT_EQ(clock.waiting(), 0U) << "the alarm is still armed";
}

CO_TEST(WithTimeout, SaysWhatItWaitedForAndHowLong) {
  std::string text;
  try {
    (void)co_await with_timeout(clock, 30s, "asking the server", answer_after(clock, 1h));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Transient);
    text = error.what();
  }
  EXPECT_EQ(text, "asking the server: no answer within 30 s");
  EXPECT_EQ(clock.waiting(), 0U);
}

CO_TEST(WithTimeout, TakesALimitBeyondTheEndOfTimeForNone) {
  EXPECT_EQ(co_await with_timeout(clock, Duration::max(), "asking", answer_after(clock, 1h)), 42);
}

Task<int> broken() {
  throw Error(ErrorKind::Permanent, "broken");
  co_return 0;
}

CO_TEST(WithTimeout, PassesTheTasksOwnErrorOn) {
  EXPECT_THROW((void)co_await with_timeout(clock, 30s, "asking", broken()), Error);
  EXPECT_EQ(clock.waiting(), 0U);
}

Task<> ask(Clock& clock, Duration limit, Events& events) {
  try {
    (void)co_await with_timeout(clock, limit, "asking", answer_after(clock, 1h));
  } catch (const Cancelled&) {
    events.push_back("cancelled");
  } catch (const Error&) {
    events.push_back("timed out");
  }
}

CO_TEST(WithTimeout, IsCancelledByAStopFromOutside) {
  Events events;
  AsyncScope scope;
  scope.spawn(ask(clock, 30s, events));
  scope.request_stop();
  co_await scope.join();
  EXPECT_EQ(events, Events{"cancelled"});
}

CO_TEST(WithTimeout, TakesAStopAndAnAlarmAtTheSameInstantForAStop) {
  Events events;
  AsyncScope scope;
  const auto stop_at = [](Clock& on, TimePoint when, AsyncScope& target) -> Task<> {
    co_await sleep_until(on, when);
    target.request_stop();
  };
  AsyncScope stopper;
  stopper.spawn(stop_at(clock, clock.now() + 30s, scope));
  scope.spawn(ask(clock, 30s, events));
  co_await scope.join();
  EXPECT_EQ(events, Events{"cancelled"});
  co_await stopper.join();
}

CO_TEST(WithTimeout, BlamesTheLimitThatPassed) {
  std::string text;
  const TimePoint start = clock.now();
  try {
    auto inner = with_timeout(clock, 60s, "the inner", answer_after(clock, 1h));
    (void)co_await with_timeout(clock, 20s, "the outer", std::move(inner));
  } catch (const Error& error) {
    text = error.what();
  }
  EXPECT_EQ(text, "the outer: no answer within 20 s");
  EXPECT_EQ(clock.now(), start + 20s);
}

Task<int> deaf(Clock& clock) {
  try {
    co_await sleep_for(clock, 1h);
  } catch (const Cancelled&) {
  }
  co_return 7;
}

CO_TEST(WithTimeout, TakesAnAnswerThatArrivesAfterAll) {
  EXPECT_EQ(co_await with_timeout(clock, 10s, "asking", deaf(clock)), 7);
}

}  // namespace
}  // namespace syncd
