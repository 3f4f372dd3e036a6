// What must hold whatever happens: a year of a hundred jobs, and thousands of seeds of random trouble.
//
// SYNCD_SEEDS=10000 runs that many; SYNCD_SEED=N only that one, or that many from it on.
#include "tests/unit/schedule/simulation.hpp"

#include <cstdlib>

#include "daemon/base/log.hpp"

namespace syncd::schedule {
namespace {

using namespace std::chrono_literals;
using test::SimulatedJob;
using test::World;

Settings random_settings(World& world) {
  static const std::vector<std::string> schedules = {"every 10m",          "every 1h", "cron */20 * * * *",
                                                     "cron 30 2 * * *",    "@hourly",  "after 15m",
                                                     "at 2026-03-01 05:00"};
  Settings settings(Schedule::parse(schedules[static_cast<std::size_t>(world.draw(6))]));
  settings.overlap = static_cast<Overlap>(world.draw(2));
  settings.catch_up.most = static_cast<std::uint32_t>(world.draw(3));
  settings.catch_up.window = world.chance(2) ? Duration(6h) : Duration(0);
  if (world.chance(3)) settings.start_deadline = 10min;
  if (world.chance(3)) settings.jitter = std::chrono::seconds(world.draw(300));
  if (world.chance(3)) settings.group = "group";
  if (world.chance(6)) settings.pause_on_failures = 3;
  return settings;
}

// Every occurrence of a time of the day in (from, until], which the world has lived through or slept over.
void each_has_its_row(World& world, const SimulatedJob& job, WallTime from, WallTime until) {
  const auto& rows = world.history.rows[job.name];
  for (auto at = job.settings.schedule.next_after(from); at && *at <= until;
       at = job.settings.schedule.next_after(*at)) {
    const auto covers = [&](const RunRecord& row) {
      return row.cause <= Cause::CatchUp && row.planned <= *at + 1ms &&
             row.until.value_or(row.planned) >= *at;
    };
    if (std::none_of(rows.begin(), rows.end(), covers)) {
      world.wrong.push_back(job.name + ": no row for " + rfc3339(*at));
    }
  }
}

class Trouble {
 public:
  explicit Trouble(std::uint64_t seed) : world_(seed) {
    const int jobs = 1 + world_.draw(5);
    if (world_.chance(2)) world_.limits.max_running = static_cast<std::uint32_t>(1 + world_.draw(2));
    for (int i = 0; i < jobs; ++i) {
      Settings settings = random_settings(world_);
      if (i > 0 && world_.chance(4)) settings.needs = {"job" + std::to_string(world_.draw(i - 1))};
      world_.add_job("job" + std::to_string(i), std::move(settings));
    }
  }

  // Two days, in steps; then everything that is due gets its time.
  std::vector<std::string> run() {
    const WallTime begin = world_.clock.wall_now();
    WallTime latest = begin;
    world_.start();
    for (int step = 0; step < 40; ++step) {
      something_happens();
      latest = std::max(latest, world_.clock.wall_now());
    }
    if (!world_.up()) world_.start();
    if (world_.clock.wall_now() < latest) world_.set_clock(latest);
    world_.trouble = 1'000'000;
    for (auto& job : world_.jobs()) world_.scheduler().resume(job.name);
    world_.history.pauses.clear();
    world_.advance(48h);
    for (const SimulatedJob& job : world_.jobs()) check(job, begin, latest);
    return world_.wrong;
  }

 private:
  void something_happens() {
    world_.advance(std::chrono::minutes(world_.draw(120)));
    if (!world_.up()) return world_.start();
    auto job = std::next(world_.jobs().begin(), world_.draw(static_cast<int>(world_.jobs().size()) - 1));
    switch (world_.draw(6)) {
      case 0:
        return world_.kill();
      case 1:
        return world_.set_clock(world_.clock.wall_now() + std::chrono::minutes(world_.draw(600) - 300));
      case 2:
        world_.scheduler().trigger(job->name);
        break;
      case 3: {
        const std::string why = "maintenance";
        if (world_.chance(2)) world_.history.pauses[job->name] = why;
        if (world_.paused_reason(job->name)) world_.scheduler().pause(job->name, why);
        break;
      }
      case 4:
        world_.history.pauses.erase(job->name);
        world_.scheduler().resume(job->name);
        break;
      case 5:
        reload(*job);
        break;
      default:
        break;
    }
    world_.settle();
  }

  // Other policies, the same schedule: what it owes stays the same.
  void reload(SimulatedJob& job) {
    Settings settings = random_settings(world_);
    settings.schedule = job.settings.schedule;
    settings.group = job.settings.group;
    job.settings = settings;
    world_.scheduler().update(job.name, settings);
  }

  void check(const SimulatedJob& job, WallTime begin, WallTime latest) {
    each_has_its_row(world_, job, begin, latest);
    for (const RunRecord& row : world_.history.rows[job.name]) {
      if (row.outcome == "interrupted") world_.wrong.push_back(job.name + ": interrupted and never resumed");
    }
    std::uint64_t caught_up = 0;
    for (const RunRecord& row : world_.history.rows[job.name])
      caught_up += row.cause == Cause::CatchUp && row.ran() ? 1U : 0U;
    // At most three at each of the at most forty times at which something was missed.
    if (caught_up > 3 * 41) world_.wrong.push_back(job.name + ": caught up without bounds");
  }

  World world_;
};

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Simulation : public ::testing::Test {
 protected:
  Simulation() { log::set_level(log::Level::Error); }
};

TEST_F(Simulation, WhateverHappensNoOccurrenceStartsTwiceOrIsForgotten) {
  const std::uint64_t only = number_of("SYNCD_SEED", 0);
  const std::uint64_t first = only == 0 ? 1 : only;
  const std::uint64_t seeds = number_of("SYNCD_SEEDS", only == 0 ? 100 : 1);
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const auto wrong = Trouble(seed).run();
    ASSERT_TRUE(wrong.empty()) << "seed " << seed << ": " << wrong.front() << " and " << wrong.size() - 1
                               << " more";
  }
}

TEST_F(Simulation, AYearOfAHundredJobs) {
  World world(1);
  world.trouble = 50;
  std::uint64_t expected = 0;
  for (int i = 0; i < 100; ++i) {
    Settings settings(Schedule::parse(i % 4 == 0 ? "every 1h" : i % 4 == 1 ? "cron 0 */6 * * *" : "@daily"));
    settings.jitter = std::chrono::seconds(i);
    expected += i % 4 == 0 ? 365 * 24 : i % 4 == 1 ? 365 * 4 : 365;
    world.add_job("job" + std::to_string(i), std::move(settings));
  }
  const WallTime begin = world.clock.wall_now();
  world.start();
  world.advance(24h * 365 + 1h);
  std::uint64_t runs = 0;
  for (const SimulatedJob& job : world.jobs()) runs += job.runs;
  EXPECT_GE(runs, expected * 9 / 10);
  EXPECT_LE(runs, expected + 100 * 2);
  for (const SimulatedJob& job : world.jobs()) {
    if (job.settings.schedule.text() != "@daily") continue;
    each_has_its_row(world, job, begin, begin + 24h * 365);
  }
  EXPECT_TRUE(world.wrong.empty()) << world.wrong.front();
}

}  // namespace
}  // namespace syncd::schedule
