#include "daemon/control/protocol.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "daemon/control/handlers.hpp"
#include "tests/unit/control/json_keys.hpp"

namespace syncd::control {
namespace {

using Strings = std::vector<std::string>;
using test::keys_of;

// All frames of `bytes` when they arrive in pieces of `piece` bytes; the text of a failure is the last one.
Strings frames_of(const std::string& bytes, std::size_t piece, std::size_t max_frame = 1000) {
  Framer framer(max_frame);
  Strings frames;
  try {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      framer.feed(std::string_view(bytes).substr(at, piece));
      while (const auto frame = framer.next()) frames.push_back(*frame);
    }
  } catch (const ProtocolError& error) {
    frames.push_back(std::string("error: ") + error.what());
  }
  return frames;
}

TEST(Framer, GivesTheSameFramesHoweverTheBytesArrive) {
  const std::string bytes("{}\0\0{\"a\":1}\0{hal", 16);
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_EQ(frames_of(bytes, piece), (Strings{"{}", "", "{\"a\":1}"})) << "pieces of " << piece;
  }
}

TEST(Framer, RefusesALongFrameAtTheSamePlaceHoweverTheBytesArrive) {
  const std::string bytes = std::string("{}\0", 3) + std::string(9, '{') + std::string("\0{}\0", 4);
  const Strings whole = frames_of(bytes, bytes.size(), 8);
  ASSERT_EQ(whole.size(), 2U);
  EXPECT_EQ(whole[0], "{}");
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_EQ(frames_of(bytes, piece, 8), whole) << "pieces of " << piece;
  }
  EXPECT_EQ(frames_of(std::string("{2345678\0", 9), 1, 8), Strings{"{2345678"}) << "the limit itself is fine";
}

TEST(Framer, DoesNotWaitForTheEndOfAFrameThatIsTooLong) {
  Framer framer(8);
  framer.feed("{23456789");
  EXPECT_THROW(framer.next(), ProtocolError);
  EXPECT_THROW(framer.next(), ProtocolError) << "and stays broken";
}

TEST(Framer, RefusesAtItsFirstByteWhatIsNoObject) {
  for (const char* text : {"GET / HTTP/1.1\r\n", "\x16\x03\x01", "[1]", "\"", "7"}) {
    Framer framer(1000);
    framer.feed(std::string_view(text, 1));
    EXPECT_THROW(framer.next(), ProtocolError) << text;
  }
  EXPECT_EQ(frames_of(std::string("{}\0GET\0", 7), 7), frames_of(std::string("{}\0GET\0", 7), 1));
}

TEST(Framer, KnowsAHalfFrame) {
  Framer framer(8);
  EXPECT_FALSE(framer.partial());
  framer.feed(" {");
  EXPECT_FALSE(framer.next());
  EXPECT_TRUE(framer.partial());
  framer.feed(std::string_view("}\0", 2));
  EXPECT_EQ(framer.next(), " {}");
  EXPECT_FALSE(framer.partial());
}

TEST(ParseCall, TakesWhatVarlinkSays) {
  const Call call = parse_call(
      R"({"method":"io.syncd.Manager.Status","parameters":{"job":"users"},"more":true,"oneway":false})");
  EXPECT_EQ(call.method, "io.syncd.Manager.Status");
  EXPECT_EQ(call.parameters["job"], "users");
  EXPECT_TRUE(call.more);
  EXPECT_FALSE(call.oneway);
  EXPECT_EQ(parse_call(R"({"method":"a.B"})").parameters, Json::object());
}

TEST(ParseCall, SaysWhatIsWrong) {
  std::string deep = "1";
  for (int i = 0; i < 40; ++i) deep = "[" + deep + "]";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not JSON"},
      {"GET / HTTP/1.1", "not JSON"},
      {"[]", "expected a JSON object"},
      {"{}", "method"},
      {R"({"method":7})", "method"},
      {R"({"method":"a.B","parameters":[]})", "parameters"},
      {R"({"method":"a.B","more":"yes"})", "more"},
      {R"({"method":"a.B","parameters":{"x":)" + deep + "}}", "nested deeper"},
      {"{\"method\":\"\xff\"}", "not JSON"},
  };
  for (const auto& [text, expected] : cases) {
    try {
      parse_call(text);
      ADD_FAILURE() << "accepted: " << text;
    } catch (const ProtocolError& error) {
      EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << text << ": " << error.what();
    }
  }
}

