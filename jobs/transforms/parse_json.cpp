// parse_json: fields of a JSON object become columns.  The text is walked once; what nobody asked for is
// skipped without a look, what was asked for keeps the text that it has.
#include <fmt/format.h>
#include <simdjson.h>

#include "config/suggest.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/transforms/json_path.hpp"
#include "jobs/transforms/parsed_rows.hpp"

namespace syncd::jobs {
namespace {

namespace ondemand = simdjson::ondemand;

struct ParseJsonOptions : ParseOptions {
  config::OrderedStrings fields;
};

const config::Fields<ParseJsonOptions>& parse_json_options() {
  static const auto all =
      config::Fields<ParseJsonOptions>()
          .required("fields", &ParseJsonOptions::fields,
                    "column = name of a field, or a JSON pointer to it. Strings are unescaped, numbers and "
                    "booleans keep their text, arrays and objects are JSON text; null, and what is not "
                    "there, is NULL. A type json takes every value as JSON text")
          .example("{ user = \"/user/id\", level = \"level\" }")
          .include(parse_fields());
  return all;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

class JsonParser final : public TextParser {
 public:
  JsonParser(JsonPaths paths, std::vector<bool> raw) : paths_(std::move(paths)), raw_(std::move(raw)) {}

  std::string parse(std::string_view text, Batch& batch, std::span<Cell> cells) override {
    // simdjson reads some bytes past the end.
    padded_.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    padded_.assign(text);
    text_ = text;
    batch_ = &batch;
    cells_ = cells;
    wrong_.clear();
    try {
      ondemand::document document = parser_.iterate(padded_.data(), padded_.size(), padded_.capacity());
      ondemand::object object = document.get_object();
      walk(object, paths_.root());
      const bool more = document.current_location().error() == simdjson::SUCCESS;
      if (wrong_.empty() && more) return "there is more text behind the JSON object";
    } catch (const simdjson::simdjson_error& error) {
      return error.error() == simdjson::INCORRECT_TYPE ? "is no JSON object"
                                                       : fmt::format("is no JSON: {}", error.what());
    }
    return std::move(wrong_);
  }

 private:
  void walk(ondemand::object& object, const JsonPaths::Node& node) {
    for (auto field : object) {
      const std::string_view key = field.unescaped_key();
      const JsonPaths::Node* child = node.find(key);
      if (child == nullptr) continue;
      ondemand::value value = field.value();
      take(value, *child);
    }
  }

  void walk(ondemand::array& array, const JsonPaths::Node& node) {
    std::size_t index = 0;
    for (auto element : array) {
      const fmt::format_int number(index++);
      const JsonPaths::Node* child = node.find({number.data(), number.size()});
      if (child == nullptr) continue;
      ondemand::value value = element.value();
      take(value, *child);
    }
  }

  void take(ondemand::value& value, const JsonPaths::Node& node) {
    const std::string_view token = trimmed(value.raw_json_token());
    if (token.starts_with('{')) {
      ondemand::object object = value.get_object();
      take_nested(object, node);
    } else if (token.starts_with('[')) {
      ondemand::array array = value.get_array();
      take_nested(array, node);
    } else if (node.column) {
      cells_[*node.column] = scalar(value, token, raw_[*node.column]);
    }
  }

  template <class Nested>
  void take_nested(Nested& nested, const JsonPaths::Node& node) {
    if (node.column) {
      const std::string_view json = trimmed(nested.raw_json());
      // It was skipped, and whoever gets it takes it for JSON.
      if (const auto error = whole_.parse(json.data(), json.size()).error(); error != simdjson::SUCCESS) {
        wrong_ = fmt::format("is no JSON: {}", simdjson::error_message(error));
      }
      cells_[*node.column] = in_text(json);
      if (!node.children.empty()) nested.reset();
    }
    if (!node.children.empty()) walk(nested, node);
  }

  Cell scalar(ondemand::value& value, std::string_view token, bool raw) {
    if (token.starts_with('"')) {
      const std::string_view string = value.get_string();
      if (raw) return in_text(token);
      const bool plain = token.size() == string.size() + 2 && token.substr(1, string.size()) == string;
      return plain ? in_text(token.substr(1, string.size())) : Cell(batch_->store(string));
    }
    const bool null = token == "null";
    if (!null && token != "true" && token != "false" && !is_number(token)) {
      wrong_ = fmt::format("is no JSON: {} is no value", config::quoted(token));
    }
    return null && !raw ? Cell() : in_text(token);
  }

  // A piece of the padded copy, as a piece of the text itself.
  Cell in_text(std::string_view piece) const {
    return Cell(text_.substr(static_cast<std::size_t>(piece.data() - padded_.data()), piece.size()));
  }

  JsonPaths paths_;
  std::vector<bool> raw_;  // columns that take every value as JSON
  ondemand::parser parser_;
  simdjson::dom::parser whole_;
  // Of the text under way.
  std::string padded_;
  std::string_view text_;
  Batch* batch_ = nullptr;
  std::span<Cell> cells_;
  std::string wrong_;
};

Plan<Transform> plan_parse_json(const config::Table& table, PlanContext& context) {
  ParseJsonOptions options;
  parse_json_options().read(table, options);
  JsonPaths paths;
  const auto columns = named_columns(table, options.fields, [&](const std::string& path, std::size_t column) {
    if (const std::string wrong = paths.add(path, column); !wrong.empty()) {
      table.fail("fields", fmt::format("{} {}", config::quoted(path), wrong));
    }
  });
  ParseShape shape = parse_shape(table, context, "parse_json", options, columns, true);
  std::vector<bool> raw;
  for (const ParsedColumn& column : shape.columns) raw.push_back(column.kind == ColumnKind::Json);
  return parse_plan(std::move(shape), [paths, raw] { return std::make_unique<JsonParser>(paths, raw); });
}

}  // namespace

const TransformKind& parse_json() {
  static const TransformKind kind{"parse_json", "Fields of a JSON object become columns.",
                                  [] { return parse_json_options().docs(); }, &plan_parse_json};
  return kind;
}

}  // namespace syncd::jobs
