// The control socket in the file system: what stands in the way, and who owns the path.
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

#include "daemon/base/error.hpp"
#include "tests/integration/control/daemon_fixture.hpp"
#include "tests/support/has.hpp"

namespace syncd::control::test {
namespace {

using syncd::test::has;

class ControlSocketTest : public ::testing::Test {
 protected:
  std::string path() const { return folder_ / "control.sock"; }
  std::string refusal() const {
    try {
      const ControlSocket socket(path(), "");
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  syncd::test::TempDir folder_;
};

TEST_F(ControlSocketTest, IsForItsGroupOnly) {
  const struct group* daemons = ::getgrnam("daemon");
  const bool root = ::getuid() == 0 && daemons != nullptr;
  const gid_t gid = root ? daemons->gr_gid : ::getgid();
  const ControlSocket socket(path(), root ? "daemon" : "");
  struct stat made {};
  ASSERT_EQ(::lstat(path().c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777U, 0660U);
  EXPECT_EQ(made.st_gid, gid);
}

TEST_F(ControlSocketTest, GoesWithItsOwner) {
  { const ControlSocket socket(path(), ""); }
  EXPECT_NE(::access(path().c_str(), F_OK), 0);
}

TEST_F(ControlSocketTest, DoesNotRemoveTheSocketOfAnother) {
  {
    const ControlSocket socket(path(), "");
    ASSERT_EQ(::unlink(path().c_str()), 0);
    std::ofstream(path()) << "of somebody else";
  }
  EXPECT_EQ(::access(path().c_str(), F_OK), 0);
}

TEST_F(ControlSocketTest, ReplacesTheSocketOfADaemonThatWasKilled) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto* const left = new ControlSocket(path(), "");  // never removed, as after kill -9
    ::_exit(left->path().empty() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(::access(path().c_str(), F_OK), 0);
  Daemon daemon(path());
  RawClient client(path());
  client.call("Version");
  EXPECT_EQ(client.error(), "");
}

TEST_F(ControlSocketTest, ASecondDaemonLearnsWhoHasIt) {
  Daemon daemon(path());
  try {
    const ControlSocket second(path(), "");
    FAIL() << "two daemons on one socket";
  } catch (const InUse& error) {
    EXPECT_TRUE(has(error.what(), "held by another syncd, pid " + std::to_string(::getpid())))
        << error.what();
  }
  RawClient client(path());
  client.call("Version");
  EXPECT_EQ(client.error(), "") << "the first one is not disturbed";
}

TEST_F(ControlSocketTest, ALiveSocketOfAnotherProgramIsNotTaken) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path().copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  EXPECT_TRUE(has(refusal(), "another process listens on it")) << refusal();
  ::close(fd);
  EXPECT_EQ(refusal(), "") << "when it has ended the socket is stale";
}

TEST_F(ControlSocketTest, WhatIsNoSocketStays) {
  std::ofstream(path()) << "precious";
  EXPECT_TRUE(has(refusal(), "is not a socket")) << refusal();
  std::string text;
  std::ifstream(path()) >> text;
  EXPECT_EQ(text, "precious");
}

TEST_F(ControlSocketTest, ASymbolicLinkIsNotFollowed) {
  std::ofstream(folder_ / "target") << "precious";
  ASSERT_EQ(::symlink((folder_ / "target").c_str(), path().c_str()), 0);
  EXPECT_TRUE(has(refusal(), "is a symbolic link")) << refusal();
  ASSERT_EQ(::unlink(path().c_str()), 0);
  ASSERT_EQ(::unlink((path() + ".lock").c_str()), 0);
  ASSERT_EQ(::symlink((folder_ / "target").c_str(), (path() + ".lock").c_str()), 0);
  EXPECT_TRUE(has(refusal(), ".lock")) << "nor that of the lock file: " << refusal();
  std::string text;
  std::ifstream(folder_ / "target") >> text;
  EXPECT_EQ(text, "precious");
}

TEST_F(ControlSocketTest, SaysWhatIsWrongWithThePath) {
  const auto refused = [](const std::string& path) -> std::string {
    try {
      const ControlSocket socket(path, "");
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_TRUE(has(refused(folder_ / "none" + std::string("/control.sock")), "its directory does not exist"));
  EXPECT_TRUE(has(refused("/" + std::string(200, 'x')), "may have 1 to 107"));
}

}  // namespace
}  // namespace syncd::control::test
