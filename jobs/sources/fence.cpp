#include "jobs/sources/fence.hpp"

#include <algorithm>

namespace syncd::jobs {
namespace {

// Keeps of `from` what is in `still`; true when something had to go.
bool intersect(std::set<std::string>& from, const std::set<std::string>& still) {
  return std::erase_if(from, [&](const std::string& item) { return !still.contains(item); }) != 0;
}

}  // namespace

OpenRange::OpenRange(const std::optional<CursorValues>& low_in, const Observation& seen)
    : low(low_in),
      high(seen.upper),
      waiting(seen.live),
      prepared(seen.prepared),
      xmin(seen.xmin),
      since_us(seen.wall_us) {}

bool OpenRange::narrow(const Observation& seen) {
  const bool committed = intersect(prepared, seen.prepared);
  const bool ended = intersect(waiting, seen.live);
  if (ended) prepared.insert(seen.prepared.begin(), seen.prepared.end());
  return ended || committed;
}

void Fence::observe(const Observation& seen) {
  // After a restart of the server every transaction of its former life has ended, but the prepared ones.
  const bool rebooted = boot_ != seen.boot;
  boot_ = seen.boot;
  Observation gone = seen;
  if (rebooted) gone.live.clear();
  for (OpenRange& range : ranges_) {
    if (range.narrow(gone)) {
      range.due = true;
      range.at.reset();  // what that read has passed may have grown since
    } else if (!range.due) {
      // Whoever may still be late runs now, or has no transaction id yet.
      range.xmin = std::max(range.xmin, seen.xmin);
    }
  }
  join_equals();
}

void Fence::add(OpenRange range) {
  ranges_.push_back(std::move(range));
  join_equals();
  shrink();
}

bool Fence::covers(const OpenRange& range) const {
  const auto known = [&](const std::string& id, std::set<std::string> OpenRange::*set) {
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [&](const OpenRange& other) { return (other.*set).contains(id); });
  };
  return std::all_of(range.waiting.begin(), range.waiting.end(),
                     [&](const std::string& id) { return known(id, &OpenRange::waiting); }) &&
         std::all_of(range.prepared.begin(), range.prepared.end(),
                     [&](const std::string& id) { return known(id, &OpenRange::prepared); });
}

std::optional<std::size_t> Fence::due(std::int64_t now_us) const {
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (ranges_[i].settled() || (ranges_[i].due && now_us >= ranges_[i].rest_until_us)) return i;
  }
  return std::nullopt;
}

void Fence::reread(std::size_t index, std::int64_t now_us) {
  OpenRange& range = ranges_[index];
  if (range.settled()) {
    ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(index));
    return;
  }
  range.due = false;
  range.at.reset();
  range.rest_until_us = now_us + std::max<std::int64_t>(now_us - range.since_us, 0);
}

std::optional<std::string> Fence::take_settled_prefix() {
  std::optional<std::string> bound;
  auto range = ranges_.begin();
  while (range != ranges_.end() && range->settled()) bound = (range++)->high;
  ranges_.erase(ranges_.begin(), range);
  return bound;
}

void Fence::merge(std::size_t first) {
  OpenRange& low = ranges_[first];
  OpenRange& high = ranges_[first + 1];
  low.high = high.high;
  low.waiting.merge(high.waiting);
  low.prepared.merge(high.prepared);
  low.xmin = std::min(low.xmin, high.xmin);
  low.since_us = std::min(low.since_us, high.since_us);
  low.due = low.due || high.due;
  low.at.reset();
  low.rest_until_us = std::max(low.rest_until_us, high.rest_until_us);
  ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(first) + 1);
}

// Neighbours that wait for the same ones are one range: under a long transaction there stay few.
void Fence::join_equals() {
  for (std::size_t i = 0; i + 1 < ranges_.size();) {
    const OpenRange& one = ranges_[i];
    const OpenRange& next = ranges_[i + 1];
    const bool same = one.waiting == next.waiting && one.prepared == next.prepared && one.due == next.due &&
                      !one.at && !next.at;
    if (same) {
      merge(i);
    } else {
      ++i;
    }
  }
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

}  // namespace syncd::jobs
