#include "jobs/sinks/row_lines.hpp"

#include <fmt/format.h>

#include "jobs/columns.hpp"

namespace syncd::jobs {
namespace {

constexpr const char* kRawLine = "{line}";

// NULL is an empty field, an empty text one in quotes: parse_csv reads them back as what they were.
void append_csv(std::string& out, Cell cell) {
  const std::string_view text = cell.text();
  if (cell.null()) return;
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace

const config::Fields<LineOptions>& line_fields() {
  using O = LineOptions;
  static const auto all =
      config::Fields<O>()
          .add("format", &O::format,
               "json: an object a line; csv (RFC 4180): NULL is an empty field; raw: a text")
          .add("fields", &O::fields, "columns of an object or a record; default: all")
          .example("id")
          .add("value", &O::value, "raw: the text, {column} is replaced; default: {line}")
          .example("{time} {message}")
          .add("header", &O::header, "csv: begin with the names of the columns; default: true");
  return all;
}

RowLines RowLines::plan(const config::Table& table, const LineOptions& options, const PlanContext& context) {
  RowLines lines;
  lines.options_ = options;
  if (table.refused("format")) return lines;
  const bool raw = options.format == OutputFormat::Raw;
  if (raw && !options.fields.empty()) table.fail("fields", "'fields' has no effect on format = \"raw\"");
  if (!raw && options.value) table.fail("value", "'value' has an effect on format = \"raw\" only");
  if (options.format != OutputFormat::Csv && options.header) {
    table.fail("header", "'header' has an effect on format = \"csv\" only");
  }
  check_columns(table, "fields", context.stream, options.fields);
  if (raw) {
    lines.value_ =
        read_template(table, options.value ? "value" : "format", options.value.value_or(kRawLine), context);
  }
  return lines;
}

void RowLines::bind(const Batch& batch) {
  if (batch.shared_schema() == bound_) return;
  const Schema& schema = batch.schema();
  if (options_.format == OutputFormat::Raw) {
    value_.bind(schema, "value");
  } else {
    columns_ = chosen_columns(schema, options_.fields);
    json_.emplace(schema, columns_);
  }
  bound_ = batch.shared_schema();
}

std::string RowLines::head() const {
  std::string out;
  if (options_.format != OutputFormat::Csv || !options_.header.value_or(true)) return out;
  for (const std::size_t column : columns_) {
    if (!out.empty()) out += ',';
    append_csv(out, Cell(bound_->columns()[column]));
  }
  return out + '\n';
}

std::vector<std::string> RowLines::lines(const Batch& batch) {
  bind(batch);
  std::vector<std::string> all;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    std::string line;
    append(line, batch, row);
    line.pop_back();
    all.push_back(std::move(line));
  }
  return all;
}

void RowLines::append(std::string& out, const Batch& batch, std::size_t row) const {
  switch (options_.format) {
    case OutputFormat::Json:
      json_->append(out, batch, row);
      break;
    case OutputFormat::Csv:
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) out += ',';
        append_csv(out, batch.cell(row, columns_[i]));
      }
      break;
    case OutputFormat::Raw:
      value_.append_text(out, batch, row);
      break;
  }
  out += '\n';
}

}  // namespace syncd::jobs
