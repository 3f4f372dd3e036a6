#include "jobs/transforms/summarize_window.hpp"

#include "jobs/columns.hpp"

namespace syncd::jobs {
namespace {

// Of one span: many small windows are no reason to hold the memory of a large one.
constexpr std::size_t kMostWindows = 1000;

}  // namespace

void Windows::bind(const Batch& batch) {
  if (batch.shared_schema() == schema_) return;
  schema_ = batch.shared_schema();
  columns_ = resolve_columns(*schema_, key_, "summarize");
}

// The open window of the row's key, made where there is none.
Window& Windows::window_of(const Batch& batch, std::size_t row) {
  Window fresh;
  for (const std::size_t column : columns_) {
    const Cell cell = batch.cell(row, column);
    fresh.key += cell.null() ? "-" : std::to_string(cell.text().size()) + ":" + std::string(cell.text());
    fresh.values.push_back(cell.null() ? std::nullopt : std::optional<std::string>(cell.text()));
  }
  const auto found = latest_.find(fresh.key);
  if (found != latest_.end()) return open_->windows[found->second];
  latest_[fresh.key] = open_->windows.size();
  return open_->windows.emplace_back(std::move(fresh));
}

bool Windows::fits(const Window& window, std::size_t bytes) const {
  const std::uint64_t size = window.data.size() + bytes;
  return window.rows == 0 || (window.rows < limits_.rows && size <= limits_.bytes &&
                              (!limits_.tokens || estimated_tokens(size) <= *limits_.tokens));
}

bool Windows::full() const {
  if (as_before()) return true;
  if (open_->windows.size() > kMostWindows) return true;
  for (const Window& window : open_->windows) {
    if (!fits(window, 0) || window.rows >= limits_.rows) return true;
  }
  return false;
}

void Windows::open(Position at, TimePoint now) {
  if (open_) return;
  open_.emplace();
  open_->before = open_->reached = std::move(at);
  since_ = now;
  rows_ = 0;
  cut_.reset();
  if (!recall_) return;
  cut_ = recall_(open_->before);
  // Some sources say more in a position than where it is: it may have another text this time.
  if (!cut_ && after_ && after_->partition() == open_->before.partition()) cut_ = recall_(*after_);
}

void Windows::finish(Position reached, std::vector<Span>& done) {
  open_->reached = std::move(reached);
  done.push_back(std::move(*close()));
}

std::vector<Span> Windows::add(const Batch& batch, TimePoint now) {
  bind(batch);
  std::vector<Span> done;
  if (open_ && open_->reached.partition() != batch.partition()) done.push_back(std::move(*close()));
  const Position before = reached_.at(batch.partition());
  open(before, now);
  std::string line;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    line.clear();
    write_(line, batch, row);
    Window* window = &window_of(batch, row);
    if (!fits(*window, line.size())) {
      // The span ends before this row where that can be named; else it has another window of this key.
      if (row == 0 || batch.divisible()) {
        const Position here = row == 0 ? before : batch.position_at(row, before);
        finish(here, done);
        open(here, now);
      } else {
        latest_.erase(std::string(window->key));
      }
      window = &window_of(batch, row);
    }
    window->data += line;
    ++window->rows;
    ++rows_;
    const bool enough = as_before() || window->rows >= limits_.rows || open_->windows.size() > kMostWindows;
    if (as_before() && !batch.divisible()) latest_.clear();
    if (enough && batch.divisible() && row + 1 < batch.rows()) {
      const Position here = batch.position_at(row + 1, before);
      finish(here, done);
      open(here, now);
    }
  }
  open_->reached = batch.position();
  open_->caught_up = batch.caught_up();
  reached_.advance(batch.position());
  const bool waits = limits_.time && !open_->windows.empty();
  if (open_->windows.empty() || full() || (batch.caught_up() && !waits)) done.push_back(std::move(*close()));
  return done;
}

std::optional<Span> Windows::close() {
  latest_.clear();
  after_ = as_before() ? std::optional(cut_->reached) : std::nullopt;
  return std::exchange(open_, std::nullopt);
}

std::optional<TimePoint> Windows::due() const {
  if (!open_ || !limits_.time) return std::nullopt;
  return since_ + *limits_.time;
}

}  // namespace syncd::jobs
