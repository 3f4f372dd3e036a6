#include "jobs/sources/fence.hpp"

#include <algorithm>
#include <utility>

namespace syncd::jobs {
namespace {

// Brings `those` up to date with who is there; notes in `ended` the least id of those who are not.
void narrow(Transactions& those, const Transactions& there, std::optional<std::uint64_t>& ended) {
  for (auto it = those.begin(); it != those.end();) {
    const auto found = there.find(it->first);
    if (found == there.end()) {
      ended = std::min(ended.value_or(it->second), it->second);
      it = those.erase(it);
    } else {
      it->second = std::max(it->second, found->second);
      ++it;
    }
  }
}

std::optional<std::uint64_t> least(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  return a && b ? std::min(*a, *b) : (a ? a : b);
}

}  // namespace

OpenRange::OpenRange(const std::optional<Start>& low_in, const Observation& seen)
    : low(low_in), high(seen.upper), waiting(seen.live), prepared(seen.prepared), since_us(seen.wall_us) {}

std::optional<std::uint64_t> OpenRange::narrow(const Observation& seen) {
  std::optional<std::uint64_t> committed;
  std::optional<std::uint64_t> ended;
  jobs::narrow(prepared, seen.prepared, committed);
  jobs::narrow(waiting, seen.live, ended);
  if (unseen && seen.shown >= high) {
    ended = least(ended, std::exchange(unseen, std::nullopt));
    waiting.insert(seen.live.begin(), seen.live.end());
  }
  if (ended) prepared.insert(seen.prepared.begin(), seen.prepared.end());
  return least(ended, committed);
}

// --- Opening -----------------------------------------------------------------------------------------

Opening::Opening(const std::optional<Start>& low, const Observation& seen) : rested_(low, seen) {
  if (seen.shown.empty() || seen.shown >= seen.upper) return;
  // One that does not show has no transaction id yet: it gets one that is not below xmax.
  last_moment_ = rested_;
  last_moment_->unseen = seen.xmax;
  rested_.high = seen.shown;
  if (low && low->front() >= seen.shown) {
    rested_.waiting.clear();  // nothing lies there
    rested_.prepared.clear();
  } else {
    last_moment_->low = Start(CursorValues(1, seen.shown), true);
  }
}

void Opening::narrow(const Observation& seen) {
  rested_.narrow(seen);
  if (last_moment_) last_moment_->narrow(seen);
}

void Opening::reach(Fence& fence, const std::string& first) {
  if (!rested_open_ && !rested_.settled()) {
    rested_open_ = true;
    fence.add(rested_);
  }
  if (!last_moment_ || first < rested_.high) return;
  if (!last_moment_open_) {
    last_moment_open_ = true;
    fence.add(*last_moment_);
  }
  std::string& high = fence.ranges().back().high;
  high = std::max(high, first);
}

void Opening::end(Fence& fence, const std::string& first) const {
  if (rested_open_ || last_moment_open_) fence.ranges().back().high = first;
}

// --- Fence -------------------------------------------------------------------------------------------

void Fence::observe(const Observation& seen) {
  // After a restart of the server every transaction of its former life has ended, but the prepared ones.
  const bool rebooted = boot_ != seen.boot;
  boot_ = seen.boot;
  Observation gone = seen;
  if (rebooted) gone.live.clear();
  for (OpenRange& range : ranges_) {
    const std::optional<std::uint64_t> ended = range.narrow(gone);
    if (!ended) continue;
    range.due = least(range.due, ended);
    range.at.reset();  // what that read has passed may have grown since
  }
  join_equals();
}

void Fence::add(OpenRange range) {
  ranges_.push_back(std::move(range));
  join_equals();
  shrink();
}

bool Fence::covers(const OpenRange& range) const {
  const auto known = [this](const Transactions& those, Transactions OpenRange::*set) {
    return std::all_of(those.begin(), those.end(), [&](const auto& transaction) {
      return std::any_of(ranges_.begin(), ranges_.end(),
                         [&](const OpenRange& other) { return (other.*set).contains(transaction.first); });
    });
  };
  return known(range.waiting, &OpenRange::waiting) && known(range.prepared, &OpenRange::prepared);
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
  range.due.reset();
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
  low.since_us = std::min(low.since_us, high.since_us);
  low.unseen = least(low.unseen, high.unseen);
  low.due = least(low.due, high.due);
  low.at.reset();
  low.rest_until_us = std::max(low.rest_until_us, high.rest_until_us);
  ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(first) + 1);
}

// Neighbours that wait for the same ones are one range: under a long transaction there stay few.  Not those
// whose last moment has not passed: joined with the next one, and the next, it never would.
void Fence::join_equals() {
  for (std::size_t i = 0; i + 1 < ranges_.size();) {
    const OpenRange& one = ranges_[i];
    const OpenRange& next = ranges_[i + 1];
    const bool same = one.waiting == next.waiting && one.prepared == next.prepared &&
                      one.due.has_value() == next.due.has_value() && !one.at && !next.at && !one.unseen &&
                      !next.unseen;
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
