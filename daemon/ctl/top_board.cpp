#include "daemon/ctl/top_board.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "daemon/base/escape.hpp"
#include "daemon/base/time.hpp"
#include "daemon/ctl/table.hpp"

namespace syncd::ctl {
namespace {

using status::JobState;
using status::JobStatus;

constexpr std::string_view kReverse = "\033[7m";
constexpr std::string_view kRed = "\033[31m";
constexpr std::size_t kLongestName = 24;
constexpr std::size_t kWide = 100;  // columns; below that not everything has room

// What needs a person comes first.
int urgency(JobState state) {
  switch (state) {
    case JobState::Failed:
      return 0;
    case JobState::Fenced:
      return 1;
    case JobState::Waiting:
      return 2;
    case JobState::Running:
      return 3;
    case JobState::Paused:
      return 4;
    case JobState::Idle:
      return 5;
  }
  return 6;
}

const char* name_of(TopBoard::Order order) {
  switch (order) {
    case TopBoard::Order::Name:
      return "name";
    case TopBoard::Order::State:
      return "state";
    case TopBoard::Order::Rate:
      return "rows/s";
    case TopBoard::Order::Lag:
      return "lag";
    case TopBoard::Order::Rows:
      return "rows";
  }
  return "";
}

double lag_seconds(const JobStatus& job) {
  return job.lag ? std::chrono::duration<double>(*job.lag).count() : -1.0;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

// To a fixed width, so that columns stand still from refresh to refresh.
std::string padded(const std::string& text, std::size_t width) {
  const std::string shown = cut(text, width);
  return shown + std::string(width - columns_of(shown), ' ');
}

const std::vector<std::string>& help() {
  static const std::vector<std::string> lines = {
      "Up Down PgUp PgDn Home End   select a job",
      "Enter                        everything about it; Esc goes back",
      "F6 >    <                    sort by the next, the previous column",
      "N S P L R                    sort by name, state, rows a second (P), lag, rows",
      "I                            the other way round",
      "F4 /                         show only jobs whose name holds a text; Esc shows all",
      "F1 ? h                       this page",
      "F10 q Ctrl-C                 leave",
      "",
      "ROWS/S and LAG: now, and over the last refreshes (one a second), each scaled to its largest value.",
  };
  return lines;
}

}  // namespace

void TopBoard::take(std::vector<JobStatus> jobs, WallTime now) {
  jobs_ = std::move(jobs);
  trouble_.clear();
  history_.take(jobs_, now);
  arrange();
}

bool TopBoard::before(const JobStatus& a, const JobStatus& b) const {
  switch (order_) {
    case Order::Name:
      break;
    case Order::State:
      if (urgency(a.state) != urgency(b.state)) return urgency(a.state) < urgency(b.state);
      break;
    case Order::Rate:
      if (history_.rate(a.name) != history_.rate(b.name))
        return history_.rate(a.name) > history_.rate(b.name);
      break;
    case Order::Lag:
      if (lag_seconds(a) != lag_seconds(b)) return lag_seconds(a) > lag_seconds(b);
      if (a.lag_rows != b.lag_rows) return a.lag_rows > b.lag_rows;
      break;
    case Order::Rows:
      if (rows_of(a) != rows_of(b)) return rows_of(a) > rows_of(b);
      break;
  }
  return a.name < b.name;
}

void TopBoard::arrange() {
  shown_.clear();
  for (const JobStatus& job : jobs_) {
    if (job.name.find(filter_) != std::string::npos) shown_.push_back(&job);
  }
  std::sort(shown_.begin(), shown_.end(), [this](const JobStatus* a, const JobStatus* b) {
    return reversed_ ? before(*b, *a) : before(*a, *b);
  });
  if (selected() == nullptr) selected_ = shown_.empty() ? std::string() : shown_.front()->name;
}

const JobStatus* TopBoard::selected() const {
  const auto found = std::find_if(shown_.begin(), shown_.end(),
                                  [this](const JobStatus* job) { return job->name == selected_; });
  return found == shown_.end() ? nullptr : *found;
}

// --- keys ----------------------------------------------------------------------------------------------

void TopBoard::sort_by(Order order) {
  order_ = order;
  reversed_ = false;
  arrange();
}

void TopBoard::move(std::ptrdiff_t rows) {
  if (shown_.empty()) return;
  const auto now = std::find(shown_.begin(), shown_.end(), selected()) - shown_.begin();
  const auto last = static_cast<std::ptrdiff_t>(shown_.size()) - 1;
  selected_ = shown_[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(now + rows, 0, last))]->name;
}

bool TopBoard::press_in_filter(const Press& press) {
  switch (press.key) {
    case Key::Text:
      filter_ += press.text;
      break;
    case Key::Backspace:
      if (!filter_.empty()) filter_.pop_back();
      break;
    case Key::Escape:
      filter_.clear();
      typing_ = false;
      break;
    case Key::Enter:
      typing_ = false;
      break;
    default:
      return false;
  }
  arrange();
  return true;
}

bool TopBoard::press(const Press& press) {
  constexpr int kOrders = 5;
  if (typing_ && press_in_filter(press)) return true;
  const auto page = static_cast<std::ptrdiff_t>(height_);
  const auto all = static_cast<std::ptrdiff_t>(shown_.size());
  const auto turn = [this](int by) {
    sort_by(static_cast<Order>((static_cast<int>(order_) + by + kOrders) % kOrders));
  };
  switch (press.key) {
    case Key::Up:
      move(-1);
      return true;
    case Key::Down:
      move(1);
      return true;
    case Key::PageUp:
      move(-page);
      return true;
    case Key::PageDown:
      move(page);
      return true;
    case Key::Home:
      move(-all);
      return true;
    case Key::End:
      move(all);
      return true;
    case Key::Enter:
      view_ = view_ == View::Table ? View::Page : View::Table;
      return true;
    case Key::Escape:
      if (view_ == View::Table) {
        filter_.clear();
        arrange();
      }
      view_ = View::Table;
      return true;
    case Key::Backspace:
      return true;
    case Key::F1:
      view_ = view_ == View::Help ? View::Table : View::Help;
      return true;
    case Key::F4:
      typing_ = true;
      view_ = View::Table;
      return true;
    case Key::F6:
      turn(1);
      return true;
    case Key::F10:
      return false;
    case Key::Text:
      break;
  }
  switch (press.text) {
    case 'q':
      if (view_ == View::Table) return false;
      view_ = View::Table;
      return true;
    case '?':
    case 'h':
      return TopBoard::press({Key::F1});
    case '/':
      return TopBoard::press({Key::F4});
    case '>':
      turn(1);
      break;
    case '<':
      turn(-1);
      break;
    case 'I':
      reversed_ = !reversed_;
      arrange();
      break;
    case 'N':
      sort_by(Order::Name);
      break;
    case 'S':
      sort_by(Order::State);
      break;
    case 'P':
      sort_by(Order::Rate);
      break;
    case 'L':
      sort_by(Order::Lag);
      break;
    case 'R':
      sort_by(Order::Rows);
      break;
    default:
      break;
  }
  return true;
}

// --- what is shown -------------------------------------------------------------------------------------

std::string TopBoard::summary(const Look& look) const {
  constexpr std::array<JobState, 6> kStates = {JobState::Failed,  JobState::Fenced, JobState::Waiting,
                                               JobState::Running, JobState::Paused, JobState::Idle};
  std::string text = counted(jobs_.size(), "job");
  double rate = 0;
  for (const JobStatus& job : jobs_) rate += history_.rate(job.name);
  for (const JobState state : kStates) {
    const auto count =
        std::count_if(jobs_.begin(), jobs_.end(), [&](const JobStatus& j) { return j.state == state; });
    if (count != 0) text += fmt::format(", {} {}", count, to_string(state));
  }
  text += fmt::format("; {} rows/s; sorted by {}{}", human_count(static_cast<std::uint64_t>(rate)),
                      name_of(order_), reversed_ ? " (reversed)" : "");
  if (!filter_.empty() || typing_) text += fmt::format("; only *{}{}*", filter_, typing_ ? "_" : "");
  return cut(text, look.width);
}

std::string TopBoard::keys(const Look& look) const {
  const char* text = typing_ ? "type a part of a name   Enter keep   Esc all"
                     : view_ != View::Table
                         ? "Esc back   Up Down other job   F10 quit"
                         : "F1 help   Enter details   F4 filter   F6 sort   I reverse   F10 quit";
  return cut(text, look.width);
}

std::vector<std::string> TopBoard::rows(const Look& look, std::size_t height) {
  // The lines of the past take what a terminal of 80 columns has not.
  const std::size_t spark = std::clamp<std::size_t>(look.width / 10, 6, 30);
  std::size_t longest = 3;
  for (const JobStatus* job : shown_) longest = std::max(longest, columns_of(escaped(job->name)));
  const bool wide = look.width >= kWide;
  std::vector<Column> columns = {{padded("JOB", std::min(longest, kLongestName)), Align::Left, false},
                                 {padded("STATE", 7), Align::Left, false},
                                 {"   ROWS/S", Align::Right, false},
                                 {padded("", spark), Align::Left, false},
                                 {"     LAG", Align::Right, false},
                                 {padded("", spark), Align::Left, false}};
  if (wide) columns.push_back({"      ROWS", Align::Right, false});
  columns.push_back({"", Align::Left, true});
  const std::size_t body = height > 0 ? height - 1 : 0;
  const auto at =
      static_cast<std::size_t>(std::find(shown_.begin(), shown_.end(), selected()) - shown_.begin());
  height_ = std::max<std::size_t>(body, 1);
  if (at < first_) first_ = at;
  if (at >= first_ + height_) first_ = at + 1 - height_;
  first_ = std::min(first_, shown_.size() > height_ ? shown_.size() - height_ : 0);
  const std::size_t end = std::min(shown_.size(), first_ + body);
  std::vector<Row> cells;
  for (std::size_t i = first_; i < end; ++i) {
    const JobStatus& job = *shown_[i];
    const bool marked = i == at;
    const std::string why = remarks(job);
    Row row;
    row.cells = {{cut(escaped(job.name), kLongestName), ""},
                 {std::string(to_string(job.state)), marked ? "" : state_colour(job.state, look)},
                 {human_count(static_cast<std::uint64_t>(history_.rate(job.name))), ""},
                 {history_.rates(job.name, spark), ""},
                 {lag_text(job), ""},
                 {history_.lags(job.name, spark), ""}};
    if (wide) row.cells.push_back({human_count(rows_of(job)), ""});
    row.cells.push_back(
        {why.empty() && job.next_run ? "next " + relative(*job.next_run, look.now) : why, ""});
    cells.push_back(std::move(row));
  }
  std::vector<std::string> out = split(table(columns, cells, look.width));
  const std::size_t mark = at - first_ + 1;
  if (mark < out.size() && !shown_.empty()) {
    std::string& line = out[mark];
    line = coloured(padded(line, look.width), kReverse);
  }
  return out;
}

std::vector<std::string> TopBoard::lines(const Look& look, std::size_t height) {
  std::vector<std::string> out = {summary(look)};
  if (!trouble_.empty()) out.push_back(coloured(cut(trouble_, look.width), look.colour ? kRed : ""));
  const std::size_t around = out.size() + 1;
  const std::size_t room = height > around ? height - around : 0;
  std::vector<std::string> body;
  if (view_ == View::Help) {
    for (const std::string& line : help()) body.push_back(cut(line, look.width));
  } else if (const JobStatus* job = view_ == View::Page ? selected() : nullptr) {
    body = split(status_page(*job, look));
  } else {
    // What the row of the selected job has no room for.
    const JobStatus* chosen = selected();
    const std::string why = chosen == nullptr ? std::string() : remarks(*chosen);
    const std::size_t below = why.empty() || room < 4 ? 0 : 1;
    body = rows(look, room - below);
    body.resize(room - below);
    if (below != 0) body.push_back(cut(escaped(chosen->name) + ": " + why, look.width));
  }
  body.resize(room);
  out.insert(out.end(), std::make_move_iterator(body.begin()), std::make_move_iterator(body.end()));
  out.push_back(keys(look));
  out.resize(std::min(out.size(), height));
  return out;
}

}  // namespace syncd::ctl
