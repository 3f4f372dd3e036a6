// Checkpoints over the socket: what is exported is what is imported, and nothing else is.
#include <gtest/gtest.h>

#include "daemon/control/commands.hpp"
#include "daemon/ctl/render.hpp"
#include "tests/unit/control/fake_operations.hpp"
#include "tests/unit/coro/co_test.hpp"

namespace syncd::control {
namespace {

using test::FakeOperations;

class CheckpointTest : public ::testing::Test, private Progress {
 protected:
  CheckpointTest() {
    ExportedCheckpoint& kept = operations_.exported;
    kept.job = "orders";
    kept.source = {{"type", "files"}, {"paths", "/var/log/*.log"}};
    kept.taken = WallTime(std::chrono::seconds(1'700'000'000));
    kept.positions = {{"a", "p1", "at 1"}, {"b", "p\xff\"2", "at 2"}};
  }
  Reply call(const std::string& method, Json parameters) {
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
  static Json of_users() {
    Json parameters = Json::object();
    parameters["job"] = "users";
    return parameters;
  }
  Json exported() { return call("ExportCheckpoint", of_users()).parameters["checkpoint"]; }
  Reply import(Json checkpoint) {
    Json parameters = of_users();
    parameters["checkpoint"] = std::move(checkpoint);
    return call("ImportCheckpoint", std::move(parameters));
  }

  ManualClock clock_;
  FakeOperations operations_{clock_};
  Commands commands_{clock_, operations_};

 private:
  coro::Task<> send(Json) override { co_return; }
};

TEST_F(CheckpointTest, WhatIsExportedCanBeImported) {
  const Json checkpoint = exported();
  EXPECT_EQ(checkpoint["syncd_checkpoint"], 1);
  EXPECT_EQ(checkpoint["source"]["paths"], "/var/log/*.log");
  EXPECT_EQ(import(checkpoint).error, "");
  EXPECT_EQ(operations_.asked.back(), "import users from orders");
  EXPECT_EQ(operations_.exported.taken, WallTime(std::chrono::seconds(1'700'000'000)));
  ASSERT_EQ(operations_.exported.positions.size(), 2U);
  EXPECT_EQ(operations_.exported.positions[1].text, "p\xff\"2");
}

TEST_F(CheckpointTest, AnImportOfSomethingElseSaysWhatIsWrongAndChangesNothing) {
  const Json good = exported();
  const auto change = [&](const char* member, Json value) {
    Json odd = good;
    odd[member] = std::move(value);
    return odd;
  };
  const auto without = [&](const char* member) {
    Json odd = good;
    odd.erase(member);
    return odd;
  };
  Json twice = good;
  twice["positions"].push_back(twice["positions"][0]);
  const std::vector<std::pair<Json, std::string>> wrong = {
      {Json::object(), "\"syncd_checkpoint\" is missing"},
      {change("syncd_checkpoint", 2), "its format is 2, and this daemon knows 1"},
      {change("syncd_checkpoint", "\x1b[31m\xff"), "its format is \"\\u001b[31m\\ufffd\""},
      {without("job"), "\"job\" is missing"},
      {change("source", 7), "\"source\" is not an object"},
      {change("source", Json::object({{"type", 7}})), "\"type\" is not a string"},
      {change("taken_us", "now"), "\"taken_us\" is no time"},
      {change("positions", 7), "\"positions\" is not a list"},
      {change("positions", Json::array({7})), "a position is not an object"},
      {change("positions", Json::array({Json::object()})), "\"partition\" is missing"},
      {twice, "two positions are of the same partition"},
  };
  const std::size_t asked = operations_.asked.size();
  for (const auto& [checkpoint, expected] : wrong) {
    const Reply reply = import(checkpoint);
    EXPECT_EQ(reply.error, errors::kFailed) << expected;
    const std::string reason = reply.parameters.value("reason", "");
    EXPECT_NE(reason.find("no exported checkpoint: " + expected), std::string::npos) << reason;
  }
  EXPECT_EQ(import(7).parameters["reason"], "parameter checkpoint: not an object");
  EXPECT_EQ(operations_.asked.size(), asked);
}

TEST_F(CheckpointTest, APreviousOneIsShown) {
  EXPECT_TRUE(call("ShowCheckpoint", of_users()).parameters["previous"].is_null());
  operations_.kept.previous.emplace();
  operations_.kept.previous->time = wall_now() - std::chrono::minutes(3);
  operations_.kept.previous->change = "rewind";
  operations_.kept.previous->positions = {{"", "p7", "id 7"}};
  const std::string text = ctl::checkpoint(call("ShowCheckpoint", of_users()).parameters, ctl::Look());
  EXPECT_NE(text.find("before the rewind (3 min 0 s ago); `syncctl checkpoint undo users`"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("was    id 7\n"), std::string::npos) << text;
  EXPECT_EQ(call("UndoCheckpoint", of_users()).error, "");
  EXPECT_EQ(operations_.asked.back(), "undo users");
}

}  // namespace
}  // namespace syncd::control
