// The sections of the model with their help, and the walk over the files.
#include "config/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <system_error>

namespace syncd::config {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

std::optional<std::string> absolute(const std::string& path) {
  if (path.starts_with('/')) return std::nullopt;
  return "must be an absolute path, found " + config::quoted(path);
}

std::optional<std::string> socket_path(const std::string& path) {
  constexpr std::size_t kLongest = 107;  // sockaddr_un
  if (path.size() > kLongest) return fmt::format("must not be longer than {} bytes", kLongest);
  return absolute(path);
}

std::optional<std::string> not_empty(const std::string& text) {
  return text.empty() ? std::optional<std::string>("must not be empty") : std::nullopt;
}

// ADDRESS:PORT in numbers, "[ADDRESS]:PORT" for IPv6.
std::optional<std::string> listen_address(const std::string& text) {
  static const std::regex form(R"((\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):\d{1,5})");
  if (text.empty() || std::regex_match(text, form)) return std::nullopt;
  return "must be an address and a port in numbers, such as \"127.0.0.1:9464\" or \"[::1]:9464\"";
}
bool loopback(const std::string& address) {
  return address.starts_with("127.") || address.starts_with("[::1]:");
}

std::optional<std::string> group_name(const std::string& name) {
  if (name.empty() || valid_name(name)) return std::nullopt;
  return "is written like the name of a job: a-z, 0-9, '_' and '-'; found " + config::quoted(name);
}

const Fields<Daemon>& daemon_fields() {
  static const auto all =
      Fields<Daemon>()
          .add("state_dir", &Daemon::state_dir, "folder of the state database: checkpoints and runs")
          .check(absolute)
          .add("time_zone", &Daemon::time_zone,
               "zone of the schedules that name times of the day; without it, the system's")
          .example("Europe/Paris")
          .add("drain_timeout", &Daemon::drain_timeout,
               "how long running jobs may take to reach their next commit after SIGTERM")
          .at_most(hours(24))
          .add("max_running", &Daemon::max_running,
               "how many jobs may run at the same time, those that run continuously not counted; 0: no limit")
          .add("history_runs", &Daemon::history_runs, "rows of the history that each job keeps; 0: no limit")
          .add("history_age", &Daemon::history_age, "rows older than this are dropped; 0: no limit")
          .add("breaker_failures", &Daemon::breaker_failures,
               "failures in a row after which the jobs of a connection leave it alone for a while; 0: never")
          .add("breaker_pause", &Daemon::breaker_pause,
               "shortest and longest time until one of them tries it again")
          .range(milliseconds(1), hours(24));
  return all;
}

const Fields<Log>& log_fields() {
  static const auto all = Fields<Log>()
                              .add("level", &Log::level, "the least important messages that are written")
                              .add("format", &Log::format, "auto: the journal under systemd, else text");
  return all;
}

const Fields<Control>& control_fields() {
  static const auto all =
      Fields<Control>()
          .add("socket", &Control::socket, "the Unix socket that syncctl talks to")
          .check(socket_path)
          .add("group", &Control::group,
               "the group whose members may operate the daemon; \"\": only its own user and root");
  return all;
}

const Fields<Http>& http_fields() {
  static const auto all =
      Fields<Http>()
          .add("listen", &Http::listen,
               "address and port of GET /metrics, /healthz, /readyz and /jobs/NAME/events over TCP; \"\": no "
               "port at all")
          .check(listen_address)
          .example("127.0.0.1:9464")
          .add("token", &Http::token,
               "what clients send as `Authorization: Bearer TOKEN`, or in the address as "
               "`?access_token=TOKEN`; "
               "needed on an address that other machines reach")
          .add("origins", &Http::origins,
               "web pages of these origins may read the answers from a browser; others may not")
          .example("[\"https://dashboard.example\"]");
  return all;
}

const Fields<Retry>& retry_fields() {
  static const auto all =
      Fields<Retry>()
          .add("attempts", &Retry::attempts, "attempts of one run, the first included; 0: for ever")
          .at_most(1'000'000)
          .add("backoff", &Retry::backoff, "shortest and longest pause between two attempts")
          .range(milliseconds(1), hours(24))
          .add("total", &Retry::total, "no new attempt this long after the first began; 0: no limit");
  return all;
}

const Fields<Group>& group_fields() {
  static const auto all =
      Fields<Group>()
          .add("max_running", &Group::max_running, "how many jobs of the group may run at the same time")
          .at_least(1);
  return all;
}

const Fields<Job>& job_fields() {
  static const auto all =
      Fields<Job>()
          .add("description", &Job::description, "what the job is for; shown by syncctl status")
          .required("schedule", &Job::schedule, "when it runs")
          .check(not_empty)
          .example("every 30s")
          .add("time_zone", &Job::time_zone,
               "zone of a schedule that names times of the day; else the daemon's")
          .example("America/New_York")
          .add("timeout", &Job::timeout, "the longest that one run may take; 0: no limit")
          .add("retry", &Job::retry, retry_fields(), "what happens after a failure")
          .add("overlap", &Job::overlap,
               "what to do with an occurrence while the last run still goes on: skip it, queue it (one at "
               "most), or let it replace the run")
          .add("catch_up", &Job::catch_up,
               "which of the occurrences that were missed while the daemon was down run later: none, one "
               "(the last), or all:N (the last N)")
          .example("all:3")
          .add("catch_up_window", &Job::catch_up_window,
               "what was missed longer ago does not run; 0: no limit")
          .add("start_deadline", &Job::start_deadline,
               "an occurrence that could not start for this long does not run; 0: it waits for ever")
          .add("jitter", &Job::jitter,
               "starts up to this much later, always the same time for this job on this host")
          .at_most(hours(24))
          .add("group", &Job::group, "jobs of a group do not run at the same time; see [groups.NAME]")
          .check(group_name)
          .example("reports")
          .add("needs", &Job::needs, "runs only after the last run of each of these jobs has succeeded")
          .example("[\"extract\"]")
          .add("pause_on_failures", &Job::pause_on_failures,
               "pauses the job after so many failed runs in a row; 0: never")
          .add("on_bad_record", &Job::on_bad_record, "what to do with a record that the sink refuses")
          .required("source", &Job::source,
                    "where records come from; its `type` says which other keys it has")
          .add("transforms", &Job::transforms, "what happens to them on the way, in this order")
          .required("sink", &Job::sink, "where they go; its `type` says which other keys it has");
  return all;
}

std::string name_advice(std::string_view what, std::string_view name) {
  return fmt::format(
      "'{}' is no name for a {}: use 1 to 63 of a-z, 0-9, '_' and '-', beginning with a letter or digit",
      name, what);
}

// The `type` of a source, a transform, a sink or a connection; "" and the finding when it is missing.
std::string read_type(const Table& table) {
  if (!table.has("type")) {
    table.expect("type");
    detail::fail_required(table, "type");
    return {};
  }
  auto type = table.string("type");
  if (type && type->empty()) table.fail("type", "'type' must not be empty");
  return type.value_or("");
}

void read_connections(const Table& root, Config& config) {
  const auto all = root.table("connections");
  if (!all) return;
  for (const std::string& name : all->keys()) {
    const auto table = all->table(name);
    if (!table) continue;
    if (!valid_name(name)) all->fail(name, name_advice("connection", name));
    Connection connection{name, read_type(*table), *table};
    config.connections.insert_or_assign(name, std::move(connection));
  }
}

void read_groups(const Table& root, Config& config) {
  const auto all = root.table("groups");
  if (!all) return;
  for (const std::string& name : all->keys()) {
    const auto table = all->table(name);
    if (!table) continue;
    if (!valid_name(name)) all->fail(name, name_advice("group", name));
    group_fields().read(*table, config.groups[name]);
  }
}

Job read_job(const std::string& name, const Table& table) {
  Job job;
  job.name = name;
  job.place = table.place();
  job_fields().read(table, job);
  job.table = table;  // with what was refused
  for (const Table* part : {&job.source, &job.sink}) {
    if (!part->path().empty()) read_type(*part);
  }
  for (const Table& transform : job.transforms) read_type(transform);
  return job;
}

void read_jobs(const Table& root, Config& config) {
  const auto all = root.table("jobs");
  if (!all) return;
  for (const std::string& name : all->keys()) {
    const auto table = all->table(name);
    if (!table) continue;
    if (!valid_name(name)) all->fail(name, name_advice("job", name));
    Job job = read_job(name, *table);
    const auto [at, added] = config.jobs.try_emplace(name, std::move(job));
    if (!added) {
      table->fail(
          fmt::format("job '{}' is defined twice; the other one is at {}", name, at->second.place.text()));
    }
  }
}

void read_http(const Table& table, Http& http) {
  http_fields().read(table, http);
  if (http.listen.empty() || table.refused("listen") || table.refused("token")) return;
  if (!loopback(http.listen) && (!http.token || *http.token == Secret())) {
    table.fail("listen",
               fmt::format("'{}' is reached from other machines: this needs a `token`; or listen on "
                           "127.0.0.1",
                           http.listen));
  }
}

void read_main(const Table& root, Config& config) {
  if (const auto table = root.table("daemon")) {
    config.daemon.table = *table;
    daemon_fields().read(*table, config.daemon);
  }
  if (const auto table = root.table("log")) log_fields().read(*table, config.log);
  if (const auto table = root.table("control")) control_fields().read(*table, config.control);
  if (const auto table = root.table("http")) read_http(*table, config.http);
  read_connections(root, config);
  read_groups(root, config);
  read_jobs(root, config);
  root.finish();
  config.settings = root.leaves();
  std::erase_if(config.settings, [](const auto& leaf) {
    return leaf.first.starts_with("connections") || leaf.first.starts_with("jobs");
  });
}

void read_job_file(const Table& root, const std::string& main_name, Config& config) {
  for (const char* section : {"daemon", "log", "control", "http", "connections", "groups"}) {
    if (!root.has(section)) continue;
    root.expect(section);
    root.fail(section,
              fmt::format("[{}] belongs in {}; a file of jobs.d holds [jobs.NAME] only", section, main_name));
  }
  read_jobs(root, config);
  root.finish();
}

void refuse_connections(const Job& job) {
  job.source.refuse("connection");
  for (const Table& transform : job.transforms) transform.refuse("connection");
  job.sink.refuse("connection");
}

// The *.toml of the folder in the order of their names.  Editors' backups end otherwise ("x.toml~") or
// are hidden (".#x.toml").
std::vector<std::filesystem::path> job_files(const std::filesystem::path& folder, const Findings& findings) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  if (error == std::errc::no_such_file_or_directory) return files;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::filesystem::path name = entry->path().filename();
    if (name.extension() == ".toml" && !name.string().starts_with('.')) files.push_back(entry->path());
  }
  if (error) findings.add({folder.string(), 0, 0}, error.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

bool valid_name(std::string_view name) {
  constexpr std::size_t kLongest = 63;
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > kLongest || !plain(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '_' || c == '-'; });
}

