#include "tests/support/installation.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/eventually.hpp"

namespace syncd::test {
namespace {

bool listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

}  // namespace

Installation::Installation(const Connected& app, const Connected& cache, const std::string& daemon) {
  folder_.write("syncd.toml",
                fmt::format("[daemon]\n"
                            "state_dir = '{0}/state'\n"
                            "{1}\n"
                            "[log]\n"
                            "level = 'debug'\n"
                            "[control]\n"
                            "socket = '{0}/control.sock'\n"
                            "group = ''\n"
                            "[connections.app]\n"
                            "type = 'postgres'\n"
                            "uri = '{2}'\n"
                            "{3}\n"
                            "[connections.cache]\n"
                            "type = 'redis'\n"
                            "uri = '{4}'\n"
                            "{5}\n",
                            folder_.path().string(), daemon, app.uri, app.more, cache.uri, cache.more));
}

Installation::~Installation() {
  if (!testing::Test::HasFailure()) return;
  constexpr std::size_t kEnd = 8000;
  std::string text = log();
  if (text.size() > kEnd) text = "[...]" + text.substr(text.size() - kEnd);
  std::fputs(("--- the log of syncd:\n" + text).c_str(), stderr);
}

void Installation::write_job(const std::string& name, const JobLines& lines) const {
  folder_.write("jobs.d/" + name + ".toml",
                fmt::format("[jobs.{0}]\n"
                            "schedule = '{1}'\n"
                            "retry = {{ attempts = 0, backoff = '10ms..200ms' }}\n"
                            "{2}\n"
                            "[jobs.{0}.source]\n"
                            "type = 'postgres_table'\n"
                            "connection = 'app'\n"
                            "table = 'items'\n"
                            "columns = ['id', 'version', 'text']\n"
                            "poll = '20ms'\n"
                            "settle = '{5}'\n"
                            "{3}\n"
                            "[jobs.{0}.sink]\n"
                            "{6}\n"
                            "{4}\n",
                            name, lines.schedule, lines.job, lines.source, lines.sink, lines.settle,
                            lines.sink.find("redis_") == std::string::npos ? "" : "connection = 'cache'"));
}

std::vector<std::string> Installation::command(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {SYNCD_BINARY, "--config", path("syncd.toml")});
  return arguments;
}

Finished Installation::run(std::vector<std::string> arguments, const ProcessOptions& options) const {
  return run_program(command(std::move(arguments)), options);
}

void Installation::launch(std::vector<std::string> arguments, std::map<std::string, std::string> env) {
  if (process_) past_log_ += process_->err();
  ProcessOptions options;
  options.env = std::move(env);
  process_ = std::make_unique<Process>(command(std::move(arguments)), options);
}

void Installation::start(std::map<std::string, std::string> env) {
  launch({}, std::move(env));
  if (!eventually([this] { return !process_->running() || listens(path("control.sock")); })) {
    throw std::runtime_error("syncd does not listen: " + process_->err());
  }
}

void Installation::start_once(const std::string& job) { launch({"--once", job}, {}); }

Finished Installation::ctl(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {SYNCCTL_BINARY, "--socket", path("control.sock")});
  return run_program(std::move(arguments));
}

Json Installation::status(const std::string& job) const {
  const Finished answer = ctl({"status", job, "--json"});
  return answer.code == 0 ? Json::parse(answer.out) : Json::object();
}

bool Installation::caught_up(const std::string& job) const {
  const Json now = status(job);
  return now.contains("run") && now["run"].is_object() && now["run"].value("caught_up", false);
}

}  // namespace syncd::test
