// One page of a table as a batch: its cells point into the server's reply.  Runs on a connection's thread.
#pragma once
#include <optional>

#include "daemon/postgres/connection.hpp"
#include "jobs/sources/postgres_position.hpp"
#include "jobs/sources/postgres_table.hpp"

namespace syncd::jobs {

class Page {
 public:
  Page(postgres::Rows rows_in, Batch batch_in) : rows(std::move(rows_in)), batch(std::move(batch_in)) {}
  postgres::Rows rows;
  Batch batch;                          // without a position yet
  std::optional<CursorValues> reached;  // how far this page has searched; nullopt: it found nothing
  bool end = false;                     // nothing more within the bounds
};

// A part of a range that is small enough for one statement, also where few of its rows are wanted.
struct Piece {
  bool known = false;
  std::optional<CursorValues> until;  // nullopt: it is all that is left
};

// The next page within `bounds`.  `piece` (nullptr: no need) is cut off them first, and given back empty
// when it has been read to its end.  Throws a Transient error where the columns are others than those of
// `shape`.
Page read_page(postgres::Session& session, const TableShape& shape, PageBounds bounds, Piece* piece);

// The positions after each row of a page: `base`, with its cursor or (`range`: during a second read) the
// progress of that range moved to the row.
std::shared_ptr<const RowPositions> row_positions(const TableShape& shape, const postgres::Rows& rows,
                                                  PostgresPosition base, std::optional<std::size_t> range);

// Rows that have no place in the order and would be missed.
bool has_null_cursor(postgres::Session& session, const TableShape& shape);

}  // namespace syncd::jobs
