// The SQL of postgres_table: identifiers are parsed and quoted, values are parameters.  Pure text.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/postgres/name.hpp"
#include "daemon/postgres/rows.hpp"
#include "jobs/sources/fence.hpp"

namespace syncd::jobs {

using postgres::quote_identifier;
using postgres::TableName;

struct CursorColumn {
  std::string name;
  std::string type;       // as format_type() says: the cast of its parameters
  bool nullable = false;  // a row without a cursor has no place in the order
};

// What a page is cut from.
struct PageShape {
  std::string table;                 // quoted
  std::vector<std::string> columns;  // to deliver
  bool all = false;                  // ... which are those of the table: a reply shows one that was added
  std::vector<CursorColumn> cursor;
  std::string where;       // the operator's own SQL; "" for none
  std::uint32_t rows = 0;  // LIMIT
  bool versioned = true;   // the relation has xmin: a table, not a view
  std::string now;         // SQL: the present, where the first cursor column is a timestamp
};

// The bounds of one page.  Each combination of what is present has its own text, and so its own plan.
struct PageBounds {
  std::optional<Start> after;
  std::optional<std::string> upper;      // inclusive, of the first column
  bool up_to_now = false;                // ... that the statement itself begins at
  std::optional<CursorValues> until;     // inclusive, of all columns
  std::optional<std::uint64_t> min_xid;  // only row versions of this transaction or later
  bool below_horizon = false;            // xid mode: only transactions that ended before any that runs
};

struct PageQuery {
  std::string sql;
  postgres::Params params;
};

// Rows in cursor order: the columns to deliver, then the cursor columns that are not among them.
PageQuery page_query(const PageShape& shape, const PageBounds& bounds);

// The cursor of the row that comes `rows` rows after bounds.after, whatever `where` says: no row where the
// range is shorter.  It cuts a range into pieces that one statement can search.
PageQuery stride_query(const PageShape& shape, const PageBounds& bounds, std::uint32_t rows);

// Where the cursor columns stand in the reply of page_query.
std::vector<std::size_t> cursor_indices(const PageShape& shape);

}  // namespace syncd::jobs
