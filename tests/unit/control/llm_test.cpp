// LlmUsage, LlmAmbiguous and LlmResolve: what goes over the socket, and what syncctl makes of it.
#include <gtest/gtest.h>

#include "daemon/control/commands.hpp"
#include "daemon/ctl/render.hpp"
#include "tests/unit/control/fake_operations.hpp"
#include "tests/unit/coro/co_test.hpp"

namespace syncd::control {
namespace {

using test::FakeOperations;

class LlmTest : public ::testing::Test, private Progress {
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

TEST_F(LlmTest, UsageIsTokensAndMoneyByDay) {
  operations_.spending.push_back({"digest\x1b[31m", "2026-03-01", 1200, 2, {1'000'000, 20'000, 3'300'000}});
  const Json reply = call("LlmUsage").parameters;
  EXPECT_EQ(reply["days"][0]["cost_millionths"], 3'300'000);
  const std::string text = ctl::llm_usage(reply, ctl::Look());
  EXPECT_NE(text.find("1,000,000"), std::string::npos) << text;
  EXPECT_NE(text.find("3.3000"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(ctl::llm_usage(Json::object(), ctl::Look()), "no model was asked yet\n");
}

TEST_F(LlmTest, AmbiguousRequestsAreListedWithTheReason) {
  AmbiguousRequest doubt;
  doubt.id = 17;
  doubt.job = "digest";
  doubt.model = "m";
  doubt.sent = wall_now();
  doubt.why = "cut \x1b[31m";
  operations_.ambiguous.push_back(doubt);
  const std::string text = ctl::llm_ambiguous(call("LlmAmbiguous").parameters, ctl::Look());
  EXPECT_NE(text.find("17"), std::string::npos) << text;
  EXPECT_NE(text.find("cut \\x1b[31m"), std::string::npos) << text;
}

TEST_F(LlmTest, PiecesAreShownAsTheyComeAndCannotMoveTheCursor) {
  const auto piece = [](const char* answer, const char* kind, const char* text) {
    Json json = Json::object();
    json["answer"] = answer;
    json["kind"] = kind;
    json["text"] = text;
    return json;
  };
  std::string last;
  std::string screen;
  for (const Json& each :
       {piece("a1", "text", "Two\nlines \x1b[31m"), piece("a1", "text", "on."), piece("b2", "text", "Other"),
        piece("b2", "done", ""), piece("a1", "text", "More"), piece("", "record", "{\"id\":1}"),
        piece("", "step", "1 row \x1b[31m"), piece("", "skipped", "1200"), piece("a1", "failed", "cut"),
        piece("", "lost", "7")}) {
    screen += ctl::followed(each, last);
  }
  EXPECT_EQ(screen,
            "[a1] Two\nlines \\x1b[31mon.\n[b2] Other\n[a1] More\n"
            "{\"id\":1}\n-- 1 row \\x1b[31m\n-- 1200 more records passed than are shown\n[a1] failed: cut\n"
            "7 pieces lost: this terminal is too slow\n");
}

TEST_F(LlmTest, FollowStreams) { EXPECT_EQ(call("Follow").error, errors::kExpectedMore); }

TEST_F(LlmTest, OneOrAllAreResolved) {
  Json one = Json::object();
  one["id"] = 17U;
  one["not_paid"] = true;
  EXPECT_EQ(call("LlmResolve", one).parameters["resolved"], 1);
  EXPECT_EQ(operations_.asked.back(), "llm_resolve not paid users 17");
  call("LlmResolve");
  EXPECT_EQ(operations_.asked.back(), "llm_resolve users all");
  one["id"] = 0U;
  EXPECT_NE(call("LlmResolve", one).error, "");
}

}  // namespace
}  // namespace syncd::control
