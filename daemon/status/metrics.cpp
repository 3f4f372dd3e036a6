#include "daemon/status/metrics.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>

namespace syncd::status {
namespace {

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
double unix_seconds(WallTime t) { return std::chrono::duration<double>(t.time_since_epoch()).count(); }

// The daemon's own start; close enough to the process's, which /proc hides in a sandbox (ProcSubset=pid).
const WallTime kStarted = wall_now();

std::size_t open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
  if (!folder) return 0;
  std::size_t count = 0;
  while (const dirent* entry = ::readdir(folder.get())) count += entry->d_name[0] != '.' ? 1 : 0;
  return count == 0 ? 0 : count - 1;  // the folder's own
}

}  // namespace

void JobCounters::ended(const std::string& outcome, Duration took, std::uint64_t rows, std::uint64_t bytes,
                        std::uint32_t attempts, WallTime now) {
  ++runs_[outcome];
  rows_ += rows;
  bytes_ += bytes;
  if (attempts > 1) retries_ += attempts - 1;
  if (outcome == "succeeded") last_success_ = now;
  const double length = seconds(took);
  took_seconds_ += length;
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), length);
  if (bucket == kBounds.end()) {
    ++took_longer_;
  } else {
    ++took_[static_cast<std::size_t>(bucket - kBounds.begin())];
  }
}

void MetricsPage::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void MetricsPage::sample(std::string_view suffix, Labels labels, double value) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  for (const auto& [label, text] : labels) {
    text_ += fmt::format("{}{}=\"", separator, label);
    for (const char c : text) {
      if (c == '\\' || c == '"') text_ += '\\';
      text_ += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    text_ += '"';
    separator = ',';
  }
  if (separator == ',') text_ += '}';
  text_ += fmt::format(" {}\n", value);
}

void MetricsPage::daemon(std::string_view version, Duration loop_lag, std::size_t queued) {
  family("syncd_build_info", "gauge", "A constant 1, with the version of the daemon.");
  sample("", {{"version", version}}, 1);
  family("syncd_loop_lag_seconds", "gauge", "How late the event loop fired its latest timer.");
  sample("", {}, seconds(loop_lag));
  family("syncd_queue_length", "gauge", "Jobs whose occurrence is due and waits for its turn.");
  sample("", {{"queue", "runs"}}, static_cast<double>(queued));
}

void MetricsPage::circuits(const std::map<std::string, Circuit>& circuits) {
  family("syncd_circuit_state", "gauge", "The breaker of a connection: 0 closed, 1 half open, 2 open.");
  for (const auto& [target, state] : circuits) sample("", {{"target", target}}, static_cast<double>(state));
}

void MetricsPage::models(const std::vector<Tokens>& tokens) {
  family("syncd_llm_tokens_total", "counter", "Tokens that models were paid for since the daemon began.");
  for (const Tokens& each : tokens) {
    sample("", {{"job", each.job}, {"direction", "input"}}, static_cast<double>(each.input));
    sample("", {{"job", each.job}, {"direction", "output"}}, static_cast<double>(each.output));
  }
}

void MetricsPage::process() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto time = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  family("process_cpu_seconds_total", "counter", "User and system CPU time of the process.");
  sample("", {}, time(used.ru_utime) + time(used.ru_stime));
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  family("process_resident_memory_bytes", "gauge", "Resident memory of the process.");
  sample("", {}, static_cast<double>(resident) * page);
  family("process_virtual_memory_bytes", "gauge", "Virtual memory of the process.");
  sample("", {}, static_cast<double>(total) * page);
  family("process_open_fds", "gauge", "Open file descriptors.");
  sample("", {}, static_cast<double>(open_descriptors()));
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  family("process_max_fds", "gauge", "The limit of open file descriptors.");
  sample("", {}, static_cast<double>(limit.rlim_cur));
  family("process_start_time_seconds", "gauge", "When the process began, in seconds since the epoch.");
  sample("", {}, std::floor(unix_seconds(kStarted)));
}

