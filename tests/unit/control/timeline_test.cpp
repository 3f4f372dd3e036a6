// Next, History and Reload: what goes over the socket, and what syncctl makes of it.
#include <regex>
#include <set>

#include "daemon/control/commands.hpp"
#include "daemon/ctl/client.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/since.hpp"
#include "tests/support/has.hpp"
#include "tests/unit/control/fake_operations.hpp"
#include "tests/unit/control/json_keys.hpp"
#include "tests/unit/control/screen.hpp"
#include "tests/unit/coro/co_test.hpp"

namespace syncd::control {
namespace {

using ctl::test::kNow;
using ctl::test::look;
using syncd::test::has;
using test::FakeOperations;
using test::keys_of;

class TimelineTest : public ::testing::Test, private Progress {
 protected:
  Reply call(const std::string& method, Json parameters = Json::object()) {
    Call made;
    made.method = "io.syncd.Manager." + method;
    made.parameters = std::move(parameters);
    Reply reply;
    const auto keep = [](Commands& all, const Call& one, Progress& to, Reply& into) -> coro::Task<> {
      into = co_await all.answer(one, Role::Operate, to);
    };
    coro::test::run(clock_, keep(commands_, made, *this, reply));
    return reply;
  }

  ManualClock clock_;
  FakeOperations operations_{clock_};
  Commands commands_{clock_, operations_};

