// filter: lets rows pass by a condition on one column.
#include <algorithm>

#include "jobs/catalogue.hpp"
#include "jobs/predicate.hpp"
#include "jobs/row_json.hpp"

namespace syncd::jobs {
namespace {

struct FilterOptions {
  std::optional<PredicateOptions> keep_if;
  std::optional<PredicateOptions> drop_if;
};

const config::Fields<FilterOptions>& filter_options() {
  static const auto all =
      config::Fields<FilterOptions>()
          .add("keep_if", &FilterOptions::keep_if, predicate_fields(),
               "rows that pass; all others are dropped")
          .add("drop_if", &FilterOptions::drop_if, predicate_fields(), "rows that are dropped");
  return all;
}

// One of the two, with what it means for a row.
struct Rule {
  Predicate predicate;
  bool keeps;
};

// False where the row's cell cannot be judged; what on_bad_record says has been done then.
bool passes(const std::vector<Rule>& rules, const Batch& batch, std::size_t row, BadRecords& bad) {
  try {
    return std::all_of(rules.begin(), rules.end(),
                       [&](const Rule& rule) { return rule.predicate.holds(batch, row) == rule.keeps; });
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Data) throw;
    bad.take(BadRecord{row_json(batch, row), std::string("filter: ") + error.what()});
    return false;
  }
}

class Filter final : public Transform {
 public:
  Filter(std::vector<Rule> rules, BadRecords& bad) : rules_(std::move(rules)), bad_(bad) {}
  Batches apply(Batches upstream) override { return sift(rules_, bad_, std::move(upstream)); }

 private:
  static Batches sift(std::vector<Rule> rules, BadRecords& bad, Batches upstream) {
    std::shared_ptr<const Schema> seen;
    while (auto batch = co_await upstream.next()) {
      if (batch->shared_schema() != seen) {
        seen = batch->shared_schema();
        for (Rule& rule : rules) rule.predicate.bind(*seen, "filter");
      }
      std::vector<bool> keep(batch->rows());
      for (std::size_t row = 0; row < batch->rows(); ++row) keep[row] = passes(rules, *batch, row, bad);
      batch->retain(keep);
      co_yield std::move(*batch);
    }
  }
  std::vector<Rule> rules_;
  BadRecords& bad_;
};

Plan<Transform> plan_filter(const config::Table& table, PlanContext& context) {
  FilterOptions options;
  Plan<Transform> plan;
  std::vector<Rule> rules;
  const auto add = [&](const char* key, const std::optional<PredicateOptions>& given, bool keeps) {
    if (!given) return;
    if (auto rule = read_predicate(table, key, *given, context.stream)) {
      rules.push_back(Rule{std::move(*rule), keeps});
    }
  };
  filter_options().read(table, options);
  add("keep_if", options.keep_if, true);
  add("drop_if", options.drop_if, false);
  if (!table.has("keep_if") && !table.has("drop_if")) table.fail("filter needs keep_if or drop_if");
  plan.make = [rules = std::move(rules)](RunContext& run) {
    return std::make_unique<Filter>(rules, run.bad_records);
  };
  return plan;
}

}  // namespace

const TransformKind& filter() {
  static const TransformKind kind{"filter", "Lets rows pass by a condition on one column.",
                                  [] { return filter_options().docs(); }, &plan_filter};
  return kind;
}

}  // namespace syncd::jobs