TEST(ToFrame, EndsWithNulAndReplacesWhatIsNotUtf8) {
  Reply reply;
  reply.parameters["text"] = "a\xff b";
  const std::string frame = to_frame(reply);
  EXPECT_EQ(frame.back(), '\0');
  const Reply back = parse_reply(frame.substr(0, frame.size() - 1));
  EXPECT_EQ(back.parameters["text"], "a\xef\xbf\xbd b");
}

status::JobStatus full_status() {
  status::JobStatus status;
  status.name = "users";
  status.description = "mirror";
  status.state = status::JobState::Waiting;
  status.schedule = "every 30s";
  status.next_run = WallTime(std::chrono::seconds(5));
  status.last_run.emplace();
  status.last_run->ended = WallTime(std::chrono::seconds(2));
  status.last_run->outcome = "failed";
  status.last_run->error = "no route";
  status.last_run->rows = 4;
  status.run.emplace();
  status.run->rows = 12;
  status.run->rows_per_second = 3;
  status.run->attempts = 2;
  status.run->caught_up = true;
  status.position.push_back({"", "id 7"});
  status.lag.emplace(1500);
  status.lag_rows = 9;
  status.waiting_for = "fence held 3 h by pid 4711";
  status.note = "open to late commits for 3 h: pid 4711";
  status.last_error = "reset";
  status.last_error_at = WallTime(std::chrono::seconds(1));
  status.pause_reason = "migration";
  status.paused_since = WallTime(std::chrono::seconds(3));
  status.source = "postgres_table";
  status.transforms = {"rename"};
  status.sink = "redis_hash";
  status.dead_letters = 2;
  status.guarantees = {"no row missed"};
  return status;
}

TEST(JobStatusJson, ComesBackAsItWas) {
  EXPECT_EQ(job_status_from_json(Json::parse(to_json(full_status()).dump())), full_status());
  status::JobStatus empty;
  empty.name = "users";
  EXPECT_EQ(job_status_from_json(Json::parse(to_json(empty).dump())), empty);
}

TEST(JobStatusJson, IsReadableWithMembersMissingOrOfAnotherType) {
  const Json whole = to_json(full_status());
  for (const auto& [key, value] : whole.items()) {
    Json without = whole;
    without.erase(key);
    EXPECT_NO_THROW(job_status_from_json(without)) << key;
    for (const Json& odd : {Json(nullptr), Json(-1), Json("x"), Json(1e300), Json::array({Json::array()})}) {
      Json changed = whole;
      changed[key] = odd;
      EXPECT_NO_THROW(job_status_from_json(changed)) << key << " = " << odd;
    }
  }
}

// The members of "type NAME (...)" in the interface description.
std::set<std::string> members_of_type(const std::string& name) {
  const std::string text(interface_description(kInterface));
  const std::size_t begin = text.find("type " + name + " (");
  const std::string body = text.substr(begin, text.find("\n)", begin) - begin);
  std::set<std::string> members;
  const std::regex member(R"(\n  ([a-z_]+): )");
  for (std::sregex_iterator at(body.begin(), body.end(), member), end; at != end; ++at)
    members.insert((*at)[1]);
  return members;
}

TEST(InterfaceDescription, DeclaresExactlyTheMembersOfAStatus) {
  const Json status = to_json(full_status());
  EXPECT_EQ(members_of_type("JobStatus"), keys_of(status));
  EXPECT_EQ(members_of_type("CurrentRun"), keys_of(status["run"]));
  EXPECT_EQ(members_of_type("LastRun"), keys_of(status["last_run"]));
  EXPECT_EQ(members_of_type("Position"), keys_of(status["position"][0]));
}

TEST(InterfaceDescription, DeclaresExactlyTheMethodsThatExist) {
  const std::string text(interface_description(kInterface));
  Strings declared;
  const std::regex method(R"(\nmethod ([A-Za-z]+)\()");
  for (std::sregex_iterator at(text.begin(), text.end(), method), end; at != end; ++at) {
    declared.push_back((*at)[1]);
  }
  Strings known;
  for (const Method& each : methods()) known.emplace_back(each.name);
  EXPECT_EQ(declared, known);
}

TEST(InterfaceDescription, IsInTheDocumentationWordForWord) {
  std::ifstream file(std::string(SYNCD_SOURCE_DIR) + "/docs/control-protocol.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_NE(page.str().find(interface_description(kInterface)), std::string::npos)
      << "docs/control-protocol.md does not hold the text of protocol_interface.cpp";
}

}  // namespace
}  // namespace syncd::control
