#include "daemon/base/log_memory.hpp"

#include <algorithm>

namespace syncd::log {

void Memory::add(WallTime time, Level level, const About& about, std::string_view text) {
  const std::lock_guard lock(mutex_);
  Line line{
      ++newest_, time, level, std::string(about.job), about.run, std::string(text.substr(0, limits_.text))};
  bytes_ += line.text.size();
  lines_.push_back(std::move(line));
  auto& same = of_[lines_.back().job];
  same.push_back(std::prev(lines_.end()));
  if (same.size() > limits_.lines) drop(same.front());
  while (bytes_ > limits_.bytes && lines_.size() > 1) drop(lines_.begin());
}

// Precondition: the oldest line of its job.
void Memory::drop(Lines::iterator line) {
  bytes_ -= line->text.size();
  const auto same = of_.find(line->job);
  same->second.pop_front();
  if (same->second.empty()) of_.erase(same);
  lines_.erase(line);
}

std::vector<Line> Memory::find(const Query& query) const {
  const std::lock_guard lock(mutex_);
  std::vector<Line> found;
  // False: older ones are not wanted.
  const auto take = [&](const Line& line) {
    if (line.number <= query.after || found.size() >= query.limit) return false;
    if (line.level >= query.level) found.push_back(line);
    return true;
  };
  if (query.job) {
    const auto same = of_.find(*query.job);
    if (same == of_.end()) return found;
    for (auto line = same->second.rbegin(); line != same->second.rend() && take(**line); ++line) continue;
  } else {
    for (auto line = lines_.rbegin(); line != lines_.rend() && take(*line); ++line) continue;
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::uint64_t Memory::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

Memory& memory() {
  static Memory all;
  return all;
}

}  // namespace syncd::log
