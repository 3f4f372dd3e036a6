#include "daemon/ctl/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/base/escape.hpp"
#include "daemon/base/time.hpp"
#include "daemon/ctl/table.hpp"

namespace syncd::ctl {
namespace {

using status::JobState;
using status::JobStatus;

constexpr std::size_t kNarrowest = 20;

std::string_view colour_of(JobState state) {
  switch (state) {
    case JobState::Running:
      return "\033[32m";
    case JobState::Waiting:
      return "\033[33m";
    case JobState::Failed:
    case JobState::Fenced:
      return "\033[31m";
    case JobState::Paused:
      return "\033[36m";
    case JobState::Idle:
      return "";
  }
  return "";
}

// "3 h 12 min" -> "3 h": in a table the largest unit is enough.
std::string brief(std::chrono::nanoseconds duration) {
  const std::string text = human_duration(duration);
  const std::size_t unit = text.find(' ');
  return text.substr(0, text.find(' ', unit == std::string::npos ? 0 : unit + 1));
}

std::string brief_relative(WallTime time, WallTime now) {
  if (time > now) return "in " + brief(time - now);
  return brief(now - time) + " ago";
}

std::string outcome_word(const std::string& outcome) {
  return outcome == "succeeded" ? "ok" : escaped(outcome);
}

std::string why_not_moving(const JobStatus& job) {
  if (!job.waiting_for.empty()) return escaped(job.waiting_for);
  if (job.state == JobState::Paused) {
    return job.pause_reason.empty() ? std::string() : "paused: " + escaped(job.pause_reason);
  }
  return escaped(job.last_error);
}

std::string dead_letters_text(const JobStatus& job) {
  return fmt::format("{}; `syncctl dead-letters list {}` shows them",
                     counted(job.dead_letters, "dead letter"), escaped(job.name));
}

std::string position_text(const JobStatus& job) {
  std::string text;
  for (const auto& position : job.position) {
    if (!text.empty()) text += ", ";
    if (!position.partition.empty()) text += escaped(position.partition) + ": ";
    text += escaped(position.text);
  }
  return text;
}

std::string pipeline_text(const JobStatus& job) {
  std::string text = escaped(job.source);
  for (const auto& transform : job.transforms) text += " → " + escaped(transform);
  return text + " → " + escaped(job.sink);
}

std::string run_text(const status::CurrentRun& run, WallTime now) {
  std::string text =
      fmt::format("started {}, {} in {}, {}", relative(run.started, now), counted(run.rows, "row"),
                  counted(run.batches, "batch", "batches"), human_size(run.bytes));
  if (run.rows_per_second > 0) text += fmt::format(", {} rows/s", human_count(run.rows_per_second));
  if (run.attempts > 1) text += fmt::format(", attempt {}", run.attempts);
  if (run.caught_up) text += ", caught up";
  return text;
}

std::string last_run_text(const status::LastRun& run, WallTime now) {
  std::string text = escaped(run.outcome);
  if (run.ended) {
    text += fmt::format(" {}, took {}", relative(*run.ended, now), human_duration(*run.ended - run.started));
  } else {
    text += ", started " + relative(run.started, now);
  }
  text += fmt::format(", {}, {}", counted(run.rows, "row"), human_size(run.bytes));
  if (run.attempts > 1) text += fmt::format(", {} attempts", run.attempts);
  if (!run.error.empty()) text += ": " + escaped(run.error);
  return text;
}

class Page {
 public:
  explicit Page(std::size_t width) : width_(width) {}
  void add(std::string_view name, const std::string& text) {
    if (text.empty()) return;
    std::string lines = wrapped(text, width_, kIndent);
    lines.replace(0, kIndent, fmt::format("  {:<{}}", name, kIndent - 2));
    text_ += lines;
  }
  std::string take() { return std::move(text_); }

