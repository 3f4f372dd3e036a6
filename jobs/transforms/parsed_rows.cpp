#include "jobs/transforms/parsed_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/suggest.hpp"
#include "jobs/columns.hpp"
#include "jobs/row_json.hpp"

namespace syncd::jobs {
namespace {

std::optional<ColumnKind> kind_of(const std::string& type, bool json) {
  if (type == "text") return ColumnKind::Text;
  if (type == "number") return ColumnKind::Number;
  if (type == "boolean") return ColumnKind::Boolean;
  if (type == "json" && json) return ColumnKind::Json;
  return std::nullopt;
}

void set_kinds(const config::Table& table, const ParseOptions& options, std::vector<ParsedColumn>& columns,
               bool json) {
  std::vector<std::string> names;
  for (const ParsedColumn& column : columns) names.push_back(column.name);
  for (const auto& [name, type] : options.types) {
    const auto column = std::find_if(columns.begin(), columns.end(),
                                     [&name = name](const ParsedColumn& c) { return c.name == name; });
    const auto kind = kind_of(type, json);
    if (column == columns.end()) {
      table.fail("types", config::unknown_text("column", name, names));
    } else if (!kind) {
      std::vector<std::string> known{"text", "number", "boolean"};
      if (json) known.emplace_back("json");
      table.fail("types", config::unknown_text("type", type, known));
    } else {
      column->kind = *kind;
    }
  }
}

// The names that come out of a stream with `columns`.
std::vector<std::string> names_after(const ParseShape& shape, const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const std::string& column : columns) {
    if (column != shape.options.field || shape.options.keep_field) names.push_back(column);
  }
  for (const ParsedColumn& column : shape.columns) names.push_back(column.name);
  return names;
}

std::optional<std::string> duplicate(const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) return name;
  }
  return std::nullopt;
}

class ParseWork final : public BatchWork {
 public:
  ParseWork(ParseShape shape, std::unique_ptr<TextParser> parser, std::size_t at_once)
      : BatchWork(at_once), rows_(std::move(shape)), parser_(std::move(parser)) {}

  bool work(Batch& batch, std::vector<BadRecord>& bad) override {
    rows_.begin(batch);
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      std::string wrong = parse(batch, row);
      if (wrong.empty()) wrong = rows_.judge(row);
      if (!wrong.empty()) rows_.reject(batch, row, wrong, bad);
    }
    rows_.finish(batch);
    return true;
  }

 private:
  std::string parse(Batch& batch, std::size_t row) {
    const Cell text = batch.cell(row, rows_.text_column());
    if (text.null()) return "the text is NULL";
    try {
      return parser_->parse(text.text(), batch, rows_.cells(row));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::Data) throw;
      return error.what();
    }
  }

  ParsedRows rows_;
  std::unique_ptr<TextParser> parser_;
};

}  // namespace

const config::Fields<ParseOptions>& parse_fields() {
  using O = ParseOptions;
  static const auto all =
      config::Fields<O>()
          .add("field", &O::field, "the column with the text")
          .add("keep_field", &O::keep_field, "keep that column beside those that come out of it")
          .add("types", &O::types,
               "column = number, boolean or text: what sinks that write typed values (JSON) take it for; a "
               "text "
               "that is none is a bad record, an empty one is NULL")
          .example("{ status = \"number\" }");
  return all;
}

std::optional<std::vector<ParsedColumn>> named_columns(
    const config::Table& table, const config::OrderedStrings& fields,
    const std::function<void(const std::string& where, std::size_t column)>& use) {
  if (table.refused("fields")) return std::nullopt;
  if (fields.empty()) table.fail("fields", "'fields' must name at least one column");
  std::vector<ParsedColumn> columns;
  for (const auto& [column, where] : fields) {
    use(where, columns.size());
    columns.push_back(ParsedColumn{column});
  }
  return columns;
}