Config load(const std::filesystem::path& main_file, const Findings& findings) {
  Config config;
  config.files.push_back(main_file.string());
  const auto main = Table::parse_file(main_file, findings);
  if (main) read_main(*main, config);
  for (const std::filesystem::path& file : job_files(main_file.parent_path() / "jobs.d", findings)) {
    config.files.push_back(file.string());
    if (const auto root = Table::parse_file(file, findings)) {
      read_job_file(*root, main_file.filename().string(), config);
    }
  }
  // Which connections there are, nobody knows then.
  for (const auto& [name, job] : config.jobs) {
    if (!main) refuse_connections(job);
  }
  return config;
}

Config load_or_throw(const std::filesystem::path& main_file) {
  const Findings findings;
  Config config = load(main_file, findings);
  if (!findings.empty()) throw ConfigError(findings);
  return config;
}

std::vector<SectionDoc> section_docs() {
  return {{"daemon", "the process", daemon_fields().docs()},
          {"log", "what it writes about itself", log_fields().docs()},
          {"control", "the socket of syncctl", control_fields().docs()},
          {"http", "pages over TCP, for Prometheus and probes", http_fields().docs()},
          {"groups.NAME", "jobs that do not run at the same time", group_fields().docs()},
          {"jobs.NAME", "one job", job_fields().docs()}};
}

}  // namespace syncd::config
