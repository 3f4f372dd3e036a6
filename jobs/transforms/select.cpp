// select: keeps the named columns, in that order.
#include <set>

#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/transforms/narrowed.hpp"

namespace syncd::jobs {
namespace {

struct SelectOptions {
  std::vector<std::string> fields;
};

const config::Fields<SelectOptions>& select_options() {
  static const auto all =
      config::Fields<SelectOptions>()
          .required("fields", &SelectOptions::fields, "columns to keep, in this order")
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
  Batches apply(Batches upstream) override {
    return narrowed(std::move(upstream), [fields = fields_](const Schema& schema) {
      return resolve_columns(schema, fields, "select");
    });
  }

 private:
  std::vector<std::string> fields_;
};

Plan<Transform> plan_select(const config::Table& table, PlanContext& context) {
  SelectOptions options;
  Plan<Transform> plan;
  select_options().read(table, options);
  check_columns(table, "fields", context.stream, options.fields);
  context.stream.columns = options.fields;
  if (options.fields.empty()) context.stream.columns.reset();  // what comes after cannot be judged
  plan.make = [fields = options.fields](RunContext&) { return std::make_unique<Select>(fields); };
  return plan;
}

}  // namespace

const TransformKind& select() {
  static const TransformKind kind{"select", "Keeps the named columns, in that order.",
                                  [] { return select_options().docs(); }, &plan_select};
  return kind;
}

}  // namespace syncd::jobs
