#include "jobs/sources/keyset_sql.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace syncd::jobs {
namespace {

std::string list(const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ", ")); }

// The 64-bit transaction id of a row's version.  A visible row's xmin is below the snapshot's xmax, so the
// upper half is that of xmax, or one less.
constexpr std::string_view kRowXid =
    "(xmin::text::bigint + (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint >> 32 << 32)"
    " - CASE WHEN xmin::text::bigint"
    " >= (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint & 4294967295)"
    " THEN 4294967296 ELSE 0 END)";

}  // namespace

std::vector<std::size_t> cursor_indices(const PageShape& shape) {
  std::vector<std::size_t> indices;
  std::size_t hidden = shape.columns.size();
  for (const CursorColumn& column : shape.cursor) {
    const auto found = std::find(shape.columns.begin(), shape.columns.end(), column.name);
    indices.push_back(found == shape.columns.end() ? hidden++
                                                   : static_cast<std::size_t>(found - shape.columns.begin()));
  }
  return indices;
}

namespace {

// The text of one query as it grows.
class Writer {
 public:
  explicit Writer(const PageShape& shape) : shape_(shape) {
    for (const CursorColumn& column : shape.cursor) keys_.push_back(quote_identifier(column.name));
  }

  void within(const PageBounds& bounds) {
    // Row comparison is an index condition; its expansion with OR would filter the whole index.
    if (bounds.after) compare(bounds.after->inclusive ? ">=" : ">", bounds.after->values);
    if (bounds.upper) {
      conditions_.push_back(fmt::format("{} <= {}", keys_[0], param(*bounds.upper, shape_.cursor[0].type)));
    }
    // Asked once, in a query of its own, it is an index condition too.
    if (bounds.up_to_now) conditions_.push_back(fmt::format("{} <= (SELECT {})", keys_[0], shape_.now));
    if (bounds.until) compare("<=", *bounds.until);
    if (bounds.below_horizon) {
      conditions_.push_back(fmt::format("{} < pg_snapshot_xmin(pg_current_snapshot())", keys_[0]));
    }
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (shape_.cursor[i].nullable) conditions_.push_back(keys_[i] + " IS NOT NULL");
    }
  }
  void since(std::uint64_t xid) {
    conditions_.push_back(fmt::format("{} >= {}", kRowXid, param(std::to_string(xid), "bigint")));
  }
  void where(const std::string& sql) { conditions_.push_back("(" + sql + "\n)"); }  // ends a comment

  PageQuery finish(const std::vector<std::string>& columns, const std::string& limit) {
    query_.sql = fmt::format("SELECT {} FROM {}", list(columns), shape_.table);
    if (!conditions_.empty()) query_.sql += fmt::format(" WHERE {}", fmt::join(conditions_, " AND "));
    query_.sql += fmt::format(" ORDER BY {} {}", list(keys_), limit);
    return std::move(query_);
  }
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  std::string param(const std::string& value, const std::string& type) {
    query_.params.emplace_back(value);
    return fmt::format("${}::{}", query_.params.size(), type);
  }
  void compare(std::string_view sign, const CursorValues& to) {
    std::vector<std::string> names;
    std::vector<std::string> values;
    for (std::size_t i = 0; i < to.size(); ++i) {
      names.push_back(keys_[i]);
      values.push_back(param(to[i], shape_.cursor[i].type));
    }
    conditions_.push_back(fmt::format("({}) {} ({})", list(names), sign, list(values)));
  }

  const PageShape& shape_;
  std::vector<std::string> keys_;
  std::vector<std::string> conditions_;
  PageQuery query_;
};

}  // namespace

PageQuery page_query(const PageShape& shape, const PageBounds& bounds) {
  Writer writer(shape);
  std::vector<std::string> columns;
  if (shape.all) columns.emplace_back("*");
  for (const std::string& column : shape.columns) {
    if (!shape.all) columns.push_back(quote_identifier(column));
  }
  for (std::size_t i = 0; i < shape.cursor.size(); ++i) {
    const bool delivered =
        std::find(shape.columns.begin(), shape.columns.end(), shape.cursor[i].name) != shape.columns.end();
    if (!delivered) columns.push_back(writer.keys()[i]);
  }
  writer.within(bounds);
  if (bounds.min_xid && shape.versioned) writer.since(*bounds.min_xid);
  if (!shape.where.empty()) writer.where(shape.where);
  return writer.finish(columns, fmt::format("LIMIT {}", shape.rows));
}

PageQuery stride_query(const PageShape& shape, const PageBounds& bounds, std::uint32_t rows) {
  Writer writer(shape);
  writer.within(bounds);
  return writer.finish(writer.keys(), fmt::format("OFFSET {} LIMIT 1", rows - 1));
}

}  // namespace syncd::jobs
