#include "daemon/schedule/policy.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "config/table.hpp"

namespace syncd::schedule {
namespace {

constexpr std::uint32_t kMostCaughtUp = 1000;

std::vector<WallTime> occurrences(const Schedule& schedule, WallTime from, WallTime until) {
  std::vector<WallTime> all;
  for (auto at = schedule.next_after(from); at && *at <= until; at = schedule.next_after(*at)) {
    all.push_back(*at);
  }
  return all;
}

std::uint64_t count(const Schedule& schedule, WallTime first, WallTime last) {
  if (schedule.kind() == Schedule::Kind::Every) {
    const auto all = static_cast<std::uint64_t>((last - first) / schedule.interval()) + 1;
    return std::min(all, kMostCounted);
  }
  std::uint64_t found = 1;
  for (auto at = schedule.next_after(first); at && *at <= last && found < kMostCounted;
       at = schedule.next_after(*at)) {
    ++found;
  }
  return found;
}

std::optional<Stretch> stretch(const Schedule& schedule, WallTime from, WallTime until) {
  const auto first = schedule.next_after(from);
  if (!first || *first > until) return std::nullopt;
  Stretch found;
  found.first = *first;
  found.last = last_occurrences(schedule, from, until, 1).front();
  found.count = count(schedule, found.first, found.last);
  return found;
}

WallTime earlier(WallTime time, Duration by) {
  const auto step = std::chrono::duration_cast<WallTime::duration>(by);
  return time.time_since_epoch() < WallTime::duration::min() + step ? WallTime::min() : time - step;
}

}  // namespace

std::uint32_t CatchUp::parse(std::string_view text) {
  if (text == "none") return 0;
  if (text == "one") return 1;
  constexpr std::string_view kAll = "all:";
  if (text.starts_with(kAll)) {
    const std::string_view digits = text.substr(kAll.size());
    std::uint32_t most = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), most);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    if (whole && most >= 1 && most <= kMostCaughtUp) return most;
  }
  throw config::ValueError("found " + config::quoted(text) +
                           "; write \"none\", \"one\", or \"all:N\" with N from 1 to " +
                           std::to_string(kMostCaughtUp));
}

// Looks back over twice the time again and again: a schedule need not know how dense it is.
std::vector<WallTime> last_occurrences(const Schedule& schedule, WallTime from, WallTime until,
                                       std::size_t most) {
  std::vector<WallTime> found;
  if (most == 0 || until <= from) return found;
  for (WallTime::duration span = std::chrono::seconds(1);; span *= 2) {
    const bool whole = until - from <= span;
    found = occurrences(schedule, whole ? from : until - span, until);
    if (whole || found.size() >= most) break;
  }
  if (found.size() > most) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(most));
  return found;
}

Due due_between(const Schedule& schedule, WallTime from, WallTime decided, WallTime now,
                const CatchUp& rule) {
  Due due;
  if (now <= from) return due;
  const WallTime late = earlier(now, kOnTime);  // missed up to here
  due.on_time = occurrences(schedule, std::max(from, late), now);
  const WallTime unknown = std::max(from, decided);
  if (late <= unknown) return due;
  const WallTime oldest = rule.window.count() == 0 ? unknown : std::max(unknown, earlier(now, rule.window));
  // One that is on time is as good as the last that was missed.
  const std::size_t most = rule.most == 1 && !due.on_time.empty() ? 0 : rule.most;
  due.catch_up = last_occurrences(schedule, oldest, late, most);
  const WallTime rest = due.catch_up.empty() ? late : due.catch_up.front() - WallTime::duration(1);
  due.given_up = stretch(schedule, unknown, rest);
  return due;
}

namespace {

// Depth first; `way` is how we came.
bool walk(const std::map<std::string, std::vector<std::string>>& needs, const std::string& job,
          std::vector<std::string>& way, std::set<std::string>& seen) {
  const auto again = std::find(way.begin(), way.end(), job);
  if (again != way.end()) {
    way.erase(way.begin(), again);
    way.push_back(job);
    return true;
  }
  if (!seen.insert(job).second) return false;
  const auto found = needs.find(job);
  if (found == needs.end()) return false;
  way.push_back(job);
  for (const std::string& needed : found->second) {
    if (walk(needs, needed, way, seen)) return true;
  }
  way.pop_back();
  return false;
}

}  // namespace

std::vector<std::string> find_cycle(const std::map<std::string, std::vector<std::string>>& needs) {
  std::set<std::string> seen;
  for (const auto& [job, all] : needs) {
    std::vector<std::string> way;
    if (walk(needs, job, way, seen)) return way;
  }
  return {};
}

}  // namespace syncd::schedule
