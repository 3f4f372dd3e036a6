// parse_regex: the named groups of a regular expression become columns.
#include <algorithm>

#include "config/duration.hpp"
#include "config/suggest.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/pattern.hpp"
#include "jobs/transforms/line_formats.hpp"
#include "jobs/transforms/parsed_rows.hpp"

namespace syncd::jobs {
namespace {

struct ParseRegexOptions : ParseOptions {
  std::optional<std::string> pattern;
  std::optional<LineFormatName> format;
};

const config::Fields<ParseRegexOptions>& parse_regex_options() {
  static const auto all =
      config::Fields<ParseRegexOptions>()
          .add(
              "pattern", &ParseRegexOptions::pattern,
              "a Perl-compatible regular expression; its named groups, (?<name>...), are the columns. Anchor "
              "it with ^ and $; a group that takes no part is NULL")
          .example("^(?<level>[A-Z]+) (?<message>.*)$")
          .add("format", &ParseRegexOptions::format,
               "instead: a ready pattern; where it says -, the column is NULL")
          .include(parse_fields());
  return all;
}

class RegexParser final : public TextParser {
 public:
  RegexParser(const std::string& pattern, bool dash_is_null)
      : pattern_(pattern), dash_is_null_(dash_is_null) {}

  std::string parse(std::string_view text, Batch&, std::span<Cell> cells) override {
    if (!pattern_.match(text, groups_)) return "the pattern does not match";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool absent = groups_[i].data() == nullptr || (dash_is_null_ && groups_[i] == "-");
      if (!absent) cells[i] = Cell(groups_[i]);
    }
    return {};
  }

 private:
  Pattern pattern_;
  bool dash_is_null_;
  std::vector<std::string_view> groups_;
};

// The columns of a pattern, which is checked; nullopt: something was found.
std::optional<std::vector<ParsedColumn>> columns_of(const config::Table& table, const std::string& pattern) {
  try {
    std::vector<ParsedColumn> columns;
    for (std::string& name : Pattern(pattern).names()) columns.push_back(ParsedColumn{std::move(name)});
    if (!columns.empty()) return columns;
    table.fail("pattern", "'pattern' has no named group, such as (?<level>[A-Z]+)");
  } catch (const config::ValueError& error) {
    table.fail("pattern", std::string("'pattern' is no pattern: ") + error.what());
  }
  return std::nullopt;
}

// nullopt: something was found about what is to be matched.
std::optional<std::vector<ParsedColumn>> read_columns(const config::Table& table,
                                                      const ParseRegexOptions& options,
                                                      const std::string& pattern) {
  if (table.refused("pattern") || table.refused("format")) return std::nullopt;
  if (options.pattern.has_value() == options.format.has_value()) {
    table.fail("parse_regex needs either pattern or format");
    return std::nullopt;
  }
  auto columns = columns_of(table, pattern);
  if (!columns || !options.format) return columns;
  const auto& numbers = line_format(*options.format).numbers;
  for (ParsedColumn& column : *columns) {
    if (std::find(numbers.begin(), numbers.end(), column.name) != numbers.end()) {
      column.kind = ColumnKind::Number;
    }
  }
  return columns;
}

Plan<Transform> plan_parse_regex(const config::Table& table, PlanContext& context) {
  ParseRegexOptions options;
  parse_regex_options().read(table, options);
  const std::string pattern =
      options.format ? std::string(line_format(*options.format).pattern) : options.pattern.value_or("");
  ParseShape shape =
      parse_shape(table, context, "parse_regex", options, read_columns(table, options, pattern), false);
  const bool dash_is_null = options.format.has_value();
  // A pattern may take long for one line: never on the loop.
  return parse_plan(
      std::move(shape),
      [pattern, dash_is_null] { return std::make_unique<RegexParser>(pattern, dash_is_null); }, 0);
}

}  // namespace

const TransformKind& parse_regex() {
  static const TransformKind kind{"parse_regex", "The named groups of a regular expression become columns.",
                                  [] { return parse_regex_options().docs(); }, &plan_parse_regex};
  return kind;
}

}  // namespace syncd::jobs
