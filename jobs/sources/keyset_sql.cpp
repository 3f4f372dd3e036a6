#include "jobs/sources/keyset_sql.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace syncd::jobs {
namespace {

bool plain_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool plain(char c) { return plain_start(c) || (c >= '0' && c <= '9') || c == '$'; }

std::string list(const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ", ")); }

// The 64-bit transaction id of a row's version.  A visible row's xmin is below the snapshot's xmax, so the
// upper half is that of xmax, or one less.
constexpr std::string_view kRowXid =
    "((SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint >> 32 << 32) + xmin::text::bigint"
    " - CASE WHEN (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint >> 32 << 32) + "
    "xmin::text::bigint"
    " >= (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint) THEN 4294967296 ELSE 0 END)";

}  // namespace

std::string quote_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::optional<TableName> TableName::parse(std::string_view text) {
  TableName name;
  std::size_t i = 0;
  while (true) {
    std::string part;
    if (i < text.size() && text[i] == '"') {
      for (++i;; ++i) {
        if (i >= text.size() || text[i] == '\0') return std::nullopt;
        if (text[i] != '"') {
          part += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == '"') {
          part += text[i++];
        } else {
          break;
        }
      }
      ++i;
    } else {
      if (i >= text.size() || !plain_start(text[i])) return std::nullopt;
      for (; i < text.size() && plain(text[i]); ++i) {
        part += text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
      }
    }
    if (part.empty()) return std::nullopt;
    name.parts_.push_back(std::move(part));
    if (i == text.size()) break;
    if (text[i] != '.' || name.parts_.size() == 2) return std::nullopt;
    ++i;
  }
  return name;
}

std::string TableName::quoted() const {
  std::string out;
  for (const std::string& part : parts_) out += (out.empty() ? "" : ".") + quote_identifier(part);
  return out;
}

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

PageQuery page_query(const PageShape& shape, const PageBounds& bounds) {
  PageQuery query;
  const auto param = [&](const std::string& value, const std::string& type) {
    query.params.emplace_back(value);
    return fmt::format("${}::{}", query.params.size(), type);
  };
  std::vector<std::string> columns;
  for (const std::string& column : shape.columns) columns.push_back(quote_identifier(column));
  std::vector<std::string> keys;
  for (const CursorColumn& column : shape.cursor) {
    keys.push_back(quote_identifier(column.name));
    if (std::find(shape.columns.begin(), shape.columns.end(), column.name) == shape.columns.end()) {
      columns.push_back(keys.back());
    }
  }
  std::vector<std::string> conditions;
  if (bounds.after) {
    // Row comparison is an index condition; its expansion with OR would filter the whole index.
    std::vector<std::string> names;
    std::vector<std::string> values;
    for (std::size_t i = 0; i < bounds.after->size(); ++i) {
      names.push_back(keys[i]);
      values.push_back(param((*bounds.after)[i], shape.cursor[i].type));
    }
    const bool whole = bounds.after->size() == shape.cursor.size();
    conditions.push_back(fmt::format("({}) {} ({})", list(names), whole ? ">" : ">=", list(values)));
  }
  if (bounds.upper)
    conditions.push_back(fmt::format("{} <= {}", keys[0], param(*bounds.upper, shape.cursor[0].type)));
  if (bounds.below_horizon) {
    conditions.push_back(fmt::format("{} < pg_snapshot_xmin(pg_current_snapshot())", keys[0]));
  }
  if (bounds.min_xid && shape.versioned) {
    conditions.push_back(fmt::format("{} >= {}", kRowXid, param(std::to_string(*bounds.min_xid), "bigint")));
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (shape.cursor[i].nullable) conditions.push_back(keys[i] + " IS NOT NULL");
  }
  if (!shape.where.empty()) conditions.push_back("(" + shape.where + "\n)");  // the line break ends a comment
  query.sql = fmt::format("SELECT {} FROM {}", list(columns), shape.table);
  if (!conditions.empty()) query.sql += fmt::format(" WHERE {}", fmt::join(conditions, " AND "));
  query.sql += fmt::format(" ORDER BY {} LIMIT {}", list(keys), shape.rows);
  return query;
}

}  // namespace syncd::jobs
