#include "jobs/row_json.hpp"

#include <numeric>

#include "daemon/base/escape.hpp"

namespace syncd::jobs {
namespace {

void append_value(std::string& out, ColumnKind kind, Cell cell) {
  const std::string_view text = cell.text();
  if (cell.null()) {
    out += "null";
  } else if ((kind == ColumnKind::Number && is_number(text)) || (kind == ColumnKind::Json && !text.empty())) {
    out += text;
  } else if (const auto said = kind == ColumnKind::Boolean ? truth(text) : std::nullopt) {
    out += *said ? "true" : "false";
  } else {
    append_json_string(out, text);
  }
}

}  // namespace

bool is_number(std::string_view text) noexcept {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t first = i;
    while (i < text.size() && digit(text[i])) ++i;
    return i > first;
  };
  const bool zero = i < text.size() && text[i] == '0';
  const std::size_t first = i;
  if (!digits() || (zero && i > first + 1)) return false;
  if (i < text.size() && text[i] == '.' && (++i, !digits())) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

RowJson::RowJson(const Schema& schema, std::vector<std::size_t> columns) {
  for (const std::size_t index : columns) {
    std::string head = columns_.empty() ? "{" : ",";
    append_json_string(head, schema.columns()[index]);
    head += ':';
    columns_.push_back(Column{index, schema.kind(index), std::move(head)});
  }
}

void RowJson::append(std::string& out, const Batch& batch, std::size_t row) const {
  for (const Column& column : columns_) {
    out += column.head;
    append_value(out, column.kind, batch.cell(row, column.index));
  }
  out += columns_.empty() ? "{}" : "}";
}

std::string row_json(const Batch& batch, std::size_t row) {
  std::vector<std::size_t> columns(batch.schema().size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  std::string out;
  RowJson(batch.schema(), std::move(columns)).append(out, batch, row);
  return out;
}

}  // namespace syncd::jobs
