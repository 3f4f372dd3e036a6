// RowLines: rows as lines of text, for sinks that write them somewhere.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "jobs/component.hpp"
#include "jobs/row_json.hpp"
#include "jobs/template.hpp"

namespace syncd::jobs {

enum class OutputFormat { Json, Csv, Raw };
constexpr auto enum_names(OutputFormat) {
  return std::array{config::EnumName("json", OutputFormat::Json), config::EnumName("csv", OutputFormat::Csv),
                    config::EnumName("raw", OutputFormat::Raw)};
}

struct LineOptions {
  OutputFormat format = OutputFormat::Json;
  std::vector<std::string> fields;
  std::optional<std::string> value;
  std::optional<bool> header;
};
const config::Fields<LineOptions>& line_fields();

class RowLines {
 public:
  // Findings go to the table.
  static RowLines plan(const config::Table& table, const LineOptions& options, const PlanContext& context);

  // Looks the columns up where the schema is another one.
  void bind(const Batch& batch);
  // What a file begins with; "" for nothing.  Precondition, as for append(): bind().
  std::string head() const;
  // The lines of a batch, without their ends.
  std::vector<std::string> lines(const Batch& batch);
  // Appends the row and a line end.
  void append(std::string& out, const Batch& batch, std::size_t row) const;

 private:
  LineOptions options_;
  Template value_;  // of raw lines
  std::shared_ptr<const Schema> bound_;
  std::vector<std::size_t> columns_;
  std::optional<RowJson> json_;
};

}  // namespace syncd::jobs