 private:
  coro::Task<> send(Json) override { co_return; }
};

void declares(const std::string& type, const Json& json) {
  const std::string text(interface_description(kInterface));
  const std::size_t begin = text.find("type " + type + " (");
  ASSERT_NE(begin, std::string::npos) << type;
  const std::string body = text.substr(begin, text.find("\n)", begin) - begin);
  std::set<std::string> members;
  const std::regex member(R"(\n  ([a-z_]+): )");
  for (std::sregex_iterator at(body.begin(), body.end(), member), end; at != end; ++at)
    members.insert((*at)[1]);
  EXPECT_EQ(members, keys_of(json)) << type;
}

TEST_F(TimelineTest, NextShowsWhenWhereAndWhyNot) {
  operations_.coming.occurrences.push_back(
      {"users", kNow + std::chrono::seconds(12), "2026-03-29 03:00:00 +02:00", "Europe/Paris",
       "02:30 does not exist on 2026-03-29 in Europe/Paris, runs 03:00"});
  operations_.coming.without.push_back({"orders", "paused: \x1b[31mmigration"});
  const Json reply = call("Next").parameters;
  declares("Occurrence", reply["occurrences"][0]);
  declares("WithoutOccurrence", reply["without"][0]);
  const std::string shown = ctl::coming(reply, look());
  EXPECT_TRUE(has(shown, "in 12 s")) << shown;
  EXPECT_TRUE(has(shown, "2026-03-29 03:00:00 +02:00  Europe/Paris  users")) << shown;
  EXPECT_TRUE(has(shown, "\n    02:30 does not exist on 2026-03-29")) << shown;
  EXPECT_TRUE(has(shown, "orders: paused: \\x1b[31mmigration")) << shown;
  EXPECT_EQ(ctl::coming(Json::object(), look()), "no jobs are configured\n");
}

HistoryEntry entry(const std::string& outcome) {
  HistoryEntry made;
  made.id = 7;
  made.job = "users";
  made.planned = kNow;
  made.cause = "schedule";
  made.outcome = outcome;
  return made;
}

TEST_F(TimelineTest, HistoryShowsRunsAndWhatDidNotRun) {
  HistoryEntry ran = entry("failed");
  ran.started = kNow + std::chrono::seconds(2);
  ran.ended = kNow + std::chrono::seconds(5);
  ran.reason = "no table \x1b[2J";
  ran.attempts = 3;
  ran.rows = 1234;
  ran.bytes = 2048;
  ran.position_before[""] = "a";
  HistoryEntry skipped = entry("skipped");
  skipped.reason = "still running since 01:58";
  skipped.occurrences = 12;
  skipped.until = kNow + std::chrono::hours(1);
  operations_.entries = {ran, skipped};
  const Json reply = call("History").parameters;
  declares("HistoryEntry", reply["entries"][0]);
  EXPECT_EQ(reply["entries"][1]["started_us"], nullptr);
  EXPECT_EQ(reply["entries"][0]["position_before"][""], "a");
  const std::string shown = ctl::history(reply, look());
  const std::regex first(
      R"(2025-12-18 00:00:00Z  users +failed +2\.0 s +3\.0 s +1,234 +2\.0 KiB +3 +schedule\n)");
  EXPECT_TRUE(std::regex_search(shown, first)) << shown;
  EXPECT_TRUE(has(shown, "\n    no table \\x1b[2J\n")) << shown;
  const std::regex second(
      R"(users +skipped x12 +- +- +- +- +- +schedule\n    still running since 01:58 \(until 2025-12-18 01:00:00Z\)\n)");
  EXPECT_TRUE(std::regex_search(shown, second)) << shown;
  EXPECT_EQ(ctl::history(Json::object(), look()), "nothing in the history\n");
}

TEST_F(TimelineTest, ReloadShowsTheDifference) {
  Difference& difference = operations_.difference;
  difference.jobs.added.push_back({"new", {}, false});
  difference.jobs.removed.push_back({"old", {}, true});
  difference.jobs.changed.push_back({"users", {"schedule", "sink.ttl"}, true});
  difference.jobs.unchanged = 2;
  difference.connections.changed.push_back({"cache", {"uri"}, false});
  difference.settings.emplace_back("daemon.drain_timeout");
  difference.restart.emplace_back("daemon.state_dir");
  const Json reply = call("Reload").parameters;
  declares("Items", reply["jobs"]);
  declares("Item", reply["jobs"]["changed"][0]);
  EXPECT_EQ(ctl::difference(reply, false, look()),
            "~ connection cache (uri)\n"
            "+ new\n"
            "- old: the run under way ends first\n"
            "~ users (schedule, sink.ttl): the run under way ends as it was configured\n"
            "~ daemon.drain_timeout\n"
            "~ daemon.state_dir: takes effect when syncd is restarted\n"
            "reloaded; 2 jobs unchanged\n");
  EXPECT_TRUE(has(ctl::difference(reply, true, look()), "nothing was changed (--dry-run)"));
  EXPECT_EQ(ctl::difference(Json::object(), false, look()), "nothing has changed; 0 jobs unchanged\n");
}

TEST_F(TimelineTest, ABrokenConfigurationIsAnErrorWithItsFindings) {
  CheckFinding finding;
  finding.level = CheckFinding::Level::Error;
  finding.place = "/etc/syncd/jobs.d/users.toml:7:1";
  finding.text = "unknown key 'batch_row'";
  operations_.failure = std::make_exception_ptr(InvalidConfiguration({finding}));
  const Reply reply = call("Reload");
  EXPECT_EQ(reply.error, errors::kInvalidConfiguration);
  declares("Finding", reply.parameters["findings"][0]);
  EXPECT_EQ(reply.parameters["findings"][0]["place"], finding.place);
}

TEST(Since, IsADurationOrAWallClock) {
  const auto at = [](const std::string& text) { return ctl::since(text, kNow); };
  EXPECT_EQ(at("90m"), kNow - std::chrono::minutes(90));
  EXPECT_EQ(at("3d"), kNow - std::chrono::hours(72));
  EXPECT_EQ(at("2026-03-01 10:00") - at("2026-03-01"), std::chrono::hours(10));
  EXPECT_EQ(at("2026-03-01T10:00:05") - at("2026-03-01 10:00"), std::chrono::seconds(5));
  for (const char* wrong : {"", "yesterday", "2026-03", "2026-03-01 10"}) {
    EXPECT_THROW(at(wrong), ctl::Failure) << wrong;
  }
}

}  // namespace
}  // namespace syncd::control
