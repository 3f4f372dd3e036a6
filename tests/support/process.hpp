// Process: a program under test.  Its output goes to files, it is killed when the object goes, and also
// when the test itself dies (PR_SET_PDEATHSIG: start it from a thread that lives as long).
#pragma once
#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace syncd::test {

struct ProcessOptions {
  std::map<std::string, std::string> env;  // added to ours; "" removes the variable
  std::string cwd;
  std::string stdin_file = "/dev/null";
  std::string user;            // who runs it, when we are root
  int death_signal = SIGKILL;  // what it gets when the test dies
  bool own_stdout = false;     // its output goes where ours goes, for debugging
};

class Process {
 public:
  // Starts `command` (found in PATH); throws when there is no such program.
  explicit Process(std::vector<std::string> command, ProcessOptions options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const noexcept { return pid_; }
  bool running();
  // Its exit code, 128 + N when signal N ended it; nullopt when it still runs after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(30));
  // No more than a wish; harmless when it has ended.
  void signal(int number);
  void kill() { signal(SIGKILL), wait(); }
  void stop() { signal(SIGSTOP); }
  void resume() { signal(SIGCONT); }
  // SIGTERM, then wait() as above; SIGKILL when it does not go.
  int terminate(std::chrono::milliseconds limit = std::chrono::seconds(30));

  // What it has written so far.
  std::string out() const { return read_file(folder_ / "out"); }
  std::string err() const { return read_file(folder_ / "err"); }

 private:
  bool reap(int flags);

  TempDir folder_;
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

struct Finished {
  int code;
  std::string out, err;
};
// Runs a program to its end; killed, with code 124, when that takes longer than `limit`.
Finished run_program(std::vector<std::string> command, ProcessOptions options = {},
                     std::chrono::milliseconds limit = std::chrono::seconds(60));

// Frozen: processes that are stopped (SIGSTOP) while the object lives.  A guardian wakes them also when the
// test dies meanwhile, so that nothing stays behind for ever.
class Frozen {
 public:
  explicit Frozen(std::vector<pid_t> pids);
  Frozen(Frozen&& other) noexcept;
  ~Frozen() { thaw(); }
  void thaw();

 private:
  int leash_ = -1;  // the guardian waits for its end
  pid_t guardian_ = -1;
};

// `pid` and its children.
std::vector<pid_t> with_children(pid_t pid);

}  // namespace syncd::test