ParseShape parse_shape(const config::Table& table, PlanContext& context, std::string name,
                       const ParseOptions& options, std::optional<std::vector<ParsedColumn>> columns,
                       bool json) {
  if (columns && !table.refused("types")) set_kinds(table, options, *columns, json);
  const bool found = check_columns(table, "field", context.stream, {options.field});
  ParseShape shape{std::move(name), options, columns.value_or(std::vector<ParsedColumn>())};
  // What comes after cannot be judged.
  if (!found || !columns || table.refused("keep_field")) context.stream.columns.reset();
  if (!context.stream.columns) return shape;
  context.stream.columns = names_after(shape, *context.stream.columns);
  if (const auto twice = duplicate(*context.stream.columns)) {
    table.fail(fmt::format("two columns would be named '{}'", *twice));
  }
  return shape;
}

void ParsedRows::bind(const Schema& schema) {
  text_ = resolve_columns(schema, {shape_.options.field}, shape_.name).front();
  const auto names = names_after(shape_, schema.columns());
  if (const auto twice = duplicate(names)) {
    throw Error(ErrorKind::Config, fmt::format("{}: two columns would be named '{}'", shape_.name, *twice));
  }
  std::vector<ColumnKind> kinds;
  picked_.clear();
  for (std::size_t column = 0; column < schema.size(); ++column) {
    if (column == text_ && !shape_.options.keep_field) continue;
    picked_.push_back(column);
    kinds.push_back(schema.kind(column));
  }
  for (const ParsedColumn& column : shape_.columns) {
    picked_.push_back(Batch::kNoColumn);
    kinds.push_back(column.kind);
  }
  after_ = std::make_shared<const Schema>(names, std::move(kinds));
}

void ParsedRows::begin(const Batch& batch) {
  if (batch.shared_schema() != seen_) {
    bind(batch.schema());
    seen_ = batch.shared_schema();
  }
  cells_.assign(batch.rows() * width(), Cell());
  keep_.assign(batch.rows(), true);
  whole_ = true;
}

std::string ParsedRows::judge(std::size_t row) {
  const auto row_cells = cells(row);
  for (std::size_t i = 0; i < row_cells.size(); ++i) {
    const ParsedColumn& column = shape_.columns[i];
    if (column.kind == ColumnKind::Text || column.kind == ColumnKind::Json || row_cells[i].null()) continue;
    const std::string_view text = row_cells[i].text();
    if (text.empty()) {
      row_cells[i] = Cell();
    } else if (column.kind == ColumnKind::Number && !is_number(text)) {
      return fmt::format("{} of the column '{}' is no number", config::quoted(text), column.name);
    } else if (column.kind == ColumnKind::Boolean && text != "true" && text != "false") {
      return fmt::format("{} of the column '{}' is neither true nor false", config::quoted(text),
                         column.name);
    }
  }
  return {};
}

void ParsedRows::reject(const Batch& batch, std::size_t row, const std::string& why,
                        std::vector<BadRecord>& bad) {
  bad.push_back(BadRecord{row_json(batch, row), fmt::format("{}: {}", shape_.name, why)});
  drop(row);
}

void ParsedRows::finish(Batch& batch) {
  if (!whole_) batch.retain(keep_);
  batch.select(after_, picked_);
  const std::size_t first = after_->size() - width();
  std::size_t to = 0;
  for (std::size_t row = 0; row < keep_.size(); ++row) {
    if (!keep_[row]) continue;
    const auto row_cells = cells(row);
    for (std::size_t i = 0; i < row_cells.size(); ++i) batch.set_cell(to, first + i, row_cells[i]);
    ++to;
  }
}

Plan<Transform> parse_plan(ParseShape shape, std::function<std::unique_ptr<TextParser>()> parser,
                           std::size_t at_once) {
  Plan<Transform> plan;
  plan.make = [shape = std::move(shape), parser = std::move(parser), at_once](RunContext& run) {
    return std::make_unique<WorkTransform>(
        run, [shape, parser, at_once] { return std::make_unique<ParseWork>(shape, parser(), at_once); });
  };
  return plan;
}

}  // namespace syncd::jobs
