#include "jobs/plan.hpp"

#include <gtest/gtest.h>

#include "config/load.hpp"
#include "tests/unit/config/config_test.hpp"

namespace syncd::jobs {
namespace {

using namespace std::chrono_literals;

// A job with these lines of its own, beside a source and a sink that are well.
std::string job(const std::string& name, const std::string& lines) {
  return "[jobs." + name + "]\n" + lines + "[jobs." + name +
         ".source]\ntype = 'postgres_table'\nconnection = 'app'\ntable = 't'\ncolumns = ['id']\ncursor = "
         "['id']\n[jobs." +
         name + ".sink]\ntype = 'redis_hash'\nconnection = 'cache'\nkey = 'k:{id}'\n";
}

class PlanTest : public ::testing::Test {
 protected:
  std::map<std::string, JobPlan> plan(const std::string& text) {
    const std::string file =
        folder_.write("syncd.toml", text +
                                        "[connections.app]\ntype = 'postgres'\nuri = 'postgresql:///x'\n"
                                        "[connections.cache]\ntype = 'redis'\nuri = 'redis://h'\n");
    config::Findings findings;
    config::Config config = config::load(file, findings);
    auto plans = plan_jobs(config);
    errors_ = findings.text();
    for (auto at = errors_.find(file); at != std::string::npos; at = errors_.find(file))
      errors_.erase(at, file.size());
    return plans;
  }

