#include "daemon/ctl/top_history.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace syncd::ctl {
namespace {

using status::JobStatus;

constexpr std::size_t kKept = 200;  // the widest line that is drawn

void push(std::deque<double>& values, double value) {
  values.push_back(value);
  if (values.size() > kKept) values.pop_front();
}

// The run under way, or the last one: its rows so far and when it began.
std::pair<std::uint64_t, WallTime> progress(const JobStatus& job) {
  if (job.run) return {job.run->rows, job.run->started};
  if (job.last_run) return {job.last_run->rows, job.last_run->started};
  return {0, WallTime{}};
}

double lag_of(const JobStatus& job) {
  if (job.lag) return std::chrono::duration<double>(*job.lag).count();
  return job.lag_rows ? static_cast<double>(*job.lag_rows) : 0.0;
}

}  // namespace

void TopHistory::take(const std::vector<JobStatus>& jobs, WallTime now) {
  std::map<std::string, Series> kept;
  for (const JobStatus& job : jobs) {
    const auto known = jobs_.find(job.name);
    const bool first = known == jobs_.end();
    Series series = first ? Series() : std::move(known->second);
    const auto [rows, run] = progress(job);
    if (!first) {
      // A run that began since then brought all of its rows since then.
      const std::uint64_t before = run == series.run ? series.rows : 0;
      const double fresh = rows > before ? static_cast<double>(rows - before) : 0.0;
      const double elapsed = std::chrono::duration<double>(now - series.at).count();
      push(series.rates, elapsed > 0 ? fresh / elapsed : 0.0);
    }
    push(series.lags, lag_of(job));
    series.rows = rows;
    series.run = run;
    series.at = now;
    kept.emplace(job.name, std::move(series));
  }
  jobs_ = std::move(kept);
}

double TopHistory::rate(const std::string& job) const {
  const auto known = jobs_.find(job);
  return known == jobs_.end() || known->second.rates.empty() ? 0.0 : known->second.rates.back();
}

std::string TopHistory::rates(const std::string& job, std::size_t width) const {
  const auto known = jobs_.find(job);
  return known == jobs_.end() ? std::string() : sparkline(known->second.rates, width);
}

std::string TopHistory::lags(const std::string& job, std::size_t width) const {
  const auto known = jobs_.find(job);
  return known == jobs_.end() ? std::string() : sparkline(known->second.lags, width);
}

std::string sparkline(const std::deque<double>& values, std::size_t width) {
  static constexpr std::array<const char*, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t count = std::min(width, values.size());
  const auto begin = values.end() - static_cast<std::ptrdiff_t>(count);
  const double largest = count == 0 ? 0.0 : *std::max_element(begin, values.end());
  std::string line;
  for (auto value = begin; value != values.end(); ++value) {
    if (!(*value > 0)) {
      line += ' ';
      continue;
    }
    const double part = std::ceil(*value / largest * static_cast<double>(kBlocks.size()));
    line += kBlocks[static_cast<std::size_t>(part) - 1];
  }
  return line;
}

}  // namespace syncd::ctl
