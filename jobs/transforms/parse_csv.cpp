// parse_csv: the fields of a CSV record become columns.  A record whose quotes are open at the end of a line
// goes on in the next one; until it is whole, the position stays before its first line.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/suggest.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/transforms/csv_record.hpp"
#include "jobs/transforms/parsed_rows.hpp"

namespace syncd::jobs {
namespace {

struct ParseCsvOptions : ParseOptions {
  std::vector<std::string> columns;
  bool header = false;
  std::string delimiter = ",";
  std::string quote = "\"";
  config::Bytes max_record = config::Bytes::mib(1);
};

std::optional<std::string> wrong_columns(const std::vector<std::string>& columns) {
  if (columns.empty()) return "must name at least one column";
  if (std::set(columns.begin(), columns.end()).size() != columns.size()) return "names a column twice";
  return std::nullopt;
}

const config::Fields<ParseCsvOptions>& parse_csv_options() {
  static const auto all =
      config::Fields<ParseCsvOptions>()
          .required(
              "columns", &ParseCsvOptions::columns,
              "all columns of the file, in its order. An empty field is NULL, an empty one in quotes "
              "an empty text; a record with more or fewer fields is a bad record, an empty line none at all")
          .example("id")
          .check(&wrong_columns)
          .add("header", &ParseCsvOptions::header,
               "leave out records that repeat the names of the columns, as each file begins with; names in "
               "another order end the job")
          .add("delimiter", &ParseCsvOptions::delimiter, "what stands between two fields")
          .example("\\t")
          .check([](const std::string& delimiter) -> std::optional<std::string> {
            if (delimiter.size() != 1 || delimiter == "\n") return "must be one byte";
            return std::nullopt;
          })
          .add("quote", &ParseCsvOptions::quote,
               "what may stand around a field, doubled within; \"\" for nothing")
          .check([](const std::string& quote) -> std::optional<std::string> {
            if (quote.size() > 1) return "must be one byte, or empty";
            return std::nullopt;
          })
          .add("max_record", &ParseCsvOptions::max_record,
               "size of a record of several lines at most; a quote that is never closed ends there")
          .range(config::Bytes(1), config::Bytes::mib(256))
          .include(parse_fields());
  return all;
}

// A record that is not whole yet, from its first line on.
struct OpenRecord {
  std::vector<std::optional<std::string>> cells;  // of its first line
  std::string text;                               // of all lines so far
  std::optional<Position> before;                 // where its first line begins, once that is known
};

class CsvWork final : public BatchWork {
 public:
  CsvWork(ParseShape shape, const ParseCsvOptions& options, const CsvFormat& format)
      : rows_(std::move(shape)), options_(options), record_(format) {}

  bool work(Batch& batch, std::vector<BadRecord>& bad) override;
  void ended(Monitor& monitor) override;

 private:
  enum class Next { Whole, Joined, GoesOn };

  Next join(Batch& batch, std::size_t row);
  void restore(Batch& batch, std::size_t row, const OpenRecord& record);
  void leave_open(const Batch& batch, std::size_t row, std::string_view text);
  std::string judge(std::size_t row, CsvRecord::Verdict verdict);
  bool is_header() const;
  bool may_go_on(const Batch& batch, std::size_t row, std::size_t size) const {
    // Without positions between its rows the end of a batch is the end of all its records.
    return size < options_.max_record.count() && (batch.divisible() || row + 1 < batch.rows());
  }

