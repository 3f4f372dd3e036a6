#include "daemon/control/commands.hpp"

#include "tests/unit/control/fake_operations.hpp"
#include "tests/unit/coro/co_test.hpp"

namespace syncd::control {
namespace {

using test::FakeOperations;

// Keeps what continues; may be told that the client is gone.
class Kept final : public Progress {
 public:
  std::vector<Json> replies;
  std::size_t breaks_after = 1000;
  coro::Task<> send(Json parameters) override {
    if (replies.size() == breaks_after) throw Error(ErrorKind::Transient, "the client is gone");
    replies.push_back(std::move(parameters));
    co_return;
  }
};

// A Commands over a FakeOperations, and one call at a time.
class CommandsTest : public ::testing::Test {
 protected:
  Reply call(const std::string& method, Json parameters = Json::object(), Role role = Role::Operate) {
    Call made;
    made.method = method.find('.') == std::string::npos ? "io.syncd.Manager." + method : method;
    made.parameters = std::move(parameters);
    Reply reply;
    const auto keep = [](Commands& all, const Call& one, Role who, Progress& to,
                         Reply& into) -> coro::Task<> { into = co_await all.answer(one, who, to); };
    coro::test::run(clock_, keep(commands_, made, role, kept_, reply));
    return reply;
  }
  static Json users() { return with("job", "users"); }
  static Json with(const char* key, Json value, Json to = Json::object()) {
    to[key] = std::move(value);
    return to;
  }
  std::string last_asked() const { return operations_.asked.empty() ? "" : operations_.asked.back(); }

