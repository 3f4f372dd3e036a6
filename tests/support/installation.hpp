// Installation: syncd as a user has it: a folder with a configuration, the daemon that runs on it, and
// syncctl to talk to it.  Its connections are "app" (PostgreSQL) and "cache" (Redis).
#pragma once
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::test {

using Json = nlohmann::json;

// Lines of TOML for one connection: its address, and what else it needs.
struct Connected {
  Connected(std::string uri_in, std::string more_in = "")
      : uri(std::move(uri_in)), more(std::move(more_in)) {}
  std::string uri;
  std::string more;
};

// A job from the table of tests/support/items.hpp; each text is lines of TOML.
// A Redis sink has its connection already.
struct JobLines {
  std::string sink = "type = 'redis_hash'\nkey = 'item:{id}'";
  std::string source = "cursor = ['updated_at', 'id']";
  std::string job = "";
  std::string schedule = "continuous";
  std::string settle = "20ms";  // longer where writers keep the machine busy
};

class Installation {
 public:
  // `daemon`: lines for [daemon].
  Installation(const Connected& app, const Connected& cache, const std::string& daemon = "");
  // Shows the daemon's log where the test has failed.
  ~Installation();
  Installation(const Installation&) = delete;
  Installation& operator=(const Installation&) = delete;

  // jobs.d/NAME.toml.
  void write_job(const std::string& name, const JobLines& lines) const;
  std::string path(const std::string& name) const { return folder_ / name; }
  const TempDir& folder() const noexcept { return folder_; }

  // Runs syncd with these arguments, beside --config, to its end.
  Finished run(std::vector<std::string> arguments, const ProcessOptions& options = {}) const;

  // Starts the daemon; returns once its socket answers, or it has ended.
  void start(std::map<std::string, std::string> env = {});
  // The same for the foreground run of one job.
  void start_once(const std::string& job);
  Process& process() { return *process_; }
  bool running() { return process_ && process_->running(); }
  // What every process so far has logged.
  std::string log() const { return past_log_ + (process_ ? process_->err() : ""); }

  Finished ctl(std::vector<std::string> arguments) const;
  // As `syncctl status JOB --json` prints it; an empty object where nobody answers.
  Json status(const std::string& job) const;
  std::string state(const std::string& job) const { return status(job).value("state", ""); }
  std::string waiting_for(const std::string& job) const { return status(job).value("waiting_for", ""); }
  std::string last_error(const std::string& job) const { return status(job).value("last_error", ""); }
  bool caught_up(const std::string& job) const;

 private:
  std::vector<std::string> command(std::vector<std::string> arguments) const;
  void launch(std::vector<std::string> arguments, std::map<std::string, std::string> env);

  TempDir folder_;
  std::unique_ptr<Process> process_;
  std::string past_log_;
};

}  // namespace syncd::test