  ParsedRows rows_;
  ParseCsvOptions options_;
  CsvRecord record_;
  std::map<std::string, OpenRecord> open_;   // by partition
  std::map<std::string, Position> reached_;  // by partition: of the batches that passed
  std::size_t first_ = 0;                    // of the batch: the row where the open record begins
};

// Of a record of several lines the row of the last one stays: its position is that of the whole.
bool CsvWork::work(Batch& batch, std::vector<BadRecord>& bad) {
  rows_.begin(batch);
  first_ = 0;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const Cell cell = batch.cell(row, rows_.text_column());
    if (cell.null()) {
      rows_.reject(batch, row, "the text is NULL", bad);
      continue;
    }
    const Next next = join(batch, row);
    if (next == Next::GoesOn) {
      rows_.drop(row);
      continue;
    }
    const std::string_view text = batch.cell(row, rows_.text_column()).text();
    if (text.empty() && rows_.width() > 1) {
      rows_.drop(row);
      continue;
    }
    const CsvRecord::Verdict verdict = record_.read(text, batch);
    if (verdict == CsvRecord::Verdict::Open && next == Next::Whole && may_go_on(batch, row, text.size())) {
      leave_open(batch, row, text);
      rows_.drop(row);
    } else if (verdict == CsvRecord::Verdict::Complete && options_.header && is_header()) {
      rows_.drop(row);
    } else if (const std::string wrong = judge(row, verdict); !wrong.empty()) {
      rows_.reject(batch, row, wrong, bad);
    }
  }
  Position reached = batch.position();
  if (const auto open = open_.find(batch.partition()); open != open_.end()) {
    OpenRecord& record = open->second;
    const auto last = reached_.find(batch.partition());
    if (!record.before && (first_ > 0 || last != reached_.end())) {
      record.before = first_ > 0 ? batch.position_at(first_, Position()) : last->second;
    }
    if (!record.before) return false;  // nothing is whole, and there is no name for "nothing"
    reached = *record.before;
  }
  rows_.finish(batch);
  batch.set_position(reached);
  reached_.insert_or_assign(batch.partition(), reached);
  return true;
}

// Adds the row's line to the record that is open in its partition, if one is.
CsvWork::Next CsvWork::join(Batch& batch, std::size_t row) {
  const auto open = open_.find(batch.partition());
  if (open == open_.end()) return Next::Whole;
  const std::string_view line = batch.cell(row, rows_.text_column()).text();
  OpenRecord& record = open->second;
  record.text += '\n';
  record.text += line;
  if (!record_.may_close(line) && may_go_on(batch, row, record.text.size())) return Next::GoesOn;
  restore(batch, row, record);
  open_.erase(open);
  return Next::Joined;
}

void CsvWork::restore(Batch& batch, std::size_t row, const OpenRecord& record) {
  for (std::size_t column = 0; column < std::min(record.cells.size(), batch.schema().size()); ++column) {
    const auto& text = record.cells[column];
    batch.set_cell(row, column, text ? Cell(batch.store(*text)) : Cell());
  }
  batch.set_cell(row, rows_.text_column(), Cell(batch.store(record.text)));
}

void CsvWork::leave_open(const Batch& batch, std::size_t row, std::string_view text) {
  OpenRecord record;
  record.text = text;
  for (std::size_t column = 0; column < batch.schema().size(); ++column) {
    const Cell cell = batch.cell(row, column);
    record.cells.push_back(cell.null() ? std::nullopt : std::make_optional(std::string(cell.text())));
  }
  open_.insert_or_assign(batch.partition(), std::move(record));
  first_ = row;
}

// What is wrong with a record that is as whole as it will be; a good one is in the row's cells then.
std::string CsvWork::judge(std::size_t row, CsvRecord::Verdict verdict) {
  if (verdict == CsvRecord::Verdict::Wrong) return record_.wrong();
  if (verdict == CsvRecord::Verdict::Open) return "a quote is never closed";
  const auto& fields = record_.fields();
  const auto cells = rows_.cells(row);
  if (fields.size() != cells.size()) {
    return fmt::format("{} field{} instead of {}", fields.size(), fields.size() == 1 ? "" : "s",
                       cells.size());
  }
  std::copy(fields.begin(), fields.end(), cells.begin());
  return rows_.judge(row);
}

// Throws a Config error where the record is a header, but another one.
bool CsvWork::is_header() const {
  const auto& fields = record_.fields();
  const auto& columns = options_.columns;
  const auto equal = [](const std::string& name, const Cell& cell) { return cell.text() == name; };
  if (std::equal(columns.begin(), columns.end(), fields.begin(), fields.end(), equal)) return true;
  const bool names_all = std::all_of(columns.begin(), columns.end(), [&](const std::string& name) {
    return std::any_of(fields.begin(), fields.end(), [&](const Cell& cell) { return cell.text() == name; });
  });
  if (!names_all) return false;
  std::string found;
  for (const Cell& cell : fields) found += fmt::format("{}{}", found.empty() ? "" : ", ", cell.text());
  throw Error(ErrorKind::Config,
              fmt::format("parse_csv: the header of the file is {}; 'columns' must name the same in the same "
                          "order",
                          config::quoted(found)));
}

void CsvWork::ended(Monitor& monitor) {
  for (const auto& [partition, record] : open_) {
    monitor.warn(
        fmt::format("parse_csv: a record ends within quotes where the data ends{}: {}; it is read "
                    "again by the next run",
                    partition.empty() ? "" : " (" + partition + ")", config::quoted(record.text)));
  }
}

Plan<Transform> plan_parse_csv(const config::Table& table, PlanContext& context) {
  ParseCsvOptions options;
  parse_csv_options().read(table, options);
  CsvFormat format;
  format.delimiter = options.delimiter[0];
  format.quote = options.quote.empty() ? std::nullopt : std::make_optional(options.quote[0]);
  const bool both = !table.refused("quote") && !table.refused("delimiter");
  if (both && format.quote == format.delimiter) table.fail("quote", "'quote' and 'delimiter' are the same");
  std::optional<std::vector<ParsedColumn>> columns;
  if (!table.refused("columns")) columns.emplace();
  for (const std::string& name : options.columns) {
    if (columns) columns->push_back(ParsedColumn{name});
  }
  ParseShape shape = parse_shape(table, context, "parse_csv", options, std::move(columns), false);
  Plan<Transform> plan;
  plan.make = [shape, options, format](RunContext& run) {
    return std::make_unique<WorkTransform>(
        run, [shape, options, format] { return std::make_unique<CsvWork>(shape, options, format); });
  };
  return plan;
}

}  // namespace

const TransformKind& parse_csv() {
  static const TransformKind kind{"parse_csv", "The fields of a CSV record (RFC 4180) become columns.",
                                  [] { return parse_csv_options().docs(); }, &plan_parse_csv};
  return kind;
}

}  // namespace syncd::jobs
