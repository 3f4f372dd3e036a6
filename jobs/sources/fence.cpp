#include "jobs/sources/fence.hpp"

#include <algorithm>
#include <iterator>

namespace syncd::jobs {
namespace {

std::set<std::string> both(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::set<std::string> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(common, common.end()));
  return common;
}

}  // namespace

void Fence::observe(const Observation& seen) {
  // After a restart of the server every transaction of its former life has ended, but the prepared ones.
  const bool rebooted = boot_ != seen.boot;
  boot_ = seen.boot;
  for (OpenRange& range : ranges_) {
    range.waiting = rebooted ? std::set<std::string>() : both(range.waiting, seen.live);
    if (!range.waiting.empty()) continue;
    range.prepared = range.prepared ? both(*range.prepared, seen.prepared) : seen.prepared;
  }
  // Neighbours that wait for the same end are one range.
  for (std::size_t i = 0; i + 1 < ranges_.size();) {
    const bool same = ranges_[i].waiting == ranges_[i + 1].waiting &&
                      ranges_[i].prepared == ranges_[i + 1].prepared && !ranges_[i].at && !ranges_[i + 1].at;
    if (same) {
      merge(i);
    } else {
      ++i;
    }
  }
}

void Fence::begin(const std::optional<CursorValues>& low, const Observation& seen) {
  OpenRange range;
  range.low = low;
  range.high = seen.upper;
  range.waiting = seen.live;
  if (seen.live.empty()) range.prepared = seen.prepared;
  range.xmin = seen.xmin;
  range.since_us = seen.wall_us;
  ranges_.push_back(std::move(range));
  shrink();
}

void Fence::forget(const std::optional<CursorValues>& low, const Observation& seen) {
  if (ranges_.empty()) return;
  const OpenRange& last = ranges_.back();
  if (last.low == low && last.high == seen.upper) ranges_.pop_back();
}

void Fence::merge(std::size_t first) {
  OpenRange& low = ranges_[first];
  OpenRange& high = ranges_[first + 1];
  low.high = high.high;
  low.waiting.insert(high.waiting.begin(), high.waiting.end());
  // What was prepared when the one drained holds for both; where one still waits, it is asked anew.
  if (low.prepared && high.prepared) {
    low.prepared->insert(high.prepared->begin(), high.prepared->end());
  } else {
    low.prepared.reset();
  }
  low.xmin = std::min(low.xmin, high.xmin);
  low.since_us = std::min(low.since_us, high.since_us);
  low.at.reset();
  ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(first) + 1);
}

// Where there are too many, the neighbours that are closest in time become one: it then settles when the
// later of them would have.
void Fence::shrink() {
  while (ranges_.size() > kMaxRanges) {
    std::size_t best = 0;
    std::int64_t span = INT64_MAX;
    for (std::size_t i = 0; i + 1 < ranges_.size(); ++i) {
      const std::int64_t apart = ranges_[i + 1].since_us - ranges_[i].since_us;
      if (apart < span) {
        span = apart;
        best = i;
      }
    }
    merge(best);
  }
}

std::optional<std::string> Fence::take_settled_prefix() {
  std::optional<std::string> bound;
  auto range = ranges_.begin();
  while (range != ranges_.end() && range->settled()) bound = (range++)->high;
  ranges_.erase(ranges_.begin(), range);
  return bound;
}

}  // namespace syncd::jobs
