// Gathers rows into windows.  Windows that end at the same position form a span: it is delivered as a whole,
// so that the position of what was delivered is always true.  Pure: time comes from outside.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/coro/clock.hpp"
#include "jobs/batch.hpp"

namespace syncd::jobs {

struct WindowLimits {
  std::uint64_t rows = 1000;
  std::uint64_t bytes = 256 * 1024;
  std::optional<std::uint64_t> tokens;  // estimated
  std::optional<Duration> time;         // how long rows wait for others; none: until the source has no more
};

// For people and budgets: a token has three bytes and more in most languages.
constexpr std::uint64_t estimated_tokens(std::uint64_t bytes) { return (bytes + 2) / 3; }
constexpr std::uint64_t estimated_bytes(std::uint64_t tokens) { return tokens * 3; }

struct Window {
  std::string key;                                 // of `values`, to tell windows apart
  std::vector<std::optional<std::string>> values;  // of the key's columns
  std::string data;                                // a line a row
  std::uint64_t rows = 0;
};

struct Span {
  std::vector<Window> windows;  // in the order of their first rows; none where every row was dropped before
  Position before;              // what was reached before its first row
  Position reached;
  bool caught_up = false;
};

// How a span was that was asked about before: windows end where they ended then, or their answers would be
// paid again.
struct Cut {
  std::uint64_t rows = 0;
  Position reached;
};

class Windows {
 public:
  // Writes one row down, with an end of line.
  using Write = std::function<void(std::string& out, const Batch& batch, std::size_t row)>;

  // `key`: the columns in which the rows of one window agree; none: all rows do.
  Windows(WindowLimits limits, std::vector<std::string> key, Write write)
      : limits_(limits), key_(std::move(key)), write_(std::move(write)) {}

  // The cut of the span that began there.
  using Recall = std::function<std::optional<Cut>(const Position& before)>;
  // Where the rows go on; none: from the beginning, and nothing was asked about before.
  void begins_at(Positions from, Recall recall) {
    reached_ = std::move(from);
    recall_ = std::move(recall);
  }

  // Returns the spans that this batch completes.
  std::vector<Span> add(const Batch& batch, TimePoint now);
  // What is gathered so far; nullopt where nothing is.
  std::optional<Span> close();
  // When close() is due; nullopt: not by time.
  std::optional<TimePoint> due() const;

 private:
  void bind(const Batch& batch);
  Window& window_of(const Batch& batch, std::size_t row);
  bool fits(const Window& window, std::size_t bytes) const;
  bool full() const;
  bool as_before() const { return cut_ && rows_ == cut_->rows; }
  void open(Position at, TimePoint now);
  void finish(Position reached, std::vector<Span>& done);

  WindowLimits limits_;
  std::vector<std::string> key_;
  Write write_;
  std::shared_ptr<const Schema> schema_;
  std::vector<std::size_t> columns_;
  std::optional<Span> open_;
  std::map<std::string, std::size_t> latest_;  // key -> its last window in the open span
  TimePoint since_{};
  Positions reached_;
  Recall recall_;
  std::uint64_t rows_ = 0;         // of the open span
  std::optional<Cut> cut_;         // how the open span was before
  std::optional<Position> after_;  // what the last one reached before, where it was as it is now
};

}  // namespace syncd::jobs