  ManualClock clock_;
  FakeOperations operations_{clock_};
  Commands commands_{clock_, operations_};
  Kept kept_;
};

TEST_F(CommandsTest, EachVerbAsksForWhatItSays) {
  const std::vector<std::tuple<std::string, Json, std::string>> verbs = {
      {"Run", users(), "start users"},
      {"Run", with("from", "1", with("to", "5", users())), "start users 1..5"},
      {"Run", with("to", "5", users()), "start users ..5"},
      {"Cancel", users(), "cancel users"},
      {"Pause", with("reason", "migration", users()), "pause users migration"},
      {"Pause", users(), "pause users"},
      {"Resume", users(), "resume users"},
      {"SetCheckpoint", with("text", "p1", users()), "set users =p1"},
      {"SetCheckpoint", with("partition", "a", with("text", "p1", users())), "set users a=p1"},
      {"RewindCheckpoint", with("to", "start", users()), "rewind users start"},
      {"ClearDeadLetters", users(), "clear users"},
      {"Explain", users(), "explain users"},
      {"DryRun", users(), "dry-run users 20"},
      {"DryRun", with("limit", 3U, users()), "dry-run users 3"},
      {"ListDeadLetters", with("limit", 5U, users()), "letters users 5"},
      {"ListDeadLetters", users(), "letters users 100"},
      {"Next", Json::object(), "next users 10"},
      {"Next", with("limit", 3U, users()), "next users 3"},
      {"History", Json::object(), "history users 20"},
      {"History", with("failed", true, with("since_us", 5, users())), "history users 20 failed since 5"},
      {"Reload", Json::object(), "reload users"},
      {"Reload", with("dry_run", true), "reload dry-run users"},
      {"Check", Json::object(), "check users"},
      {"Check", with("online", true), "check online users"},
  };
  for (const auto& [method, parameters, expected] : verbs) {
    const Reply reply = call(method, parameters);
    EXPECT_EQ(reply.error, "") << method << ": " << reply.parameters;
    EXPECT_EQ(last_asked(), expected) << method;
  }
}

TEST_F(CommandsTest, ParametersAreCheckedByName) {
  const std::vector<std::tuple<std::string, Json, std::string>> wrong = {
      {"Run", Json::object(), "parameter job: missing"},
      {"Run", with("job", 7), "parameter job: not a string"},
      {"Run", with("wiat", true, users()), "parameter wiat: unknown"},
      {"Run", with("wait", "yes", users()), "parameter wait: not true or false"},
      {"ListDeadLetters", with("limit", 0U, users()), "parameter limit: not a whole number from 1 to 1000"},
      {"ListDeadLetters", with("limit", -1, users()), "parameter limit: not a whole number from 1 to 1000"},
      {"Logs", with("level", "loud"), "parameter level: is none of trace, debug, info, warn, error"},
      {"Version", with("x", 1), "parameter x: unknown"},
      {"Shutdown", with("x", 1), "parameter x: unknown"},
  };
  for (const auto& [method, parameters, expected] : wrong) {
    const Reply reply = call(method, parameters);
    EXPECT_EQ(reply.error, errors::kInvalidParameter) << method;
    EXPECT_EQ(reply.parameters["reason"], expected);
  }
  EXPECT_TRUE(operations_.asked.empty());
}

TEST_F(CommandsTest, AJobThatIsNotKnownBringsTheNearestOne) {
  const Reply reply = call("Status", with("job", "user"));
  EXPECT_EQ(reply.error, errors::kNoSuchJob);
  EXPECT_EQ(reply.parameters["name"], "user");
  EXPECT_EQ(reply.parameters["did_you_mean"], "users");
  EXPECT_EQ(call("Status", with("job", "zzz")).parameters["did_you_mean"], "");
}

TEST_F(CommandsTest, EachKindOfFailureHasItsError) {
  const auto reply_to = [this](auto error) {
    operations_.failure = std::make_exception_ptr(error);
    return call("Run", users());
  };
  Reply reply = reply_to(Busy("users runs already"));
  EXPECT_EQ(reply.error, errors::kBusy);
  EXPECT_EQ(reply.parameters["reason"], "users runs already");
  reply = reply_to(Error(ErrorKind::Fenced, "run by another syncd"));
  EXPECT_EQ(reply.error, errors::kFailed);
  EXPECT_EQ(reply.parameters["kind"], "fenced");
  EXPECT_EQ(reply.parameters["reason"], "run by another syncd");
  reply = reply_to(std::out_of_range("map::at"));
  EXPECT_EQ(reply.error, errors::kFailed);
  EXPECT_EQ(reply.parameters["kind"], "internal");
}

TEST_F(CommandsTest, UnknownMethodsAndInterfacesAreVarlinkErrors) {
  EXPECT_EQ(call("Nonsense").error, errors::kMethodNotFound);
  EXPECT_EQ(call("org.example.Thing.Do").error, errors::kInterfaceNotFound);
  EXPECT_EQ(call("org.varlink.service.Nonsense").error, errors::kMethodNotFound);
  EXPECT_EQ(call("org.varlink.service.GetInterfaceDescription", with("interface", "a.b")).error,
            errors::kInterfaceNotFound);
}

TEST_F(CommandsTest, Introspects) {
  EXPECT_EQ(call("org.varlink.service.GetInfo").parameters["interfaces"],
            Json::array({kServiceInterface, kInterface}));
  const Reply reply = call("org.varlink.service.GetInterfaceDescription", with("interface", kInterface));
  EXPECT_EQ(reply.parameters["description"], interface_description(kInterface));
}

TEST_F(CommandsTest, APeerWithoutARoleMayDoNothing) {
  for (const char* method : {"Status", "ListJobs", "Run", "Shutdown"}) {
    EXPECT_EQ(call(method, Json::object(), Role::None).error, errors::kNotPermitted) << method;
  }
  EXPECT_TRUE(operations_.asked.empty());
}

TEST_F(CommandsTest, ShutdownComesAfterItsReply) {
  Call shutdown;
  shutdown.method = "io.syncd.Manager.Shutdown";
  EXPECT_EQ(call("Shutdown").error, "");
  EXPECT_TRUE(operations_.asked.empty());
  commands_.replied(shutdown);
  EXPECT_EQ(last_asked(), "shutdown");
}

TEST_F(CommandsTest, DeadLettersKeepTheReplyShort) {
  operations_.letters.total = 3;
  for (int i = 1; i <= 3; ++i) {
    DeadLetter letter;
    letter.id = i;
    letter.record = std::string(300 * 1024, 'x');
    operations_.letters.letters.push_back(letter);
  }
  const Reply reply = call("ListDeadLetters", users());
  EXPECT_EQ(reply.parameters["total"], 3);
  ASSERT_EQ(reply.parameters["letters"].size(), 1U) << "the newest only: two would be too long";
  EXPECT_EQ(reply.parameters["letters"][0]["id"], 3);
}

TEST_F(CommandsTest, WatchNeedsMore) { EXPECT_EQ(call("Watch").error, errors::kExpectedMore); }

// --- streams ---------------------------------------------------------------------------------------------

struct Streams {
  explicit Streams(ManualClock& clock) : operations(clock), commands(clock, operations) {}
  FakeOperations operations;
  Commands commands;
  Kept kept;
  Reply reply;
  std::string thrown;
};

coro::Task<> answer(Streams& all, Call call) {
  call.more = true;
  call.method = "io.syncd.Manager." + call.method;
  try {
    all.reply = co_await all.commands.answer(call, Role::Operate, all.kept);
  } catch (const std::exception& error) {
    all.thrown = error.what();
  }
}

Call call_of(const std::string& method, const char* parameters) {
  Call call;
  call.method = method;
  call.parameters = Json::parse(parameters);
  return call;
}

CO_TEST(RunWithWait, ShowsEachChangeAndThenTheResult) {
  Streams all(clock);
  coro::AsyncScope scope;
  scope.spawn(answer(all, call_of("Run", R"({"job":"users","wait":true})")));
  for (int i = 0; i < 3; ++i) {
    all.operations.job_moves("users");
    all.operations.job_moves("orders");
    co_await sleep_for(clock, std::chrono::seconds(1));
  }
  all.operations.end_run();
  co_await scope.join();
  EXPECT_EQ(all.kept.replies.size(), 3U) << "one for each change of this job";
  EXPECT_EQ(all.kept.replies.back()["status"]["run"]["rows"], 3);
  EXPECT_EQ(all.reply.error, "");
  EXPECT_EQ(all.reply.parameters["result"]["outcome"], "succeeded");
  EXPECT_EQ(all.reply.parameters["result"]["rows"], 7);
  EXPECT_EQ(all.operations.stopped_waits, 0);
}

CO_TEST(RunWithWait, ManyChangesAreFewReplies) {
  Streams all(clock);
  coro::AsyncScope scope;
  scope.spawn(answer(all, call_of("Run", R"({"job":"users","wait":true})")));
  for (int i = 0; i < 1000; ++i) {
    all.operations.job_moves("users");
    co_await sleep_for(clock, std::chrono::milliseconds(1));
  }
  all.operations.end_run();
  co_await scope.join();
  EXPECT_GE(all.kept.replies.size(), 4U);
  EXPECT_LE(all.kept.replies.size(), 5U);
}

CO_TEST(RunWithWait, AClientThatGoesEndsTheWaitingOnly) {
  Streams all(clock);
  all.kept.breaks_after = 0;
  coro::AsyncScope scope;
  scope.spawn(answer(all, call_of("Run", R"({"job":"users","wait":true})")));
  all.operations.job_moves("users");
  co_await scope.join();
  EXPECT_EQ(all.thrown, "the client is gone");
  EXPECT_EQ(all.operations.stopped_waits, 1);
  EXPECT_EQ(all.operations.asked, std::vector<std::string>(1, "run users")) << "nothing cancelled the run";
}

CO_TEST(RunWithWait, AFailureToStartIsTheReply) {
  Streams all(clock);
  all.operations.failure = std::make_exception_ptr(Busy("users is paused"));
  co_await answer(all, call_of("Run", R"({"job":"users","wait":true})"));
  EXPECT_EQ(all.reply.error, errors::kBusy);
  EXPECT_EQ(all.thrown, "");
}

CO_TEST(Watch, BeginsWithEverythingAndGoesOnWithWhatChanged) {
  Streams all(clock);
  coro::AsyncScope scope;
  scope.spawn(answer(all, call_of("Watch", "{}")));
  co_await sleep_for(clock, std::chrono::seconds(1));
  EXPECT_EQ(all.kept.replies.size(), 1U);
  EXPECT_EQ(all.kept.replies.at(0)["jobs"].size(), 3U);
  all.operations.job_moves("users");
  all.operations.job_moves("users");
  co_await sleep_for(clock, std::chrono::seconds(1));
  EXPECT_EQ(all.kept.replies.size(), 2U);
  EXPECT_EQ(all.kept.replies.at(1)["jobs"].size(), 1U);
  EXPECT_EQ(all.kept.replies.at(1)["jobs"][0]["run"]["rows"], 2);
  scope.request_stop();
  co_await scope.join();
}

CO_TEST(Watch, OfOneJobSaysNothingOfTheOthers) {
  Streams all(clock);
  coro::AsyncScope scope;
  scope.spawn(answer(all, call_of("Watch", R"({"job":"users"})")));
  co_await sleep_for(clock, std::chrono::seconds(1));
  all.operations.job_moves("orders");
  co_await sleep_for(clock, std::chrono::seconds(1));
  EXPECT_EQ(all.kept.replies.size(), 1U);
  EXPECT_EQ(all.kept.replies.at(0)["jobs"].size(), 1U);
  scope.request_stop();
  co_await scope.join();
}

}  // namespace
}  // namespace syncd::control
