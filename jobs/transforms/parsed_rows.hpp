// What the transforms that take a text apart (parse_*) have in common: one column of text becomes several,
// known by name before the first row; a text that cannot be taken apart is a bad record with its reason.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "jobs/transforms/batch_work.hpp"

namespace syncd::jobs {

struct ParseOptions {
  std::string field = "line";
  bool keep_field = false;
  config::OrderedStrings types;
};
const config::Fields<ParseOptions>& parse_fields();

// A column that comes out.
struct ParsedColumn {
  std::string name;
  ColumnKind kind = ColumnKind::Text;
};

// What a parse transform is, apart from how it reads a text.
struct ParseShape {
  std::string name;  // of the transform, for messages
  ParseOptions options;
  std::vector<ParsedColumn> columns;
};

// The columns of an option `fields`, column = where it is found; calls use(where, index) for each.  nullopt:
// it was refused, here where it names nothing.
std::optional<std::vector<ParsedColumn>> named_columns(
    const config::Table& table, const config::OrderedStrings& fields,
    const std::function<void(const std::string& where, std::size_t column)>& use);

// The shape of `options`, with the kinds of `types` on top of those of `columns`; nullopt: what names them
// was refused.  Findings go to the table; `context.stream` becomes what comes out, as far as that is known.
// `json`: a type "json" makes sense here.
ParseShape parse_shape(const config::Table& table, PlanContext& context, std::string name,
                       const ParseOptions& options, std::optional<std::vector<ParsedColumn>> columns,
                       bool json);

// The cells of one batch on their way from one text to several columns.
class ParsedRows {
 public:
  explicit ParsedRows(ParseShape shape) : shape_(std::move(shape)) {}

  // All rows of `batch` are there, every new cell is NULL.  Throws a Config error for a missing column.
  void begin(const Batch& batch);
  std::size_t text_column() const noexcept { return text_; }
  std::size_t width() const noexcept { return shape_.columns.size(); }
  std::span<Cell> cells(std::size_t row) { return std::span(cells_).subspan(row * width(), width()); }
  // What is wrong with the kinds of the row's cells, "" for nothing.  An empty text where a number is
  // expected becomes NULL.
  std::string judge(std::size_t row);
  // The row leaves the batch; it becomes a bad record.
  void reject(const Batch& batch, std::size_t row, const std::string& why, std::vector<BadRecord>& bad);
  // The row leaves the batch.
  void drop(std::size_t row) { keep_[row] = false, whole_ = false; }
  // Puts the cells into the batch.
  void finish(Batch& batch);

 private:
  void bind(const Schema& schema);

  ParseShape shape_;
  std::shared_ptr<const Schema> seen_;
  std::shared_ptr<const Schema> after_;
  std::vector<std::size_t> picked_;  // columns of the old schema that stay, then a kNoColumn for each new one
  std::size_t text_ = 0;
  std::vector<Cell> cells_;
  std::vector<bool> keep_;
  bool whole_ = true;  // no row was dropped
};

// Takes one text apart.
class TextParser {
 public:
  virtual ~TextParser() = default;
  // Fills `cells`, one a column, with views of `text` or of what batch.store() returned.  Returns why the
  // text cannot be taken apart, "" where it can.
  virtual std::string parse(std::string_view text, Batch& batch, std::span<Cell> cells) = 0;
};

// The plan of a transform whose rows do not know each other.
Plan<Transform> parse_plan(ParseShape shape, std::function<std::unique_ptr<TextParser>()> parser,
                           std::size_t at_once = 16 * 1024);

}  // namespace syncd::jobs
