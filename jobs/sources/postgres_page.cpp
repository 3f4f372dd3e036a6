#include "jobs/sources/postgres_page.hpp"

#include <fmt/format.h>

#include "daemon/base/crash_point.hpp"

namespace syncd::jobs {
namespace {

// Rows that one statement may pass over: some ten milliseconds for an index.
constexpr std::uint32_t kStride = 50'000;

CursorValues cursor_of(const postgres::Rows& rows, std::size_t row, const std::vector<std::size_t>& columns) {
  CursorValues values;
  values.reserve(columns.size());
  for (const std::size_t column : columns) values.emplace_back(rows.text(row, column));
  return values;
}

class PagePositions final : public RowPositions {
 public:
  PagePositions(postgres::Rows rows, std::vector<std::size_t> cursor, PostgresPosition base,
                std::optional<std::size_t> range)
      : rows_(std::move(rows)), cursor_(std::move(cursor)), base_(std::move(base)), range_(range) {}
  Position after(std::size_t row) const override {
    PostgresPosition reached = base_;
    CursorValues here = cursor_of(rows_, row, cursor_);
    if (range_) {
      reached.fence.ranges()[*range_].at = std::move(here);
    } else {
      reached.cursor = std::move(here);
    }
    return Position("", encode(reached));
  }

 private:
  postgres::Rows rows_;
  std::vector<std::size_t> cursor_;
  PostgresPosition base_;
  std::optional<std::size_t> range_;
};

void cut(postgres::Session& session, const TableShape& shape, const PageBounds& bounds, Piece& piece) {
  const PageQuery query = stride_query(shape.page, bounds, kStride);
  const postgres::Rows rows = session.exec(query.sql, query.params);
  piece.known = true;
  piece.until.reset();
  if (rows.size() == 0) return;
  CursorValues& until = piece.until.emplace();
  for (std::size_t column = 0; column < rows.columns(); ++column) until.emplace_back(rows.text(0, column));
}

// The reply shows the table of the statement's own moment; `shape` is what it was when the attempt began.
void refuse_other_columns(const postgres::Rows& rows, const TableShape& shape) {
  const std::vector<std::string>& names = shape.page.columns;
  bool same = rows.columns() == shape.types.size();
  for (std::size_t i = 0; same && i < shape.types.size(); ++i) {
    same = rows.column_type(i) == shape.types[i] && (i >= names.size() || rows.column_name(i) == names[i]);
  }
  if (same) return;
  throw Error(ErrorKind::Transient, fmt::format("the columns of {} have changed", shape.page.table));
}

}  // namespace

Page read_page(postgres::Session& session, const TableShape& shape, PageBounds bounds, Piece* piece) {
  if (piece != nullptr) {
    if (!piece->known) cut(session, shape, bounds, *piece);
    bounds.until = piece->until;
  }
  const PageQuery query = page_query(shape.page, bounds);
  postgres::Rows rows = session.exec(query.sql, query.params);
  crash_point("after_fetch");
  refuse_other_columns(rows, shape);
  Batch batch(shape.schema, Position());
  batch.reserve(rows.size());
  batch.keep_alive(rows.owner());
  const std::size_t width = shape.schema->size();
  rows.each_row([&](const std::string_view* cells) {
    for (std::size_t column = 0; column < width; ++column) {
      batch.push(cells[column].data() == nullptr ? Cell() : Cell(cells[column]));
    }
  });
  Page page(std::move(rows), std::move(batch));
  const bool full = page.rows.size() == shape.page.rows;
  if (page.rows.size() > 0) page.reached = cursor_of(page.rows, page.rows.size() - 1, shape.cursor);
  if (!full && bounds.until) page.reached = bounds.until;
  page.end = !full && !bounds.until;
  if (!full && piece != nullptr) *piece = Piece();
  return page;
}

std::shared_ptr<const RowPositions> row_positions(const TableShape& shape, const postgres::Rows& rows,
                                                  PostgresPosition base, std::optional<std::size_t> range) {
  return std::make_shared<PagePositions>(rows, shape.cursor, std::move(base), range);
}

bool has_null_cursor(postgres::Session& session, const TableShape& shape) {
  std::vector<std::string> nulls;
  for (const CursorColumn& column : shape.page.cursor) {
    if (column.nullable) nulls.push_back(quote_identifier(column.name) + " IS NULL");
  }
  if (nulls.empty()) return false;
  const auto rows = session.exec(
      fmt::format("SELECT EXISTS (SELECT 1 FROM {} WHERE ({}){})", shape.page.table, fmt::join(nulls, " OR "),
                  shape.page.where.empty() ? "" : " AND (" + shape.page.where + "\n)"));
  return rows.text(0, 0) == "t";
}

}  // namespace syncd::jobs
