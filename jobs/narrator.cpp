#include "jobs/narrator.hpp"

#include <fmt/format.h>

#include <numeric>

#include "daemon/base/time.hpp"
#include "jobs/row_json.hpp"

namespace syncd::jobs {

using status::Piece;

void Narrator::step(std::string text) const {
  if (followed()) relay_.publish(job_, Piece("", Piece::Kind::Step, std::move(text)));
}

void Narrator::delivered(const Batch& batch, std::uint64_t rows) {
  if (!followed()) return;
  tell_records(batch);
  if (!batch.empty()) {
    step(fmt::format("{} {} in the sink, {} in this run", human_count(batch.rows()),
                     batch.rows() == 1 ? "row is" : "rows are", human_count(rows)));
  }
  if (batch.caught_up()) step("caught up: the source has nothing more right now");
}

void Narrator::tell_records(const Batch& batch) {
  const TimePoint now = clock_.now();
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    told_ = 0;
  }
  std::vector<std::size_t> columns(batch.schema().size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  const RowJson json(batch.schema(), std::move(columns));
  std::size_t row = 0;
  for (; row < batch.rows() && told_ < kMostRecords; ++row, ++told_) {
    Piece piece("", Piece::Kind::Record, "");
    json.append(piece.text, batch, row);
    relay_.publish(job_, std::move(piece));
  }
  const std::size_t rest = batch.rows() - row;
  if (rest > 0) relay_.publish(job_, Piece("", Piece::Kind::Skipped, std::to_string(rest)));
}

}  // namespace syncd::jobs