void MetricsPage::jobs(const std::vector<Job>& jobs) {
  family("syncd_jobs", "gauge", "Jobs by what they do now.");
  for (const JobState state : {JobState::Idle, JobState::Running, JobState::Waiting, JobState::Paused,
                               JobState::Failed, JobState::Fenced}) {
    const auto count =
        std::count_if(jobs.begin(), jobs.end(), [&](const Job& job) { return job.status->state == state; });
    sample("", {{"state", to_string(state)}}, static_cast<double>(count));
  }
  totals(jobs);
  runs(jobs);
  instants(jobs);
}

void MetricsPage::totals(const std::vector<Job>& jobs) {
  const auto each = [&](auto value) {
    for (const Job& job : jobs) sample("", {{"job", job.status->name}}, static_cast<double>(value(job)));
  };
  const auto run_of = [](const Job& job) { return job.status->run.value_or(CurrentRun()); };
  family("syncd_job_rows_total", "counter", "Rows committed to the sink.");
  each([&](const Job& job) { return job.counters->rows_ + run_of(job).rows; });
  family("syncd_job_bytes_total", "counter", "Bytes committed to the sink.");
  each([&](const Job& job) { return job.counters->bytes_ + run_of(job).bytes; });
  family("syncd_job_retries_total", "counter", "Attempts after a failed one.");
  each([&](const Job& job) {
    const std::uint32_t attempts = run_of(job).attempts;
    return job.counters->retries_ + (attempts > 1 ? attempts - 1 : 0);
  });
  family("syncd_job_dead_letters", "gauge", "Records that wait among the dead letters.");
  each([](const Job& job) { return job.status->dead_letters; });
}

void MetricsPage::runs(const std::vector<Job>& jobs) {
  family("syncd_job_runs_total", "counter", "Runs that have ended, by outcome.");
  for (const Job& job : jobs) {
    for (const auto& [outcome, count] : job.counters->runs_) {
      sample("", {{"job", job.status->name}, {"outcome", outcome}}, static_cast<double>(count));
    }
  }
  family("syncd_job_run_duration_seconds", "histogram", "How long runs took, their retries included.");
  for (const Job& job : jobs) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < JobCounters::kBounds.size(); ++i) {
      count += job.counters->took_[i];
      sample("_bucket", {{"job", job.status->name}, {"le", fmt::format("{}", JobCounters::kBounds[i])}},
             static_cast<double>(count));
    }
    count += job.counters->took_longer_;
    sample("_bucket", {{"job", job.status->name}, {"le", "+Inf"}}, static_cast<double>(count));
    sample("_sum", {{"job", job.status->name}}, job.counters->took_seconds_);
    sample("_count", {{"job", job.status->name}}, static_cast<double>(count));
  }
}

void MetricsPage::instants(const std::vector<Job>& jobs) {
  const auto each = [&](auto value) {
    for (const Job& job : jobs) {
      if (const auto found = value(job)) sample("", {{"job", job.status->name}}, *found);
    }
  };
  const auto when = [](const std::optional<WallTime>& t) {
    return t ? std::optional<double>(unix_seconds(*t)) : std::nullopt;
  };
  family("syncd_job_lag_seconds", "gauge", "How far the sink is behind its source, where the source knows.");
  each([](const Job& job) {
    return job.status->lag ? std::optional<double>(seconds(*job.status->lag)) : std::nullopt;
  });
  family("syncd_job_last_success_timestamp_seconds", "gauge", "When a run last succeeded.");
  each([&](const Job& job) { return when(job.counters->last_success_); });
  family("syncd_checkpoint_timestamp_seconds", "gauge", "When rows were last committed.");
  each([&](const Job& job) { return when(job.last_commit); });
  family("syncd_job_next_run_timestamp_seconds", "gauge", "When the next run is planned.");
  each([&](const Job& job) { return when(job.status->next_run); });
}

}  // namespace syncd::status