  config::Folder folder_;
  std::string errors_;  // without the name of the file
};

TEST_F(PlanTest, TheZoneOfAJobComesBeforeTheDaemons) {
  const auto plans = plan("[daemon]\ntime_zone = 'Europe/Paris'\n" + job("a", "schedule = '@daily'\n") +
                          job("b", "schedule = '@daily'\ntime_zone = 'Asia/Tokyo'\n"));
  ASSERT_EQ(errors_, "");
  EXPECT_EQ(plans.at("a").schedule.zone().name(), "Europe/Paris");
  EXPECT_EQ(plans.at("b").schedule.zone().name(), "Asia/Tokyo");
}

TEST_F(PlanTest, TheSystemsZoneCountsWhereNoneIsWritten) {
  const config::Variable variable("TZ", "Asia/Kathmandu");
  const auto plans = plan(job("a", "schedule = '@daily'\n"));
  ASSERT_EQ(errors_, "");
  EXPECT_EQ(plans.at("a").schedule.zone().name(), "Asia/Kathmandu");
}

TEST_F(PlanTest, AnUnknownZoneIsToldOnceWhereItWasWritten) {
  const auto plans =
      plan("[daemon]\ntime_zone = 'Europe/Pairs'\n" + job("a", "schedule = '@daily'\n") +
           job("b", "schedule = '@daily'\n") + job("c", "schedule = '@daily'\ntime_zone = 'Asia/Tokio'\n"));
  EXPECT_EQ(errors_,
            ":2:1: unknown time zone 'Europe/Pairs'; did you mean 'Europe/Paris'?\n"
            ":29:1: unknown time zone 'Asia/Tokio'; did you mean 'Asia/Tokyo'?");
  EXPECT_TRUE(plans.empty());
}

TEST_F(PlanTest, TheDaemonsZoneIsCheckedEvenIfNoJobNeedsIt) {
  plan("[daemon]\ntime_zone = 'Europe/Pairs'\n" + job("a", "schedule = 'every 30s'\n"));
  EXPECT_EQ(errors_, ":2:1: unknown time zone 'Europe/Pairs'; did you mean 'Europe/Paris'?");
}

TEST_F(PlanTest, ABrokenSystemZoneMattersOnlyToWallTimes) {
  const config::Variable variable("TZ", "CET-1CEST");
  const auto plans = plan(job("a", "schedule = 'every 30s'\n") + job("b", "schedule = '@daily'\n"));
  EXPECT_EQ(plans.size(), 1U);
  EXPECT_EQ(errors_.find(":14:1: the variable TZ: unknown time zone 'CET-1CEST'"), 0U) << errors_;
}

TEST_F(PlanTest, AZoneWithoutEffectIsRefused) {
  plan(job("a", "schedule = 'every 30s'\ntime_zone = 'Asia/Tokyo'\n"));
  EXPECT_EQ(errors_, ":3:1: 'time_zone' has no effect on the schedule 'every 30s'; remove it");
}

TEST_F(PlanTest, TheScheduleAndItsZoneAreBothTold) {
  plan(job("a", "schedule = 'cron 0 25 * * *'\ntime_zone = 'Asia/Tokio'\n"));
  EXPECT_EQ(errors_,
            ":2:1: 'schedule': hour: found '25'; write 0 to 23\n"
            ":3:1: unknown time zone 'Asia/Tokio'; did you mean 'Asia/Tokyo'?");
}

TEST_F(PlanTest, UpsertsMayRepeatAndInsertsMustNot) {
  const auto table_to_table = [](const std::string& name, const std::string& source,
                                 const std::string& sink) {
    return "[jobs." + name + "]\nschedule = '@daily'\n[jobs." + name +
           ".source]\ntype = 'postgres_table'\nconnection = 'app'\ntable = 't'\ncolumns = ['id']\n" +
           "cursor = ['id']\n" + source + "[jobs." + name +
           ".sink]\ntype = 'postgres_table'\nconnection = 'app'\ntable = 'u'\n" + sink;
  };
  const auto plans = plan(table_to_table("inserts", "", "") +
                          table_to_table("upserts", "fence = 'reread'\n", "key = 'id'\n"));
  EXPECT_EQ(errors_, "");
  EXPECT_FALSE(plans.at("inserts").repeats_harmlessly);
  EXPECT_TRUE(plans.at("upserts").repeats_harmlessly);
  plan(table_to_table("a", "fence = 'reread'\n", "key = []\n") +
       table_to_table("b", "fence = 'reread'\n", "key = 7\n"));
  EXPECT_EQ(errors_,
            ":9:1: \"reread\" delivers rows twice, and this sink's writes must not repeat: use \"hold\"\n"
            ":23:1: \"reread\" delivers rows twice, and this sink's writes must not repeat: use \"hold\"\n"
            ":28:7: 'key' must be a list of strings, found an integer");
}

TEST_F(PlanTest, OneMistakeIsOneFinding) {
  plan(
      "[jobs.a]\nsource = { type = 'postgres_table', connection = 7, columns = ['id', 'name'] }\n"
      "[jobs.a.sink]\ntype = 'redis_hash'\nconnection = 'cache'\nkey = 'k:{id'\n"
      "delete_if = { field = 'id', is_nul = true }\n"
      "[jobs.b]\nschedule = 5\nsource = { type = 7 }\nsink = { typ = 'redis_hash' }\n");
  EXPECT_EQ(errors_,
            ":1:1: required key 'schedule' is missing in [jobs.a]\n"
            ":2:10: required key 'table' is missing in [jobs.a.source]\n"
            ":2:10: required key 'cursor' is missing in [jobs.a.source]\n"
            ":2:37: 'connection' must be a string, found an integer\n"
            ":6:1: 'key': '{' at 3 is never closed; write {{ for a brace\n"
            ":7:29: unknown key 'is_nul'; did you mean 'is_null'?\n"
            ":9:1: 'schedule' must be a string, found an integer\n"
            ":10:12: 'type' must be a string, found an integer\n"
            ":11:8: required key 'type' is missing in [jobs.b.sink]");
}

TEST_F(PlanTest, AMistakeAboutFilesHidesNoOther) {
  plan(
      "[jobs.a]\nschedule = 'continuous'\n"
      "[jobs.a.source]\ntype = 'files'\npaths = '['\nmode = 'read'\ncolumns = ['line', 'lin']\n"
      "multiline = { starts = '^a', ends = 'b$' }\npoll = '1'\n"
      "[[jobs.a.transforms]]\ntype = 'parse_regex'\nfield = 'nothing'\n"
      "[jobs.a.sink]\ntype = 'file'\npath = 'x/'\nrotated_name = 'y'\nformat = 'raw'\nheader = true\n"
      "[jobs.b]\nschedule = '@daily'\n[jobs.b.source]\ntype = 'files'\npaths = 'x'\n"
      "[[jobs.b.transforms]]\ntype = 'parse_csv'\ncolumns = ['a', 'b']\ndelimiter = ';;'\nfield = 'lin'\n"
      "types = { c = 'number' }\n"
      "[[jobs.b.transforms]]\ntype = 'parse_json'\nfields = 7\nfield = 'anything'\n"
      "[jobs.b.sink]\ntype = 'stdout'\nheader = 1\nfields = ['z']\n");
  EXPECT_EQ(errors_,
            ":5:1: 'paths' has '[', which has a [ without its ]\n"
            ":6:1: \"read\" comes to an end, and the job is continuous: use \"follow\", or another schedule\n"
            ":7:1: unknown column 'lin'; did you mean 'line'?\n"
            ":8:1: needs exactly one of starts, continues, ends, joins\n"
            ":9:1: 'poll': found '1'; write a duration with a unit (ns us ms s m h d w), such as \"30s\" or "
            "\"1h30m\"\n"
            ":10:1: parse_regex needs either pattern or format\n"
            ":15:1: 'path' must name a file, not a folder\n"
            ":16:1: 'rotated_name' must hold {time}, or one file would take the place of another\n"
            ":18:1: 'header' has an effect on format = \"csv\" only\n"
            ":27:1: 'delimiter' must be one byte\n"
            ":28:1: unknown column 'lin'; did you mean 'line'?\n"
            ":29:1: unknown column 'c'; known: a, b\n"
            ":32:1: 'fields' must be a table, found an integer\n"
            ":36:1: 'header' must be a boolean (true or false), found an integer");
}

TEST_F(PlanTest, NobodyWritesIntoHisOwnSource) {
  const auto errors_of = [this](const std::string& source, const std::string& sink) {
    plan("[jobs.a]\nschedule = 'continuous'\n[jobs.a.source]\ntype = 'files'\n" + source +
         "\n[jobs.a.sink]\ntype = 'file'\n" + sink + "\n");
    return errors_;
  };
  const std::string remedy =
      ", which this sink writes: let its `exclude` name it, or write to another folder";
  EXPECT_EQ(errors_of("paths = ['/in/*']", "path = '/in/out'"),
            ":8:1: the source of this job would read /in/out" + remedy);
  EXPECT_EQ(errors_of("paths = ['/in/*']\nexclude = ['out']", "path = '/in/out'"),
            ":9:1: the source of this job would read /in/out.syncd" + remedy);
  EXPECT_EQ(errors_of("paths = ['/in/*']\nexclude = ['out*']", "path = '/in/out'"), "");
  EXPECT_EQ(errors_of("paths = ['/in/*.log*']", "path = '/in/out'\nrotate_bytes = '1MiB'"), "");
  EXPECT_EQ(errors_of("paths = ['/in/*.log*']",
                      "path = '/in/out'\nrotate_bytes = '1MiB'\nrotated_name = 'out.log.{time}'"),
            ":8:1: the source of this job would read /in/out.log.20260101T000000Z" + remedy);
  EXPECT_EQ(errors_of("paths = []", "path = '/in/out'"), ":5:1: 'paths' must name at least one file");
}

TEST_F(PlanTest, AMistakeHidesNoOther) {
  plan(
      "[jobs.a]\nschedule = 'every 30 parsecs'\n"
      "[jobs.a.source]\ntype = 'postgres_table'\nconnection = 'cache'\ntable = 't'\ncolumns = ['id', "
      "'id']\n"
      "cursor = []\nbatch_row = 5\nlate_commits = 'fense'\n"
      "[[jobs.a.transforms]]\ntype = 'filter'\nkep_if = 1\nkeep_if = { field = 'idd', matches = '(' }\n"
      "[[jobs.a.transforms]]\ntype = 'rename'\nfields = { x = 'y' }\nmore = 1\n"
      "[jobs.a.sink]\ntype = 'redis_stream'\nconnection = 'cash'\nkey = '{'\nfields = 'name'\nttl = '5'\n");
  const std::string unit = "write a duration with a unit (ns us ms s m h d w), such as \"30s\" or \"1h30m\"";
  EXPECT_EQ(errors_, ":2:1: 'schedule': found '30 parsecs'; " + unit +
                         "\n"
                         ":5:1: connection 'cache' is of type 'redis', 'postgres' is needed; known: app\n"
                         ":7:1: 'columns' names 'id' twice\n"
                         ":8:1: 'cursor' must name at least one column\n"
                         ":9:1: unknown key 'batch_row'; did you mean 'batch_rows'?\n"
                         ":10:1: unknown late_commits 'fense'; did you mean 'fence'?\n"
                         ":13:1: unknown key 'kep_if'; did you mean 'keep_if'?\n"
                         ":14:1: 'keep_if' matches: missing closing parenthesis (at 2)\n"
                         ":14:13: unknown column 'idd'; did you mean 'id'?\n"
                         ":17:1: unknown column 'x'; known: id\n"
                         ":18:1: unknown key 'more'; known: fields, type\n"
                         ":21:1: unknown redis connection 'cash'; known: cache\n"
                         ":22:1: 'key': '{' at 1 is never closed; write {{ for a brace\n"
                         ":24:1: 'ttl': found '5'; " +
                         unit);
}

TEST_F(PlanTest, ThePoliciesOfAJobReachTheScheduler) {
  const auto plans = plan("[groups.reports]\nmax_running = 2\n" + job("b", "schedule = '@daily'\n") +
                          job("a",
                              "schedule = '@hourly'\noverlap = 'queue'\ncatch_up = 'all:3'\n"
                              "catch_up_window = '2h'\nstart_deadline = '10m'\ngroup = 'reports'\n"
                              "needs = ['b']\npause_on_failures = 4\njitter = '5m'\n"));
  ASSERT_EQ(errors_, "");
  const schedule::Settings settings = plans.at("a").scheduling();
  EXPECT_EQ(settings.overlap, config::Overlap::kQueue);
  EXPECT_EQ(settings.catch_up.most, 3U);
  EXPECT_EQ(settings.catch_up.window, 2h);
  EXPECT_EQ(settings.start_deadline, 10min);
  EXPECT_EQ(settings.group, "reports");
  EXPECT_EQ(settings.needs, std::vector<std::string>{"b"});
  EXPECT_EQ(settings.pause_on_failures, 4U);
  EXPECT_LE(settings.jitter, 5min);
  EXPECT_EQ(plans.at("b").scheduling().catch_up.most, 1U) << "the default is one";
}

TEST_F(PlanTest, NeedsThatCannotBeMetAreRefused) {
  plan(job("always", "schedule = 'continuous'\n") +
       job("a", "schedule = '@daily'\nneeds = ['alwais', 'always']\n"));
  EXPECT_NE(errors_.find("'needs': unknown job 'alwais'; did you mean 'always'?"), std::string::npos)
      << errors_;
  EXPECT_NE(errors_.find("'needs': always runs continuously, so it is never done"), std::string::npos)
      << errors_;
}

TEST_F(PlanTest, ACircleOfNeedsIsRefusedWithItsWay) {
  plan(job("a", "schedule = '@daily'\nneeds = ['b']\n") + job("b", "schedule = '@daily'\nneeds = ['c']\n") +
       job("c", "schedule = '@daily'\nneeds = ['a']\n"));
  EXPECT_NE(errors_.find("'needs' goes in a circle: a -> b -> c -> a"), std::string::npos) << errors_;
}

TEST_F(PlanTest, WrongPoliciesAreRefused) {
  plan(job("a", "schedule = 'continuous'\ngroup = 'reports'\n") +
       job("b", "schedule = '@daily'\ncatch_up = 'all'\n") +
       job("c", "schedule = '@daily'\ngroup = 'A b'\n"));
  EXPECT_NE(errors_.find("'group': a job that runs continuously would never"), std::string::npos) << errors_;
  EXPECT_NE(errors_.find("'catch_up': found 'all'; write \"none\", \"one\", or \"all:N\""), std::string::npos)
      << errors_;
  EXPECT_NE(errors_.find("'group' is written like the name of a job"), std::string::npos) << errors_;
}

}  // namespace
}  // namespace syncd::jobs
