// Batch: the unit of everything: a table of text cells in one arena, and the position that it reaches.
// No allocation per row; cells are views that live as long as the batch (or what it keeps alive).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/position.hpp"

namespace syncd::jobs {

// What a cell's text is, for sinks that write typed values (JSON).
enum class ColumnKind : std::uint8_t { Text, Number, Boolean, Json };

// What a Boolean says: PostgreSQL writes t and f, TOML and JSON true and false; nullopt: it is none.
std::optional<bool> truth(std::string_view text) noexcept;

// The names and kinds of the columns, shared by all batches of a stream.
class Schema {
 public:
  // `kinds` has one entry a column; empty: all are Text.
  explicit Schema(std::vector<std::string> columns, std::vector<ColumnKind> kinds = {})
      : columns_(std::move(columns)), kinds_(std::move(kinds)) {
    kinds_.resize(columns_.size(), ColumnKind::Text);
  }
  const std::vector<std::string>& columns() const noexcept { return columns_; }
  std::size_t size() const noexcept { return columns_.size(); }
  ColumnKind kind(std::size_t column) const noexcept { return kinds_[column]; }
  const std::vector<ColumnKind>& kinds() const noexcept { return kinds_; }
  std::optional<std::size_t> find(std::string_view column) const noexcept;

 private:
  std::vector<std::string> columns_;
  std::vector<ColumnKind> kinds_;
};

// A text or NULL; a view.
class Cell {
 public:
  Cell() = default;  // NULL
  explicit Cell(std::string_view text) noexcept
      : data_(text.data() ? text.data() : ""), size_(static_cast<std::uint32_t>(text.size())) {}
  bool null() const noexcept { return data_ == nullptr; }
  std::string_view text() const noexcept { return {data_, size_}; }  // "" for NULL

 private:
  const char* data_ = nullptr;
  std::uint32_t size_ = 0;
};

// Positions in the middle of a batch, for sinks that must cut it.  Immutable; shared by its slices.
class RowPositions {
 public:
  virtual ~RowPositions() = default;
  // The position once the rows 0..row (as the source made them) are durable.
  virtual Position after(std::size_t row) const = 0;
};

class Batch {
 public:
  Batch(std::shared_ptr<const Schema> schema, Position position);
  Batch(Batch&&) noexcept = default;
  Batch& operator=(Batch&&) noexcept = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  const Schema& schema() const noexcept { return *schema_; }
  const std::shared_ptr<const Schema>& shared_schema() const noexcept { return schema_; }
  std::size_t rows() const noexcept { return rows_; }
  bool empty() const noexcept { return rows_ == 0; }
  Cell cell(std::size_t row, std::size_t column) const noexcept {
    return cells_[row * schema_->size() + column];
  }
  // The cells of a row, side by side.
  const Cell* row(std::size_t row) const noexcept { return cells_.data() + row * schema_->size(); }
  // Of all cells' text.
  std::size_t bytes() const noexcept;

  const Position& position() const noexcept { return position_; }
  const std::string& partition() const noexcept { return position_.partition(); }
  void set_position(Position position) { position_ = std::move(position); }

  // The source has nothing more right now: a good moment for the sink to settle.
  bool caught_up() const noexcept { return caught_up_; }
  void set_caught_up(bool caught_up) noexcept { caught_up_ = caught_up; }

  // --- for sources: cells in order, row by row -----------------------------------------------------
  void reserve(std::size_t rows) { cells_.reserve(rows * schema_->size()); }
  // The text must live as long as the batch: in the arena, or in what keep_alive() was given.
  void push(Cell cell) {
    cells_.push_back(cell);
    if (cells_.size() == (rows_ + 1) * schema_->size()) ++rows_;
  }
  // A row of a single column.
  void push_row(Cell only) {
    cells_.push_back(only);
    ++rows_;
  }
  void push_copy(std::string_view text) { push(Cell(store(text))); }
  void push_null() { push(Cell()); }
  // A copy of `text` that lives as long as the batch.
  std::string_view store(std::string_view text);
  void keep_alive(std::shared_ptr<const void> owner) { owners_.push_back(std::move(owner)); }
  void set_row_positions(std::shared_ptr<const RowPositions> positions) { within_ = std::move(positions); }

  // --- for transforms and sinks ---------------------------------------------------------------------
  void set_cell(std::size_t row, std::size_t column, Cell cell) noexcept {
    cells_[row * schema_->size() + column] = cell;
  }
  // The same rows under other names; same number of columns.
  void rename(std::shared_ptr<const Schema> schema) noexcept { schema_ = std::move(schema); }
  // The given columns of every row, in that order; kNoColumn stands for one that is NULL everywhere.
  static constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);
  void select(std::shared_ptr<const Schema> schema, const std::vector<std::size_t>& columns);
  // Keeps the rows for which keep[row] is true; the position stays.
  void retain(const std::vector<bool>& keep);
  // True where positions between rows are known: slices then name exactly what they reach.
  bool divisible() const noexcept { return within_ != nullptr; }
  // What is reached once rows [0, end) are durable: this batch's position at its end; in the middle the
  // position after row end-1 where divisible(), else `before` (no progress).
  Position position_at(std::size_t end, const Position& before) const;
  // Rows [begin, end) as a batch of its own that shares the memory of this one and carries position_at(end).
  Batch slice(std::size_t begin, std::size_t end, const Position& before) const;
  // Appends all rows of `next` (same columns and partition) and takes over its position.  Divisible if both
  // are.
  void append(Batch next);

 private:
  class JoinedPositions;
  void join(const Batch& next);
  std::size_t origin(std::size_t row) const { return origins_.empty() ? first_origin_ + row : origins_[row]; }

  std::shared_ptr<const Schema> schema_;
  std::vector<Cell> cells_;
  std::size_t rows_ = 0;
  Position position_;
  bool caught_up_ = false;
  std::shared_ptr<const RowPositions> within_;
  std::shared_ptr<JoinedPositions> joined_;  // within_, while this batch alone may add to it
  std::size_t first_origin_ = 0;             // row 0 is this row of the source's batch, ...
  std::vector<std::uint32_t> origins_;       // ... unless rows were dropped: then one entry a row
  std::vector<std::shared_ptr<const void>> owners_;
  std::shared_ptr<std::string> block_;  // of the arena; the full ones are among the owners
};

}  // namespace syncd::jobs
