// The vendors' own stream parsers, which nobody here wrote: against our model, so that it is one, and as
// readers of the events that a job relays.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/llm_server.hpp"
#include "tests/support/port.hpp"
#include "tests/support/redis_server.hpp"

namespace syncd::test {
namespace {

const std::string kPeers = SYNCD_SOURCE_DIR "/tests/peers";

// Why the SDKs cannot run; "" where they can.
std::string without_peers() {
  if (run_program({"sh", "-c", "command -v node"}).code != 0) return "needs Node (Debian: nodejs, npm)";
  if (!std::filesystem::exists(kPeers + "/node_modules/openai"))
    return "needs the SDKs: cd tests/peers && npm ci";
  return "";
}
#define SKIP_WITHOUT_PEERS() \
  if (const std::string why = without_peers(); !why.empty()) GTEST_SKIP() << why

// The command that reads a stream with a vendor's own parser; it prints what it heard.
std::vector<std::string> reader_of(const std::string& kind, const std::string& url) {
  return {"node", kPeers + "/read.mjs", kind, url};
}

class PeersE2e : public ::testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_PEERS(); }
  static Json read(const std::string& kind, const std::string& url) {
    const Finished finished = run_program(reader_of(kind, url));
    EXPECT_EQ(finished.code, 0) << finished.err;
    return Json::parse(finished.out, nullptr, false);
  }

  LlmServer model_;
};

TEST_F(PeersE2e, AnthropicsSdkReadsOurModel) {
  Json heard = read("messages", model_.messages_url());
  EXPECT_EQ(heard["text"], "Summary of 8 bytes.") << heard;
  EXPECT_EQ(heard["stop"], "end_turn");
  EXPECT_EQ(heard["input"], 11);
  EXPECT_EQ(heard["output"], 4);
  model_.spoil_next(spoil::end_with(
      2,
      "event: error\ndata: "
      "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n"));
  heard = read("messages", model_.messages_url());
  EXPECT_THAT(heard.value("error", ""), testing::StartsWith("overloaded_error: ")) << heard;
  model_.spoil_next(
      spoil::status(529, R"({"type":"error","error":{"type":"overloaded_error","message":"x"}})"));
  heard = read("messages", model_.messages_url());
  EXPECT_THAT(heard.value("error", ""), testing::HasSubstr("529")) << heard;
}

TEST_F(PeersE2e, OpenAisSdkReadsOurModel) {
  Json heard = read("chat", model_.chat_url());
  EXPECT_EQ(heard["text"], "Summary of 8 bytes.") << heard;
  EXPECT_EQ(heard["stop"], "stop");
  EXPECT_EQ(heard["input"], 11);
  EXPECT_EQ(heard["output"], 4);
  model_.spoil_next(
      spoil::end_with(2, "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n"));
  heard = read("chat", model_.chat_url());
  EXPECT_THAT(heard.value("error", ""), testing::HasSubstr("overloaded")) << heard;
}

