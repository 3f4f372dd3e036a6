// The supported types of options: how each is read, limited, and written in the documentation.
#include "config/value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "config/suggest.hpp"

namespace syncd::config {

namespace {

std::string bound_text(const Bound& bound) {
  if (const auto* integer = std::get_if<std::int64_t>(&bound)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&bound)) return fmt::format("{}", *number);
  if (const auto* bytes = std::get_if<Bytes>(&bound)) return format(*bytes);
  return format(std::get<std::chrono::nanoseconds>(bound));
}

// True when the value is inside; else the finding names the range.
template <class T>
bool within(const Table& table, const std::string& key, const Rules& rules, T value,
            const std::string& shown) {
  const bool low = rules.min && value < std::get<T>(*rules.min);
  const bool high = rules.max && value > std::get<T>(*rules.max);
  if (!low && !high) return true;
  table.fail(key, fmt::format("'{}' must be {}, found {}", key, describe(rules), shown));
  return false;
}

bool allowed(const Table& table, const std::string& key, const Rules& rules, const std::string& word) {
  if (rules.one_of.empty() ||
      std::find(rules.one_of.begin(), rules.one_of.end(), word) != rules.one_of.end()) {
    return true;
  }
  const std::string near = nearest(word, rules.one_of);
  table.fail(key, fmt::format("'{}' must be {}, found {}{}", key, describe(rules), config::quoted(word),
                              near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  return false;
}

template <class T>
bool assign(std::optional<T> value, T& out) {
  if (!value) return false;
  out = std::move(*value);
  return true;
}

// The text of a value that is written as a string with a unit, or nothing and the finding.
std::optional<std::string> text_with_unit(const Table& table, const std::string& key, std::string_view what,
                                          std::string_view advice) {
  const Type type = table.type(key);
  if (type == Type::kString) return table.string(key);
  table.fail(key, fmt::format("{}; {}", wrong_type(key, what, type), advice));
  return std::nullopt;
}

template <class T, class Parse>
std::optional<T> parsed(const Table& table, const std::string& key, const std::string& text, Parse parse) {
  try {
    return parse(text);
  } catch (const ValueError& error) {
    table.fail(key, fmt::format("'{}': {}", key, error.what()));
    return std::nullopt;
  }
}

std::string in_quotes(std::string_view text) { return fmt::format("\"{}\"", text); }

std::string list_text(const std::vector<std::string>& list) {
  std::vector<std::string> quoted_words;
  for (const std::string& word : list) quoted_words.push_back(in_quotes(word));
  return fmt::format("[{}]", fmt::join(quoted_words, ", "));
}

}  // namespace

std::string describe(const Rules& rules) {
  if (!rules.one_of.empty()) return fmt::format("{}", fmt::join(rules.one_of, " | "));
  if (rules.min && rules.max) return bound_text(*rules.min) + " to " + bound_text(*rules.max);
  if (rules.min) return "at least " + bound_text(*rules.min);
  if (rules.max) return "at most " + bound_text(*rules.max);
  return {};
}

namespace detail {

bool read_value(const Table& table, const std::string& key, const Rules&, bool& out) {
  return assign(table.boolean(key), out);
}

bool read_value(const Table& table, const std::string& key, const Rules& rules, double& out) {
  const auto value = table.number(key);
  if (!value) return false;
  if (!std::isfinite(*value)) {
    table.fail(key, fmt::format("'{}' must be a finite number, found {}", key, *value));
    return false;
  }
  if (!within(table, key, rules, *value, fmt::format("{}", *value))) return false;
  out = *value;
  return true;
}

bool read_integer(const Table& table, const std::string& key, const Rules& rules, std::int64_t least,
                  std::uint64_t most, std::int64_t& out) {
  const auto value = table.integer(key);
  if (!value) return false;
  Rules narrowed = rules;  // to what the type of the member holds
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!narrowed.min && least > std::numeric_limits<std::int64_t>::min()) narrowed.min = least;
  if (!narrowed.max && most < kMost) narrowed.max = static_cast<std::int64_t>(most);
  if (!within(table, key, narrowed, *value, std::to_string(*value))) return false;
  out = *value;
  return true;
}

bool read_value(const Table& table, const std::string& key, const Rules& rules, std::string& out) {
  auto text = table.string(key);
  return text && allowed(table, key, rules, *text) && assign(std::move(text), out);
}

bool read_value(const Table& table, const std::string& key, const Rules& rules,
                std::vector<std::string>& out) {
  auto list = table.strings(key);
  if (!list) return false;
  bool good = true;
  for (const std::string& word : *list) good &= allowed(table, key, rules, word);
  return good && assign(std::move(list), out);
}

bool read_value(const Table& table, const std::string& key, const Rules&, OrderedStrings& out) {
  return assign(table.ordered_strings(key), out);
}

bool read_value(const Table& table, const std::string& key, const Rules& rules,
                std::chrono::nanoseconds& out) {
  const auto text = text_with_unit(table, key, "a duration", "write a duration with a unit, such as \"30s\"");
  if (!text) return false;
  const auto value = parsed<std::chrono::nanoseconds>(table, key, *text, parse_duration);
  return value && within(table, key, rules, *value, *text) && assign(value, out);
}

bool read_value(const Table& table, const std::string& key, const Rules& rules, DurationRange& out) {
  const auto text = text_with_unit(table, key, "a range of durations",
                                   "write two durations with units, such as \"1s..5m\"");
  if (!text) return false;
  const auto value = parsed<DurationRange>(table, key, *text, parse_duration_range);
  return value && within(table, key, rules, value->first, *text) &&
         within(table, key, rules, value->second, *text) && assign(value, out);
}

bool read_value(const Table& table, const std::string& key, const Rules& rules, Bytes& out) {
  const auto text = text_with_unit(table, key, "a size", "write a size with a unit, such as \"64KiB\"");
  if (!text) return false;
  const auto value = parsed<Bytes>(table, key, *text, parse_bytes);
  return value && within(table, key, rules, *value, *text) && assign(value, out);
}

bool read_value(const Table& table, const std::string& key, const Rules&, Secret& out) {
  return assign(table.secret(key), out);
}

bool read_value(const Table& table, const std::string& key, const Rules&, Uri& out) {
  return assign(table.uri(key), out);
}

bool read_value(const Table& table, const std::string& key, const Rules&, Scalar& out) {
  return assign(table.scalar(key), out.text);
}

bool read_value(const Table& table, const std::string& key, const Rules&, Scalars& out) {
  return assign(table.scalars(key), out.texts);
}

bool read_value(const Table& table, const std::string& key, const Rules&, Table& out) {
  return assign(table.table(key), out);
}

bool read_value(const Table& table, const std::string& key, const Rules&, std::vector<Table>& out) {
  out = table.tables(key);
  return table.type(key) == Type::kArray;
}

std::string Describe<bool>::text(const bool& value) { return value ? "true" : "false"; }
std::string Describe<double>::text(const double& value) { return fmt::format("{}", value); }
std::string Describe<std::string>::text(const std::string& value) { return in_quotes(value); }
std::string Describe<std::vector<std::string>>::text(const std::vector<std::string>& value) {
  return list_text(value);
}
std::string Describe<OrderedStrings>::text(const OrderedStrings& value) {
  std::vector<std::string> pairs;
  for (const auto& [key, text] : value) pairs.push_back(fmt::format("{} = {}", key, in_quotes(text)));
  return pairs.empty() ? "{}" : fmt::format("{{ {} }}", fmt::join(pairs, ", "));
}
std::string Describe<std::chrono::nanoseconds>::text(const std::chrono::nanoseconds& value) {
  return in_quotes(format(value));
}
std::string Describe<DurationRange>::text(const DurationRange& value) { return in_quotes(format(value)); }
std::string Describe<Bytes>::text(const Bytes& value) { return in_quotes(format(value)); }
std::string Describe<Secret>::text(const Secret&) { return {}; }
std::string Describe<Uri>::text(const Uri& value) {
  return value.empty() ? std::string() : in_quotes(value.redacted());
}
std::string Describe<Scalar>::text(const Scalar& value) { return in_quotes(value.text); }
std::string Describe<Scalars>::text(const Scalars& value) { return list_text(value.texts); }
std::string Describe<Table>::text(const Table&) { return {}; }
std::string Describe<std::vector<Table>>::text(const std::vector<Table>&) { return {}; }

}  // namespace detail
}  // namespace syncd::config
