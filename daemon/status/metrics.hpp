// What Prometheus reads of us, in its text format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/).  Base units: seconds, bytes.  Labels are
// names from the configuration and words of ours, never ids or texts from outside.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/coro/clock.hpp"
#include "daemon/status/job_status.hpp"

namespace syncd::status {

// The runs of one job that have ended since the daemon began; the one under way stands in its JobStatus.
// Loop thread only.
class JobCounters {
 public:
  // Upper bounds of the buckets for the length of a run, in seconds.
  static constexpr std::array<double, 10> kBounds = {0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200};

  // `outcome`: succeeded failed cancelled interrupted.
  void ended(const std::string& outcome, Duration took, std::uint64_t rows, std::uint64_t bytes,
             std::uint32_t attempts, WallTime now);

 private:
  friend class MetricsPage;
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t retries_ = 0;
  std::map<std::string, std::uint64_t> runs_;
  std::array<std::uint64_t, kBounds.size()> took_{};  // each counts its own bucket only
  std::uint64_t took_longer_ = 0;
  double took_seconds_ = 0;
  std::optional<WallTime> last_success_;
};

// A reply to GET /metrics.  Families in a fixed order, each with help and type, jobs in the order given.
class MetricsPage {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  struct Job {
    const JobStatus* status;
    const JobCounters* counters;
    std::optional<WallTime> last_commit;
  };

  enum class Circuit { Closed = 0, HalfOpen = 1, Open = 2 };
  struct Tokens {
    std::string job;
    std::uint64_t input;
    std::uint64_t output;
  };

  // `queued`: jobs with an occurrence that waits.
  void daemon(std::string_view version, Duration loop_lag, std::size_t queued);
  // From /proc/self and getrusage(2), under the names that every client library uses.
  void process();
  void jobs(const std::vector<Job>& jobs);
  // By connection.
  void circuits(const std::map<std::string, Circuit>& circuits);
  void models(const std::vector<Tokens>& tokens);

  const std::string& text() const noexcept { return text_; }

 private:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::string_view suffix, Labels labels, double value);
  void totals(const std::vector<Job>& jobs);
  void runs(const std::vector<Job>& jobs);
  void instants(const std::vector<Job>& jobs);

  std::string text_;
  std::string name_;  // of the family under way
};

}  // namespace syncd::status
