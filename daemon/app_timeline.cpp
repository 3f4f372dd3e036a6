// What the control socket tells of the time to come and of the time that was.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/app_control.hpp"

namespace syncd {
namespace {

constexpr std::uint64_t kExplained = 3;  // occurrences of the past that explain tells

// What the wall clock of `zone` shows: "2026-03-29 03:00:00 +02:00".
std::string local_text(WallTime time, const schedule::Zone& zone) {
  using namespace std::chrono;
  const auto instant = floor<seconds>(time);
  const auto period = zone.period_at(instant);
  const auto local = period.to_local(instant);
  const auto day = floor<days>(local);
  const year_month_day date(day);
  const hh_mm_ss clock(local - day);
  const auto offset = duration_cast<minutes>(period.offset).count();
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
}

// Why no occurrence of a job that is neither paused nor due is known beforehand.
std::string why_none(const schedule::Schedule& schedule, bool running) {
  using Kind = schedule::Schedule::Kind;
  switch (schedule.kind()) {
    case Kind::Manual:
      return "manual: runs when somebody says `syncctl run`";
    case Kind::Continuous:
      return running ? "continuous: runs now, without an end" : "continuous: about to run";
    case Kind::Startup:
      return "@startup: runs when the daemon starts";
    case Kind::After:
      return schedule.text() + ": counts from the end of the run under way";
    case Kind::At:
    case Kind::Every:
    case Kind::Cron:
      break;
  }
  return schedule.text() + ": has no occurrence any more";
}

// "2026-03-01T02:30:00.000Z: skipped: still running since 01:58".
std::string past_line(const control::HistoryEntry& entry) {
  std::string line = fmt::format("{}: {}", rfc3339(entry.planned), entry.outcome);
  if (entry.started && *entry.started - entry.planned >= std::chrono::seconds(1)) {
    line += fmt::format(", began {} late", human_duration(*entry.started - entry.planned));
  }
  if (entry.started && entry.ended) line += ", took " + human_duration(*entry.ended - *entry.started);
  if (entry.started) line += fmt::format(", {} row{}", human_count(entry.rows), entry.rows == 1 ? "" : "s");
  if (entry.attempts > 1) line += fmt::format(", {} attempts", entry.attempts);
  if (!entry.reason.empty()) line += ": " + entry.reason;
  return line;
}

control::HistoryEntry entry_of(const schedule::RunRecord& run) {
  control::HistoryEntry entry;
  entry.id = run.id;
  entry.job = run.job;
  entry.planned = run.planned;
  entry.until = run.until;
  entry.occurrences = run.occurrences;
  if (run.ran()) entry.started = run.started;
  entry.ended = run.ended;
  entry.cause = to_string(run.cause);
  entry.outcome = run.outcome;
  entry.reason = run.error;
  entry.attempts = run.attempts;
  entry.resumed = run.resumed;
  entry.rows = run.rows;
  entry.bytes = run.bytes;
  entry.position_before = run.before;
  entry.position_after = run.after;
  return entry;
}

}  // namespace

control::Coming App::Control::next(const std::optional<std::string>& wanted, std::uint64_t limit) {
  if (wanted) job_of(*wanted);
  control::Coming coming;
  std::vector<std::pair<WallTime, std::string>> first;
  for (const auto& [name, job] : app_.jobs_) {
    if (wanted && *wanted != name) continue;
    if (const auto at = app_.scheduler_.next(name)) {
      first.emplace_back(*at, name);
    } else if (const auto pause = app_.database_.paused(name)) {
      coming.without.push_back({name, pause->reason.empty() ? "paused" : "paused: " + pause->reason});
    } else if (const std::string wait = app_.scheduler_.waiting_for(name); !wait.empty()) {
      coming.without.push_back({name, "is due; waits for " + wait});
    } else {
      coming.without.push_back({name, why_none(job->plan().schedule, job->running())});
    }
  }
  // A job whose first one comes after those of `limit` others has none among the first `limit`.
  std::sort(first.begin(), first.end());
  if (first.size() > limit) first.resize(limit);
  for (const auto& [at, name] : first) {
    const schedule::Zone& zone = app_.jobs_.at(name)->plan().schedule.zone();
    auto known = app_.scheduler_.upcoming(name, limit);
    if (known.empty()) known.push_back({at, at, ""});  // "after", or the restart of a continuous one
    for (const auto& one : known) {
      coming.occurrences.push_back({name, one.at, local_text(one.at, zone), zone.name(), one.note});
    }
  }
  std::stable_sort(coming.occurrences.begin(), coming.occurrences.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  if (coming.occurrences.size() > limit) coming.occurrences.resize(limit);
  return coming;
}

std::vector<control::HistoryEntry> App::Control::history(const control::HistoryQuery& query) {
  if (query.job && app_.jobs_.count(*query.job) == 0 && !app_.database_.last_run(*query.job)) {
    throw control::NoSuchJob(*query.job);  // one that was removed keeps its history
  }
  store::HistoryFilter filter;
  filter.job = query.job;
  filter.failed_only = query.failed;
  filter.since = query.since;
  filter.limit = query.limit;
  std::vector<control::HistoryEntry> entries;
  for (const schedule::RunRecord& run : app_.database_.history(filter)) entries.push_back(entry_of(run));
  std::reverse(entries.begin(), entries.end());
  return entries;
}

void App::Control::explain_time(const std::string& job, std::vector<std::string>& lines) {
  control::HistoryQuery query;
  query.job = job;
  query.limit = kExplained;
  for (const auto& entry : history(query)) lines.push_back("before: " + past_line(entry));
  const control::Coming coming = next(job, 1);
  for (const auto& occurrence : coming.occurrences) {
    lines.push_back(fmt::format("next run: {} {}{}{}", occurrence.local, occurrence.zone,
                                occurrence.note.empty() ? "" : "; ", occurrence.note));
  }
  for (const auto& none : coming.without) lines.push_back("next run: none; " + none.reason);
}

}  // namespace syncd
