// The occurrences of random expressions around the clock changes of every zone, against a scan of every
// minute (or second) of the C library's wall clock.
#include <gtest/gtest.h>

#include <set>

#include "config/duration.hpp"
#include "daemon/schedule/occurrence.hpp"
#include "daemon/schedule/zones.hpp"
#include "tests/unit/schedule/libc_clock.hpp"
#include "tests/unit/schedule/random_cron.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

// A stretch of wall time, one entry a step, played as a cron daemon sees it pass.
class Scan {
 public:
  Scan(const LibcClock& clock, std::time_t begin, std::time_t end, std::time_t step)
      : begin_(begin), step_(step) {
    for (std::time_t at = begin; at < end; at += step) local_.push_back(clock.local(at));
  }

  // The first occurrence after `after`, which leaves out the first two days: what the clock showed then is
  // needed to know what it shows again.
  std::optional<std::time_t> next(const RandomCron& cron, std::time_t after) const {
    std::time_t latest = local_.front();
    std::time_t at = begin_;
    for (const std::time_t local : local_) {
      bool due = cron.any_hour() && cron.matches(local);
      // What the clock shows for the first time, or has passed since the last step.
      for (; latest < local; latest += step_) {
        if (!cron.any_hour() && !due && at > after) due = cron.matches(latest + step_);
      }
      if (due && at > after) return at;
      at += step_;
    }
    return std::nullopt;
  }

 private:
  std::time_t begin_;
  std::time_t step_;
  std::vector<std::time_t> local_;
};

class OccurrenceOracle : public ::testing::Test {
 protected:
  void SetUp() override {
    if (names_.empty()) GTEST_SKIP() << "the package tzdata is not installed";
  }
  static Instant at(std::time_t time) { return Instant(seconds(time)); }

  // An instant within [first, last], most often a change of the clock, on a whole step.
  std::time_t centre(const Zone& zone, Instant first, Instant last, std::time_t step) {
    const auto span = static_cast<std::uint64_t>((last - first).count());
    const Instant anywhere = first + seconds(std::uniform_int_distribution<std::uint64_t>(0, span)(random_));
    const Instant change = zone.period_at(anywhere).end;
    const auto chosen = (change < last ? change : anywhere).time_since_epoch().count();
    return chosen - chosen % step;
  }
  std::time_t near(std::time_t centre, std::time_t distance, std::time_t step) {
    return centre +
           std::uniform_int_distribution<std::time_t>(-distance / step, distance / step)(random_) * step;
  }
  void compare(const RandomCron& oracle, const Zone& zone, const Scan& scan, std::time_t after,
               std::time_t end) {
    std::optional<Cron> cron;
    try {
      cron = Cron::parse(oracle.text());
    } catch (const config::ValueError&) {
      return;  // never occurs: another test
    }
    const auto next = next_occurrence(*cron, zone, at(after));
    const auto expected = scan.next(oracle, after);
    ++compared_;
    found_ += expected ? 1 : 0;
    if (expected) {
      ASSERT_EQ(next, at(*expected)) << oracle.text() << " in " << zone.name() << " after " << after;
    } else if (next) {
      ASSERT_GE(*next, at(end)) << oracle.text() << " in " << zone.name() << " after " << after;
    }
  }

  Zones zones_;
  std::vector<std::string> names_ = zones_.names();
  std::mt19937 random_{2026};
  int compared_ = 0;
  int found_ = 0;
};

TEST_F(OccurrenceOracle, TenThousandExpressionsInEveryZoneMinuteByMinute) {
  constexpr std::time_t kDay = 86'400;
  std::set<std::string> zones_left(names_.begin(), names_.end());
  for (std::size_t i = 0; compared_ < 10'000 || !zones_left.empty(); ++i) {
    const std::string& name = names_[i % names_.size()];
    zones_left.erase(name);
    const Zone zone = zones_.get(name);
    const LibcClock clock(name);
    // Since 1973 all clocks are whole minutes from UTC.
    const std::time_t middle = centre(zone, sys_days(year(1973) / 1 / 1), sys_days(year(2100) / 1 / 1), 60);
    const std::time_t end = middle + 4 * kDay;
    const Scan scan(clock, middle - 3 * kDay, end, 60);
    for (int n = 0; n < 9; ++n) {
      const RandomCron oracle(random_, {});
      const std::time_t after = near(middle, n % 2 == 0 ? kDay : 2 * 3600, 60);
      ASSERT_NO_FATAL_FAILURE(compare(oracle, zone, scan, after, end));
    }
  }
  EXPECT_GE(found_, compared_ / 2);
}

TEST_F(OccurrenceOracle, SecondsInEveryZoneAndAllOfHistory) {
  for (const std::string& name : names_) {
    const Zone zone = zones_.get(name);
    const LibcClock clock(name);
    const std::time_t middle = centre(zone, sys_days(year(1850) / 1 / 1), sys_days(year(2100) / 1 / 1), 1);
    const std::time_t end = middle + 2 * 3600;
    const Scan scan(clock, middle - 2 * 3600, end, 1);
    for (int i = 0; i < 4; ++i) {
      const RandomCron oracle(random_, {.seconds = i % 2 == 0, .every_day = true});
      ASSERT_NO_FATAL_FAILURE(compare(oracle, zone, scan, near(middle, 1000, 1), end));
    }
  }
  EXPECT_GE(found_, compared_ / 4);
}

}  // namespace
}  // namespace syncd::schedule