 private:
  static constexpr std::size_t kIndent = 16;
  std::size_t width_;
  std::string text_;
};

}  // namespace

std::string state_colour(JobState state, const Look& look) {
  return look.colour ? std::string(colour_of(state)) : std::string();
}

std::string remarks(const JobStatus& job) {
  std::string text = why_not_moving(job);
  if (job.dead_letters == 0) return text;
  if (!text.empty()) text += "; ";
  return text + dead_letters_text(job);
}

std::uint64_t rows_of(const JobStatus& job) {
  if (job.run) return job.run->rows;
  return job.last_run ? job.last_run->rows : 0;
}

std::string lag_text(const JobStatus& job) {
  if (job.lag) return brief(*job.lag);
  if (job.lag_rows) return counted(*job.lag_rows, "row");
  return "-";
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  if (count == 1) return fmt::format("1 {}", one);
  return many.empty() ? fmt::format("{} {}s", human_count(count), one)
                      : fmt::format("{} {}", human_count(count), many);
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (size >= 1023.95 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string relative(WallTime time, WallTime now) {
  const auto apart = time - now;
  if (apart < std::chrono::seconds(1) && apart > -std::chrono::seconds(1)) return "now";
  return apart.count() > 0 ? "in " + human_duration(apart) : human_duration(-apart) + " ago";
}

std::string status_table(const std::vector<JobStatus>& jobs, const Look& look) {
  std::vector<Column> columns = {{"JOB", Align::Left, true},       {"STATE", Align::Left, false},
                                 {"ROWS", Align::Right, false},    {"LAG", Align::Right, false},
                                 {"LAST RUN", Align::Left, false}, {"NEXT RUN", Align::Left, false},
                                 {"SCHEDULE", Align::Left, true},  {"POSITION", Align::Left, true}};
  std::vector<Row> rows;
  for (const JobStatus& job : jobs) {
    Row row;
    row.cells.push_back({escaped(job.name), ""});
    row.cells.push_back({std::string(status::to_string(job.state)), state_colour(job.state, look)});
    row.cells.push_back({human_count(rows_of(job)), ""});
    row.cells.push_back({lag_text(job), ""});
    std::string last = "-";
    if (job.last_run) {
      const auto when = job.last_run->ended.value_or(job.last_run->started);
      last = outcome_word(job.last_run->outcome) + " " + brief_relative(when, look.now);
    }
    row.cells.push_back({last, ""});
    row.cells.push_back({job.next_run ? brief_relative(*job.next_run, look.now) : "-", ""});
    row.cells.push_back({escaped(job.schedule), ""});
    row.cells.push_back({cut(position_text(job), 48), ""});
    row.below = remarks(job);
    rows.push_back(std::move(row));
  }
  const std::size_t width = std::max(look.width, kNarrowest);
  constexpr std::size_t kAlways = 6;  // the rest only where there is room
  while (columns.size() > kAlways && !fits(columns, rows, width)) {
    columns.pop_back();
    for (Row& row : rows) row.cells.pop_back();
  }
  return table(columns, rows, width);
}

std::string status_page(const JobStatus& job, const Look& look) {
  const std::string state(status::to_string(job.state));
  std::string out = escaped(job.name) + ": " + coloured(state, state_colour(job.state, look)) + "\n";
  Page page(std::max(look.width, kNarrowest * 2));
  page.add("about", escaped(job.description));
  std::string schedule = escaped(job.schedule);
  if (job.next_run)
    schedule += fmt::format(", next {} ({})", relative(*job.next_run, look.now), rfc3339(*job.next_run));
  page.add("schedule", schedule);
  page.add("pipeline", pipeline_text(job));
  if (job.run) page.add("run", run_text(*job.run, look.now));
  page.add("waiting for", escaped(job.waiting_for));
  page.add("note", escaped(job.note));
  if (job.state == JobState::Paused) {
    std::string since = job.paused_since ? relative(*job.paused_since, look.now) : std::string("yes");
    if (!job.pause_reason.empty()) since += ": " + escaped(job.pause_reason);
    page.add("paused", since);
  }
  for (const auto& position : job.position) {
    const std::string partition = position.partition.empty() ? "" : escaped(position.partition) + ": ";
    page.add("position", partition + escaped(position.text));
  }
  std::string lag = job.lag ? human_duration(*job.lag) : std::string();
  if (job.lag_rows) lag += (lag.empty() ? "" : ", ") + counted(*job.lag_rows, "row");
  page.add("lag", lag);
  if (job.last_run) page.add("last run", last_run_text(*job.last_run, look.now));
  const bool said =
      job.waiting_for.starts_with(job.last_error) || (job.last_run && job.last_run->error == job.last_error);
  if (!job.last_error.empty() && !said) {
    const std::string when = job.last_error_at ? " (" + relative(*job.last_error_at, look.now) + ")" : "";
    page.add("last error", escaped(job.last_error) + when);
  }
  if (job.dead_letters > 0) page.add("undelivered", dead_letters_text(job));
  return out + page.take();
}

std::string progress_line(const JobStatus& job, const Look& look) {
  std::string text = escaped(job.name) + ": " + std::string(status::to_string(job.state));
  if (job.run) text += ", " + run_text(*job.run, look.now);
  if (!job.waiting_for.empty()) text += "; " + escaped(job.waiting_for);
  return cut(text, std::max(look.width, kNarrowest) - 1);
}

}  // namespace syncd::ctl
