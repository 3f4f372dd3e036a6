#include "jobs/batch.hpp"

#include <algorithm>
#include <cassert>

namespace syncd::jobs {

namespace {
constexpr std::size_t kBlock = 64 * 1024;
}

static_assert(!std::is_aggregate_v<Batch> && !std::is_aggregate_v<Position> &&
                  !std::is_aggregate_v<Positions>,
              "brace-made temporaries in await expressions are destroyed twice by GCC 12");

std::optional<std::size_t> Schema::find(std::string_view column) const noexcept {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns_.begin());
}

Batch::Batch(std::shared_ptr<const Schema> schema, Position position)
    : schema_(std::move(schema)), position_(std::move(position)) {}

std::size_t Batch::bytes() const noexcept {
  std::size_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.text().size();
  return sum;
}

std::string_view Batch::store(std::string_view text) {
  // A block never grows beyond its capacity, so views into it stay valid.
  if (!block_ || block_->capacity() - block_->size() < text.size()) {
    block_ = std::make_shared<std::string>();
    block_->reserve(std::max(kBlock, text.size()));
    owners_.push_back(block_);
  }
  const std::size_t start = block_->size();
  block_->append(text);
  return {block_->data() + start, text.size()};
}

void Batch::select(std::shared_ptr<const Schema> schema, const std::vector<std::size_t>& columns) {
  assert(schema->size() == columns.size());
  std::vector<Cell> picked;
  picked.reserve(rows_ * columns.size());
  for (std::size_t row = 0; row < rows_; ++row) {
    for (const std::size_t column : columns) picked.push_back(cell(row, column));
  }
  cells_ = std::move(picked);
  schema_ = std::move(schema);
}

void Batch::retain(const std::vector<bool>& keep) {
  assert(keep.size() == rows_);
  const std::size_t width = schema_->size();
  std::vector<std::uint32_t> origins;
  std::size_t kept = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    if (!keep[row]) continue;
    origins.push_back(static_cast<std::uint32_t>(origin(row)));
    std::move(cells_.begin() + static_cast<std::ptrdiff_t>(row * width),
              cells_.begin() + static_cast<std::ptrdiff_t>((row + 1) * width),
              cells_.begin() + static_cast<std::ptrdiff_t>(kept * width));
    ++kept;
  }
  cells_.resize(kept * width);
  rows_ = kept;
  origins_ = std::move(origins);
}

Position Batch::position_at(std::size_t end, const Position& before) const {
  if (end >= rows_) return position_;
  return divisible() && end > 0 ? within_->after(origin(end - 1)) : before;
}

Batch Batch::slice(std::size_t begin, std::size_t end, const Position& before) const {
  assert(begin <= end && end <= rows_);
  Batch part(schema_, position_at(end, before));
  const std::size_t width = schema_->size();
  part.cells_.assign(cells_.begin() + static_cast<std::ptrdiff_t>(begin * width),
                     cells_.begin() + static_cast<std::ptrdiff_t>(end * width));
  part.rows_ = end - begin;
  part.caught_up_ = caught_up_ && end == rows_;
  part.within_ = within_;
  part.first_origin_ = first_origin_ + begin;
  if (!origins_.empty()) {
    part.origins_.assign(origins_.begin() + static_cast<std::ptrdiff_t>(begin),
                         origins_.begin() + static_cast<std::ptrdiff_t>(end));
  }
  part.owners_ = owners_;
  return part;
}

void Batch::append(Batch next) {
  assert(next.schema_->size() == schema_->size());
  cells_.insert(cells_.end(), next.cells_.begin(), next.cells_.end());
  rows_ += next.rows_;
  owners_.insert(owners_.end(), next.owners_.begin(), next.owners_.end());
  position_ = std::move(next.position_);
  caught_up_ = next.caught_up_;
  // Rows of two source batches: positions in between are known no more.
  within_ = nullptr;
  origins_.clear();
}

}  // namespace syncd::jobs