// A job that digests three lines, and its events over TCP.
class EventsE2e : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) GTEST_SKIP() << "needs redis-server";
    redis_ = std::make_unique<RedisServer>();
    const Connected cache(redis_->socket_uri(),
                          fmt::format("[connections.model]\ntype = 'openai'\nbase_url = '{}'\n"
                                      "[http]\nlisten = '127.0.0.1:{}'\ntoken = 'sesame'\n",
                                      model_.chat_url(), port_.number()));
    syncd_ = std::make_unique<Installation>(Connected("postgresql://nobody@127.0.0.1/none"), cache);
    syncd_->folder().write("errors.log", "one\ntwo\nthree\n");
    syncd_->folder().write(
        "jobs.d/digest.toml",
        fmt::format("[jobs.digest]\nschedule = 'manual'\nretry = {{ attempts = 1 }}\n"
                    "[jobs.digest.source]\ntype = 'files'\npaths = ['{}']\n"
                    "[[jobs.digest.transforms]]\ntype = 'summarize'\nconnection = 'model'\nmodel = 'm'\n"
                    "user = '{{{{data}}}}'\nfields = ['line']\nattempts = 1\n"
                    "[jobs.digest.sink]\ntype = 'redis_stream'\nconnection = 'cache'\nkey = 'digests'\n",
                    syncd_->path("errors.log")));
    using std::filesystem::perms;
    std::filesystem::permissions(syncd_->path("syncd.toml"),
                                 perms::owner_read | perms::owner_write);  // a token
    syncd_->start();
    ASSERT_TRUE(syncd_->running()) << syncd_->log();
  }
  std::string page(const std::string& path) const {
    return fmt::format("http://127.0.0.1:{}{}", port_.number(), path);
  }
  // Runs the job once somebody reads its events, to the end of both.
  void run_read_by(Process& reader, const std::string& sign, int code = 0) {
    EXPECT_EVENTUALLY((reader.out() + reader.err()).find(sign) != std::string::npos);
    const Finished run = syncd_->ctl({"run", "digest", "--wait"});
    EXPECT_EQ(run.code, code) << run.out << run.err;
    EXPECT_EQ(reader.wait(), 0) << reader.err();
  }

  ReservedPort port_;
  LlmServer model_;
  std::unique_ptr<RedisServer> redis_;
  std::unique_ptr<Installation> syncd_;
};

TEST_F(EventsE2e, CurlSeesEachTokenAndTheEnd) {
  Process tcp({"curl", "-sN", "-H", "Authorization: Bearer sesame", page("/jobs/digest/events")});
  Process socket(
      {"curl", "-sN", "--unix-socket", syncd_->path("control.sock"), "http://x/jobs/digest/events"});
  EXPECT_EVENTUALLY(socket.out().find(": the answers") != std::string::npos);
  run_read_by(tcp, ": the answers");
  EXPECT_EQ(socket.wait(), 0);
  for (const Process* each : {&tcp, &socket}) {
    const std::string heard = each->out();
    EXPECT_THAT(heard, testing::HasSubstr("data: {\"content\":\"Summary \",\"answer\":\""));
    EXPECT_THAT(heard, testing::HasSubstr("data: {\"content\":\"of \",\"answer\":\""));
    EXPECT_THAT(heard, testing::EndsWith("\"done\":true}\n\ndata: [DONE]\n\n"));
  }
}

TEST_F(EventsE2e, NeedATokenAndAJob) {
  const auto status = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "10"});
    return run_program(std::move(arguments)).out;
  };
  EXPECT_EQ(status({page("/jobs/digest/events")}), "401");
  EXPECT_EQ(status({page("/jobs/digest/events?access_token=wrong")}), "401");
  EXPECT_EQ(status({page("/jobs/nobody/events?access_token=sesame")}), "404");
}

TEST_F(EventsE2e, OpenAisParserReadsThemToTheEnd) {
  SKIP_WITHOUT_PEERS();
  model_.answer_with([](const std::string&) {
    return std::vector<std::string>{"Gr\u00fc\u00dfe,\n", "\"", "\U0001f600"};
  });
  Process reader(reader_of("relay", page("/jobs/digest/events?access_token=sesame")));
  run_read_by(reader, "reading");
  const Json heard = Json::parse(reader.out());
  EXPECT_EQ(heard["text"], "Gr\u00fc\u00dfe,\n\"\U0001f600") << heard;
  EXPECT_EQ(heard["events"], 4) << "three tokens and the end of the answer: " << heard;
  EXPECT_FALSE(heard.contains("error")) << heard;
}

TEST_F(EventsE2e, OpenAisParserThrowsWhatFailed) {
  SKIP_WITHOUT_PEERS();
  model_.spoil_next(spoil::end_with(2, "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"));
  Process reader(reader_of("relay", page("/jobs/digest/events?access_token=sesame")));
  run_read_by(reader, "reading", 1);
  EXPECT_THAT(Json::parse(reader.out()).value("error", ""), testing::HasSubstr("overloaded")) << reader.out();
}

}  // namespace
}  // namespace syncd::test
