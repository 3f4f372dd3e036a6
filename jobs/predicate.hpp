// Predicate: one condition on one column, as `delete_if` and `filter` write it:
// { field = "status", not_in = ["active"] }.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "jobs/batch.hpp"
#include "jobs/pattern.hpp"

namespace syncd::jobs {

struct Stream;

// Exactly one of the conditions is given.
struct PredicateOptions {
  std::string field;
  std::optional<bool> is_null;
  std::optional<bool> not_null;
  std::optional<config::Scalar> equals;
  std::optional<config::Scalars> in;
  std::optional<config::Scalars> not_in;
  std::optional<std::string> matches;
};

const config::Fields<PredicateOptions>& predicate_fields();

// NULL equals nothing, is in no list, and matches nothing; so not_in holds for it.
class Predicate {
 public:
  // Throws config::ValueError where there is not exactly one condition, or the pattern is wrong.
  explicit Predicate(const PredicateOptions& options);

  const std::string& field() const noexcept { return field_; }
  // Throws a Config error with the nearest column.
  void bind(const Schema& schema, std::string_view doing);
  // Throws a Data error where the pattern exceeds its match limit.
  bool holds(const Batch& batch, std::size_t row) const;

 private:
  enum class Test { Null, NotNull, In, NotIn, Matches };

  std::string field_;
  Test test_ = Test::Null;
  std::vector<std::string> values_;
  std::shared_ptr<const Pattern> pattern_;
  std::size_t column_ = 0;
  std::vector<std::string> bound_values_;  // with the other spelling of a truth, where the column is Boolean
};

// The condition of the table `key`; nullopt and the findings where it is wrong.
std::optional<Predicate> read_predicate(const config::Table& table, const std::string& key,
                                        const PredicateOptions& options, const Stream& stream);

}  // namespace syncd::jobs
