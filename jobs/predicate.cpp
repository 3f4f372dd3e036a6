#include "jobs/predicate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "jobs/columns.hpp"

namespace syncd::jobs {

const config::Fields<PredicateOptions>& predicate_fields() {
  using O = PredicateOptions;
  static const auto all =
      config::Fields<O>()
          .required("field", &O::field, "the column that is looked at")
          .example("status")
          .add("is_null", &O::is_null, "true: it is NULL")
          .add("not_null", &O::not_null, "true: it is not NULL")
          .add("equals", &O::equals, "its text is this; for a boolean t is true, and f is false")
          .add("in", &O::in, "its text is one of these")
          .add("not_in", &O::not_in, "its text is none of these; NULL is none of them")
          .example("[\"active\"]")
          .add("matches", &O::matches, "a Perl-compatible pattern is found in it");
  return all;
}

Predicate::Predicate(const PredicateOptions& options) : field_(options.field) {
  int given = 0;
  const auto take = [&](bool present, Test test) {
    if (present) test_ = test;
    given += present ? 1 : 0;
  };
  const bool null = options.is_null.value_or(false) || (options.not_null && !*options.not_null);
  take(options.is_null.has_value() || options.not_null.has_value(), null ? Test::Null : Test::NotNull);
  take(options.equals.has_value() || options.in.has_value(), Test::In);
  take(options.not_in.has_value(), Test::NotIn);
  take(options.matches.has_value(), Test::Matches);
  const bool twice = (options.is_null && options.not_null) || (options.equals && options.in);
  if (given != 1 || twice) {
    throw config::ValueError("needs exactly one of is_null, not_null, equals, in, not_in, matches");
  }
  if (options.equals) values_ = {options.equals->text};
  if (options.in) values_ = options.in->texts;
  if (options.not_in) values_ = options.not_in->texts;
  if (options.matches) {
    try {
      pattern_ = std::make_shared<const Pattern>(*options.matches);
    } catch (const config::ValueError& error) {
      throw config::ValueError(fmt::format("matches: {}", error.what()));
    }
  }
}

std::optional<Predicate> read_predicate(const config::Table& table, const std::string& key,
                                        const PredicateOptions& options, const Stream& stream) {
  if (table.refused(key)) return std::nullopt;
  check_columns(*table.table(key), "field", stream, {options.field});
  try {
    return Predicate(options);
  } catch (const config::ValueError& error) {
    table.fail(key, fmt::format("'{}' {}", key, error.what()));
    return std::nullopt;
  }
}

void Predicate::bind(const Schema& schema, std::string_view doing) {
  column_ = resolve_columns(schema, {field_}, doing).front();
  bound_values_ = values_;
  if (schema.kind(column_) != ColumnKind::Boolean) return;
  for (const std::string& value : values_) {
    const auto said = truth(value);
    if (!said) continue;
    for (const char* spelling : {"t", "true", "f", "false"}) {
      if (truth(spelling) == said) bound_values_.emplace_back(spelling);
    }
  }
}

bool Predicate::holds(const Batch& batch, std::size_t row) const {
  const Cell cell = batch.cell(row, column_);
  const auto listed = [&] {
    return !cell.null() &&
           std::find(bound_values_.begin(), bound_values_.end(), cell.text()) != bound_values_.end();
  };
  switch (test_) {
    case Test::Null:
      return cell.null();
    case Test::NotNull:
      return !cell.null();
    case Test::In:
      return listed();
    case Test::NotIn:
      return !listed();
    case Test::Matches:
      return !cell.null() && pattern_->found_in(cell.text());
  }
  return false;
}

}  // namespace syncd::jobs
