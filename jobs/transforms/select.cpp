// select: keeps the named columns, in that order.
#include <set>

#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"

namespace syncd::jobs {
namespace {

struct Options {
  std::vector<std::string> fields;
};

const config::Fields<Options>& option_fields() {
  static const auto all =
      config::Fields<Options>()
          .required("fields", &Options::fields, "columns to keep, in this order")
          .example("id")
          .check([](const std::vector<std::string>& fields) -> std::optional<std::string> {
            if (fields.empty()) return "must name at least one column";
            if (std::set(fields.begin(), fields.end()).size() != fields.size()) {
              return "names a column twice";
            }
            return std::nullopt;
          });
  return all;
}

class Select final : public Transform {
 public:
  explicit Select(std::vector<std::string> fields) : fields_(std::move(fields)) {}
  Batches apply(Batches upstream) override { return keep(fields_, std::move(upstream)); }

 private:
  static Batches keep(std::vector<std::string> fields, Batches upstream) {
    std::shared_ptr<const Schema> seen;
    std::shared_ptr<const Schema> narrow;
    std::vector<std::size_t> columns;
    while (auto batch = co_await upstream.next()) {
      if (batch->shared_schema() != seen) {
        seen = batch->shared_schema();
        columns = resolve_columns(*seen, fields, "select");
        std::vector<ColumnKind> kinds;
        for (const std::size_t column : columns) kinds.push_back(seen->kind(column));
        narrow = std::make_shared<const Schema>(fields, std::move(kinds));
      }
      batch->select(narrow, columns);
      co_yield std::move(*batch);
    }
  }
  std::vector<std::string> fields_;
};

Plan<Transform> plan(const config::Table& table, PlanContext& context) {
  Options options;
  Plan<Transform> plan;
  option_fields().read(table, options);
  check_columns(table, "fields", context.stream, options.fields);
  context.stream.columns = options.fields;
  if (options.fields.empty()) context.stream.columns.reset();  // what comes after cannot be judged
  plan.make = [fields = options.fields](RunContext&) { return std::make_unique<Select>(fields); };
  return plan;
}

}  // namespace

const TransformKind& select() {
  static const TransformKind kind{"select", "Keeps the named columns, in that order.",
                                  [] { return option_fields().docs(); }, &plan};
  return kind;
}

}  // namespace syncd::jobs
