// TopHistory: what each job did in the last refreshes: its throughput and its lag over time.  Pure.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "daemon/status/job_status.hpp"

namespace syncd::ctl {

class TopHistory {
 public:
  // One refresh: the status of all jobs at `now`; those that are not among them are forgotten.
  void take(const std::vector<status::JobStatus>& jobs, WallTime now);

  // Rows a second between the last two refreshes; 0 where there was only one.
  double rate(const std::string& job) const;
  // The newest `width` values as a line of block characters, scaled to the largest of them; shorter while
  // there are fewer.  A value above 0 is never blank.
  std::string rates(const std::string& job, std::size_t width) const;
  std::string lags(const std::string& job, std::size_t width) const;

 private:
  struct Series {
    std::deque<double> rates;
    std::deque<double> lags;  // seconds, or rows where no time is known
    std::uint64_t rows = 0;   // of the run that was seen last
    WallTime run{};           // when that began
    WallTime at{};
  };
  std::map<std::string, Series> jobs_;
};

// "▁▂█": each value by its part of the largest one.
std::string sparkline(const std::deque<double>& values, std::size_t width);

}  // namespace syncd::ctl
