// What a shell offers while somebody types syncctl, and the pages over HTTP, with the real programs.
#include "tests/e2e/daemon.hpp"

namespace syncd::test {
namespace {

// The words that bash offers at the end of `line`, as its own completion would ask for them.
std::string offered(const Daemon& daemon, const std::string& line) {
  const std::string script = fmt::format(
      "PATH=\"$(dirname {0}):$PATH\"; source <({0} completion bash); COMP_WORDS=({1}); "
      "COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _syncctl; echo \"${{COMPREPLY[*]}}\"",
      SYNCCTL_BINARY, line);
  ProcessOptions options;
  options.env["SYNCD_SOCKET"] = daemon.path("control.sock");
  return run_program({"/bin/bash", "-c", script}, options).out;
}

TEST(Completion, OffersVerbsOptionsAndTheJobsOfTheDaemon) {
  Daemon daemon(1);
  daemon.write_job("users-eu", "manual");
  daemon.start();
  EXPECT_EQ(offered(daemon, "syncctl resu"), "resume\n");
  EXPECT_EQ(offered(daemon, "syncctl checkpoint re"), "rewind\n");
  EXPECT_EQ(offered(daemon, "syncctl checkpoint undo us"), "users users-eu\n");
  EXPECT_EQ(offered(daemon, "syncctl run --wa"), "--wait\n");
  EXPECT_EQ(offered(daemon, "syncctl run us"), "users users-eu\n");
  EXPECT_EQ(offered(daemon, "syncctl checkpoint show users-"), "users-eu\n");
  EXPECT_EQ(offered(daemon, "syncctl shutdown us"), "\n") << "it takes no job";
}

TEST(Completion, IsThereForEachShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Finished script = run_program({SYNCCTL_BINARY, "completion", shell});
    EXPECT_EQ(script.code, 0);
    EXPECT_NE(script.out.find("dead-letters"), std::string::npos) << shell;
  }
  const Finished other = run_program({SYNCCTL_BINARY, "completion", "csh"});
  EXPECT_EQ(other.code, 64);
  EXPECT_NE(other.err.find("bash"), std::string::npos) << other.err;
}

// What an HTTP client gets from the control socket.
std::string page(const Daemon& daemon, const std::string& path) {
  return run_program(
             {"python3", "-c",
              "import socket, sys\n"
              "s = socket.socket(socket.AF_UNIX)\n"
              "s.connect(sys.argv[1])\n"
              "s.sendall(b'GET ' + sys.argv[2].encode() + b' HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')\n"
              "print(b''.join(iter(lambda: s.recv(65536), b'')).decode())\n",
              daemon.path("control.sock"), path})
      .out;
}

TEST(Pages, TellPrometheusWhatAJobDid) {
  Daemon daemon(250);
  daemon.write_job("users", "manual");
  daemon.start();
  EXPECT_EQ(daemon.ctl({"run", "users", "--wait"}).code, 0);
  const std::string metrics = page(daemon, "/metrics");
  EXPECT_NE(metrics.find("syncd_job_rows_total{job=\"users\"} 250\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("syncd_job_runs_total{job=\"users\",outcome=\"succeeded\"} 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("syncd_jobs{state=\"idle\"} 1\n"), std::string::npos);
  EXPECT_NE(page(daemon, "/healthz").find("200 OK"), std::string::npos);
  EXPECT_NE(page(daemon, "/readyz").find("200 OK"), std::string::npos);
}

}  // namespace
}  // namespace syncd::test
