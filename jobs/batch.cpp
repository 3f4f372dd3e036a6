#include "jobs/batch.hpp"

#include <algorithm>
#include <cassert>

namespace syncd::jobs {

namespace {
// Of the first block and of the largest: many batches hold a row or two.
constexpr std::size_t kFirstBlock = 1024;
constexpr std::size_t kBlock = 64 * 1024;
}  // namespace

std::optional<bool> truth(std::string_view text) noexcept {
  if (text == "t" || text == "true") return true;
  if (text == "f" || text == "false") return false;
  return std::nullopt;
}

static_assert(!std::is_aggregate_v<Batch> && !std::is_aggregate_v<Position> &&
                  !std::is_aggregate_v<Positions>,
              "brace-made temporaries in await expressions are destroyed twice by GCC 12");

std::optional<std::size_t> Schema::find(std::string_view column) const noexcept {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns_.begin());
}

// The rows of several source batches, one after the other.
class Batch::JoinedPositions final : public RowPositions {
 public:
  void add(const Batch& batch) {
    parts_.push_back(Part{rows_, batch.within_, batch.first_origin_, batch.origins_});
    rows_ += batch.rows_;
  }
  Position after(std::size_t row) const override {
    const auto next =
        std::upper_bound(parts_.begin(), parts_.end(), row,
                         [](std::size_t wanted, const Part& part) { return wanted < part.begin; });
    const Part& part = *std::prev(next);
    const std::size_t within = row - part.begin;
    return part.positions->after(part.origins.empty() ? part.first_origin + within : part.origins[within]);
  }

 private:
  struct Part {
    std::size_t begin;  // its first row
    std::shared_ptr<const RowPositions> positions;
    std::size_t first_origin;
    std::vector<std::uint32_t> origins;
  };
  std::vector<Part> parts_;
  std::size_t rows_ = 0;
};

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
    const std::size_t size = block_ ? std::min(kBlock, 4 * block_->capacity()) : kFirstBlock;
    block_ = std::make_shared<std::string>();
    block_->reserve(std::max(size, text.size()));
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
    for (const std::size_t column : columns) {
      picked.push_back(column == kNoColumn ? Cell() : cell(row, column));
    }
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
  joined_ = nullptr;  // its rows are not those of this batch any more
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
  assert(next.schema_->size() == schema_->size() && next.partition() == partition());
  join(next);
  cells_.insert(cells_.end(), next.cells_.begin(), next.cells_.end());
  rows_ += next.rows_;
  owners_.insert(owners_.end(), next.owners_.begin(), next.owners_.end());
  position_ = std::move(next.position_);
  caught_up_ = next.caught_up_;
}

void Batch::join(const Batch& next) {
  if (next.empty()) return;
  if (rows_ == 0) {
    within_ = next.within_;
    joined_ = nullptr;
    first_origin_ = next.first_origin_;
    origins_ = next.origins_;
    return;
  }
  if (!divisible() || !next.divisible()) {
    within_ = nullptr;
    joined_ = nullptr;
    origins_.clear();
    return;
  }
  if (!joined_) {
    auto joined = std::make_shared<JoinedPositions>();
    joined->add(*this);
    joined_ = std::move(joined);
    within_ = joined_;
    first_origin_ = 0;
    origins_.clear();
  }
  joined_->add(next);
}

}  // namespace syncd::jobs
