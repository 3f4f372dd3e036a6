// The control server against clients that do what they should, and clients that do not.
#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <list>

#include "tests/integration/control/daemon_fixture.hpp"

namespace syncd::control::test {
namespace {

using std::chrono::milliseconds;
using syncd::test::TempDir;

class ControlServer : public ::testing::Test {
 protected:
  std::string path() const { return folder_ / "control.sock"; }
  static Json users() {
    Json parameters = Json::object();
    parameters["job"] = "users";
    return parameters;
  }
  // Somebody else is served as ever.
  void expect_served() {
    RawClient other(path());
    other.call("Version");
    EXPECT_EQ(other.error(), "");
  }
  TempDir folder_;
};

TEST_F(ControlServer, AnswersCallsInOrderHoweverTheBytesArrive) {
  Daemon daemon(path());
  RawClient client(path());
  std::string bytes;
  for (const char* method : {"Version", "ListJobs", "Nonsense"}) {
    Call call;
    call.method = std::string("io.syncd.Manager.") + method;
    bytes += to_frame(call);
  }
  for (const char byte : bytes) ASSERT_TRUE(client.send(std::string_view(&byte, 1)));
  EXPECT_TRUE(client.reply().parameters.contains("version"));
  EXPECT_EQ(client.reply().parameters["jobs"].size(), 3U);
  EXPECT_EQ(client.error(), errors::kMethodNotFound);
}

TEST_F(ControlServer, AnswersAPlainGetOnTheSameSocket) {
  Daemon daemon(path());
  const auto get = [&](const std::string& page) {
    RawClient client(path());
    client.send("GET " + page + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.rest();
  };
  EXPECT_NE(get("/metrics").find("\r\n\r\nsyncd_jobs{state=\"idle\"} 3\n"), std::string::npos);
  EXPECT_TRUE(get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(get("/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
  daemon.on_loop([](FakeOperations& operations) { operations.not_ready = "the daemon is stopping"; });
  const std::string not_ready = get("/readyz");
  EXPECT_TRUE(not_ready.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << not_ready;
  EXPECT_TRUE(not_ready.ends_with("\r\n\r\nthe daemon is stopping\n")) << not_ready;
  EXPECT_TRUE(get("/secrets").starts_with("HTTP/1.1 404 "));
  expect_served();
}

TEST_F(ControlServer, GoesOnAfterACallThatIsNone) {
  Daemon daemon(path());
  RawClient client(path());
  client.send(std::string_view("{\"method\":7}\0{]\0", 16));
  EXPECT_EQ(client.error(), errors::kBadCall);
  EXPECT_EQ(client.error(), errors::kBadCall);
  client.call("Version");
  EXPECT_EQ(client.error(), "");
}

TEST_F(ControlServer, PlainGarbageGetsOneClearErrorAtOnce) {
  Daemon daemon(path());
  for (const char* garbage : {"POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "status\n", "\x16\x03\x01\x02"}) {
    RawClient client(path());
    client.send(garbage);
    const Reply reply = client.reply();
    EXPECT_EQ(reply.error, errors::kBadCall) << garbage;
    EXPECT_EQ(reply.parameters["reason"], "a message is a JSON object with a NUL byte after it");
    EXPECT_EQ(client.error(), "closed");
  }
  expect_served();
}

TEST_F(ControlServer, AMessageOf64MiBIsRefusedAfterOne) {
  Daemon daemon(path());
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  RawClient client(path());
  const std::string chunk(64 * 1024, ' ');
  client.send("{");
  std::size_t sent = 0;
  while (sent < 64 * 1024 * 1024 && client.send(chunk)) sent += chunk.size();
  EXPECT_LT(sent, 4U * 1024 * 1024) << "it is not taken to its end";
  const Reply reply = client.reply();
  EXPECT_EQ(reply.error, errors::kBadCall);
  EXPECT_EQ(reply.parameters["reason"], "a message of more than 1048576 bytes");
  EXPECT_EQ(client.error(), "closed");
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 32 * 1024) << "KiB";
  expect_served();
}

TEST_F(ControlServer, AHalfMessageIsNotWaitedForForEver) {
  Limits limits;
  limits.half_frame = milliseconds(50);
  Daemon daemon(path(), limits);
  RawClient idle(path());  // no byte of a message: may stay
  std::list<RawClient> halves;
  for (int i = 0; i < 20; ++i) halves.emplace_back(path()).send("{\"method\":");
  expect_served();
  for (RawClient& half : halves) {
    const Reply reply = half.reply();
    EXPECT_EQ(reply.error, errors::kBadCall);
    EXPECT_EQ(reply.parameters["reason"], "a message that is not whole 50 ms after its first byte");
    EXPECT_EQ(half.error(), "closed");
  }
  idle.call("Version");
  EXPECT_EQ(idle.error(), "");
}

TEST_F(ControlServer, TheDeadlineOfAMessageIsNotMovedByMoreOfIt) {
  Limits limits;
  limits.half_frame = milliseconds(50);
  Daemon daemon(path(), limits);
  RawClient client(path());
  EXPECT_EVENTUALLY(!client.send("{"));  // byte by byte, until it is closed
}

TEST_F(ControlServer, OneConnectionTooManyIsToldSo) {
  Limits limits;
  limits.connections = 4;
  Daemon daemon(path(), limits);
  std::list<RawClient> all;
  for (int i = 0; i < 4; ++i) {
    RawClient& client = all.emplace_back(path());
    client.call("Watch", Json::object(), /*more=*/true);
    EXPECT_EQ(client.error(), "");
  }
  RawClient refused(path());
  refused.call("Version");
  const Reply reply = refused.reply();
  EXPECT_EQ(reply.error, errors::kBusy);
  EXPECT_EQ(reply.parameters["reason"], "all 4 connections are in use");
  all.pop_front();
  EXPECT_EVENTUALLY([&] {
    RawClient again(path());
    again.call("Version");
    return again.error().empty();
  }());
}

TEST_F(ControlServer, WhoHasBeenSilentForLongestLeavesForWhoComes) {
  Limits limits;
  limits.connections = 4;
  Daemon daemon(path(), limits);
  RawClient follower(path());
  follower.call("Watch", Json::object(), /*more=*/true);
  EXPECT_EQ(follower.error(), "");
  RawClient spoke(path());
  spoke.call("Version");
  EXPECT_EQ(spoke.error(), "");
  std::list<RawClient> silent;
  for (int i = 0; i < 100; ++i) {
    RawClient& client = silent.emplace_back(path());
    if (i % 2 == 0) client.send("{\"method\":");
    expect_served();
  }
  EXPECT_EQ(spoke.error(), "closed");
  EXPECT_EQ(silent.front().error(), "closed");
  daemon.on_loop([](FakeOperations& all) { all.job_moves("users"); });
  EXPECT_EQ(follower.error(), "");
}

TEST_F(ControlServer, AStormOfConnectionsLeavesItServing) {
  Limits limits;
  limits.refusal = milliseconds(100);
  Daemon daemon(path(), limits);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 200; ++i) {
      const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path().copy(address.sun_path, sizeof(address.sun_path) - 1);
      [[maybe_unused]] const int ignored =
          ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
      ::close(fd);
    }
  }
  EXPECT_EVENTUALLY([&] {
    RawClient client(path());
    client.call("Version");
    return client.error().empty();
  }());
}

TEST_F(ControlServer, AClientThatDoesNotReadIsLeftAloneAndThenClosed) {
  Limits limits;
  limits.write = milliseconds(100);
  Daemon daemon(path(), limits);
  daemon.on_loop([](FakeOperations& operations) {
    DeadLetter letter;
    letter.record = std::string(450 * 1024, 'x');  // more than a socket holds
    operations.letters.letters.push_back(letter);
  });
  RawClient deaf(path());
  for (int i = 0; i < 10; ++i) deaf.call("ListDeadLetters", users());
  expect_served();
  EXPECT_EVENTUALLY(!deaf.call("Version"));  // closed
  EXPECT_LE(daemon.on_loop([](FakeOperations& operations) { return operations.asked.size(); }), 2U)
      << "nothing was computed ahead of what the client takes";
}

TEST_F(ControlServer, ManyCallsAheadAreAnsweredAllTheSame) {
  Daemon daemon(path());
  RawClient client(path());
  std::thread sender([&] {
    for (int i = 0; i < 5000; ++i) client.call("Version");
  });
  int answered = 0;
  while (answered < 5000 && client.error().empty()) ++answered;
  sender.join();
  EXPECT_EQ(answered, 5000);
}

TEST_F(ControlServer, AOnewayCallHasNoReply) {
  Daemon daemon(path());
  RawClient client(path());
  Call call;
  call.method = "io.syncd.Manager.Cancel";
  call.parameters = users();
  call.oneway = true;
  client.send(to_frame(call));
  client.call("Version");
  EXPECT_TRUE(client.reply().parameters.contains("version"));
  EXPECT_EQ(daemon.on_loop([](FakeOperations& operations) { return operations.asked.back(); }),
            "cancel users");
}

TEST_F(ControlServer, AClientThatLeavesEndsTheWaitingNotTheRun) {
  Daemon daemon(path());
  RawClient client(path());
  Json parameters = users();
  parameters["wait"] = true;
  client.call("Run", parameters, true);
  EXPECT_EVENTUALLY(daemon.on_loop([](FakeOperations& all) { return all.asked.size(); }) == 1);
  client.close();
  EXPECT_EVENTUALLY(daemon.on_loop([](FakeOperations& all) { return all.stopped_waits; }) == 1);
  EXPECT_EQ(daemon.on_loop([](FakeOperations& all) { return all.asked; }),
            std::vector<std::string>{"run users"});
}

TEST_F(ControlServer, WatchStreamsUntilItsClientGoes) {
  Daemon daemon(path());
  RawClient client(path());
  client.call("Watch", Json::object(), true);
  Reply reply = client.reply();
  EXPECT_TRUE(reply.continues);
  EXPECT_EQ(reply.parameters["jobs"].size(), 3U);
  daemon.on_loop([](FakeOperations& all) { all.job_moves("users"); });
  reply = client.reply();
  EXPECT_EQ(reply.parameters["jobs"][0]["name"], "users");
  client.close();
  expect_served();
}

TEST_F(ControlServer, ShutdownIsAnsweredBeforeItHappens) {
  Daemon daemon(path());
  RawClient client(path());
  client.call("Shutdown");
  EXPECT_EQ(client.error(), "");
  EXPECT_EVENTUALLY(daemon.on_loop([](FakeOperations& all) { return all.asked; }) ==
                    std::vector<std::string>{"shutdown"});
}

TEST_F(ControlServer, ItsEndClosesEveryConnection) {
  auto daemon = std::make_unique<Daemon>(path());
  RawClient idle(path());
  RawClient half(path());
  half.send("{");
  RawClient watching(path());
  watching.call("Watch", Json::object(), true);
  EXPECT_EQ(watching.error(), "");
  RawClient waiting(path());
  Json parameters = users();
  parameters["wait"] = true;
  waiting.call("Run", parameters);
  EXPECT_EVENTUALLY(daemon->on_loop([](FakeOperations& all) { return all.asked.size(); }) == 1);
  daemon.reset();
  for (RawClient* client : {&idle, &half, &watching, &waiting}) EXPECT_EQ(client->error(), "closed");
  EXPECT_NE(::access(path().c_str(), F_OK), 0) << "and the socket is gone";
}

// --- who may ---------------------------------------------------------------------------------------------

// What a process of `uid` in `groups` is answered: 'y' or the first letter of the error's last word.
char answer_to(const std::string& path, uid_t uid, std::vector<gid_t> groups) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return '?';
  const pid_t child = ::fork();
  if (child == 0) {
    char answer = '?';
    if (::setgroups(groups.size(), groups.data()) == 0 && ::setgid(65534) == 0 && ::setuid(uid) == 0) {
      RawClient client(path);
      client.call("Version");
      const Reply reply = client.reply();
      answer = reply.error.empty() ? 'y' : reply.error == errors::kNotPermitted ? 'n' : 'e';
    }
    [[maybe_unused]] const ssize_t written = ::write(ends[1], &answer, 1);
    ::_exit(0);
  }
  ::close(ends[1]);
  char answer = '?';
  [[maybe_unused]] const ssize_t count = ::read(ends[0], &answer, 1);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return answer;
}

TEST_F(ControlServer, OnlyTheGroupMayOperate) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  const struct group* daemons = ::getgrnam("daemon");
  ASSERT_NE(daemons, nullptr);
  const gid_t gid = daemons->gr_gid;
  Daemon daemon(path(), Limits(), Access("daemon", 12345));
  // The file lets everybody in here: it is the kernel's word for the peer that counts.
  ASSERT_EQ(::chmod(path().c_str(), 0666), 0);
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
  EXPECT_EQ(answer_to(path(), 65534, {}), 'n') << "nobody";
  EXPECT_EQ(answer_to(path(), 65534, {gid}), 'y') << "a member of the group";
  EXPECT_EQ(answer_to(path(), 65534, {gid + 1, gid}), 'y') << "among other groups";
  EXPECT_EQ(answer_to(path(), 12345, {}), 'y') << "the daemon's own user";
}

TEST_F(ControlServer, ARefusedPeerIsToldWhichGroup) {
  const Access access("no-such-group-here", 12345);
  Peer peer;
  peer.uid = 65534;
  EXPECT_EQ(access.role_of(peer), Role::None) << "a group that does not exist has no members";
  EXPECT_NE(access.refusal(peer).find("group 'no-such-group-here'"), std::string::npos);
  EXPECT_NE(Access("", 12345).refusal(peer).find("names no group"), std::string::npos);
  peer.uid = 0;
  EXPECT_EQ(access.role_of(peer), Role::Operate);
}

}  // namespace
}  // namespace syncd::control::test
