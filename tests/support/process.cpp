#include "tests/support/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/support/eventually.hpp"

namespace syncd::test {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!changes.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : changes) {
    if (!value.empty()) all.push_back(fmt::format("{}={}", name, value));
  }
  return all;
}

// In the child, between fork and exec: only calls that are safe after the fork of a program with threads.
struct Child {
  const char* out;
  const char* err;
  const char* in;
  const char* cwd;
  bool redirect;
  bool become;
  uid_t uid;
  gid_t gid;
  int death_signal;
  pid_t parent;

  void redirected(const char* path, int flags, int target) const {
    const int fd = ::open(path, flags, 0644);
    if (fd < 0 || ::dup2(fd, target) < 0) fail();
    if (fd != target) ::close(fd);
  }
  [[noreturn]] static void fail() { ::_exit(127); }

  [[noreturn]] void become_program(char* const* argv, char* const* envp, int trouble) const {
    ::setpgid(0, 0);
    redirected(in, O_RDONLY, STDIN_FILENO);
    if (redirect) {
      redirected(out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
      redirected(err, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    }
    if (become && (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0)) fail();
    if (*cwd != '\0' && ::chdir(cwd) != 0) fail();
    ::prctl(PR_SET_PDEATHSIG, death_signal);  // after setuid, which clears it
    if (::getppid() != parent) fail();
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::execvpe(argv[0], argv, envp);
    const int error = errno;
    [[maybe_unused]] const ssize_t told = ::write(trouble, &error, sizeof error);
    fail();
  }
};

}  // namespace

Process::Process(std::vector<std::string> command, ProcessOptions options) {
  const std::string out = folder_ / "out", err = folder_ / "err";
  Child child{
      out.c_str(), err.c_str(), options.stdin_file.c_str(), options.cwd.c_str(), !options.own_stdout, false,
      0,           0,           options.death_signal,       ::getpid()};
  if (!options.user.empty() && ::geteuid() == 0) {
    const passwd* account = ::getpwnam(options.user.c_str());
    if (account == nullptr) throw std::runtime_error("no such user: " + options.user);
    child.become = true;
    child.uid = account->pw_uid;
    child.gid = account->pw_gid;
  }
  std::vector<std::string> env = environment(options.env);
  const auto argv = pointers(command);
  const auto envp = pointers(env);
  int trouble[2];
  if (::pipe2(trouble, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  pid_ = ::fork();
  if (pid_ == 0) child.become_program(argv.data(), envp.data(), trouble[1]);
  ::close(trouble[1]);
  int error = 0;
  const bool failed = pid_ < 0 || ::read(trouble[0], &error, sizeof error) > 0;
  ::close(trouble[0]);
  if (failed) {
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    throw std::runtime_error(fmt::format("cannot start {}: {}", command[0], std::strerror(error)));
  }
}

Process::~Process() {
  if (exit_code_) return;
  signal(SIGKILL);
  reap(0);
}

bool Process::reap(int flags) {
  if (exit_code_) return true;
  int status = 0;
  pid_t ended = 0;
  do {
    ended = ::waitpid(pid_, &status, flags);
  } while (ended < 0 && errno == EINTR);
  if (ended != pid_) return false;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return true;
}

bool Process::running() { return !reap(WNOHANG); }

std::optional<int> Process::wait(std::chrono::milliseconds limit) {
  eventually([this] { return reap(WNOHANG); }, limit);
  return exit_code_;
}

void Process::signal(int number) {
  if (!exit_code_) ::kill(pid_, number);
}

int Process::terminate(std::chrono::milliseconds limit) {
  signal(SIGTERM);
  if (!wait(limit)) kill();
  return *exit_code_;
}

Finished run_program(std::vector<std::string> command, ProcessOptions options,
                     std::chrono::milliseconds limit) {
  Process process(std::move(command), std::move(options));
  const std::optional<int> code = process.wait(limit);
  if (!code) process.kill();
  return Finished{code.value_or(124), process.out(), process.err()};
}

// --- Frozen ------------------------------------------------------------------------------------------

Frozen::Frozen(std::vector<pid_t> pids) {
  int leash[2];
  if (::pipe2(leash, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  guardian_ = ::fork();
  if (guardian_ == 0) {
    // Nothing of ours may stay open over there: a socket that we close would not look closed.
    ::dup2(leash[0], 0);
    ::close_range(1, ~0U, 0);
    for (const pid_t pid : pids) ::kill(pid, SIGSTOP);
    char byte = 0;
    while (::read(0, &byte, 1) < 0 && errno == EINTR) {
    }
    for (const pid_t pid : pids) ::kill(pid, SIGCONT);
    ::_exit(0);
  }
  ::close(leash[0]);
  leash_ = leash[1];
  // A signal is sent at once but obeyed a little later.
  for (const pid_t pid : pids) {
    eventually([pid] {
      const std::string state = read_file(fmt::format("/proc/{}/stat", pid));
      const auto name_end = state.rfind(')');
      return name_end == std::string::npos || state.substr(name_end).starts_with(") T") ||
             state.substr(name_end).starts_with(") Z");
    });
  }
}

Frozen::Frozen(Frozen&& other) noexcept
    : leash_(std::exchange(other.leash_, -1)), guardian_(std::exchange(other.guardian_, -1)) {}

void Frozen::thaw() {
  if (leash_ < 0) return;
  ::close(std::exchange(leash_, -1));
  ::waitpid(guardian_, nullptr, 0);
}

std::vector<pid_t> with_children(pid_t pid) {
  std::vector<pid_t> all{pid};
  std::istringstream children(read_file(fmt::format("/proc/{0}/task/{0}/children", pid)));
  for (pid_t child = 0; children >> child;) all.push_back(child);
  return all;
}

}  // namespace syncd::test
