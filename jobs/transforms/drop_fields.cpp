// drop_fields: leaves columns out; what is not named stays.
#include <algorithm>

#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/transforms/narrowed.hpp"

namespace syncd::jobs {
namespace {

struct DropFieldsOptions {
  std::vector<std::string> fields;
};

const config::Fields<DropFieldsOptions>& drop_fields_options() {
  static const auto all =
      config::Fields<DropFieldsOptions>()
          .required("fields", &DropFieldsOptions::fields, "columns to leave out")
          .example("line")
          .check([](const std::vector<std::string>& fields) -> std::optional<std::string> {
            if (fields.empty()) return "must name at least one column";
            return std::nullopt;
          });
  return all;
}

std::vector<std::size_t> kept(const std::vector<std::string>& columns,
                              const std::vector<std::string>& dropped) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (std::find(dropped.begin(), dropped.end(), columns[i]) == dropped.end()) indices.push_back(i);
  }
  return indices;
}

std::vector<std::string> names(const std::vector<std::string>& columns,
                               const std::vector<std::size_t>& indices) {
  std::vector<std::string> chosen;
  for (const std::size_t index : indices) chosen.push_back(columns[index]);
  return chosen;
}

class DropFields final : public Transform {
 public:
  explicit DropFields(std::vector<std::string> fields) : fields_(std::move(fields)) {}
  Batches apply(Batches upstream) override {
    return narrowed(std::move(upstream), [fields = fields_](const Schema& schema) {
      resolve_columns(schema, fields, "drop_fields");
      return kept(schema.columns(), fields);
    });
  }

 private:
  std::vector<std::string> fields_;
};

Plan<Transform> plan_drop_fields(const config::Table& table, PlanContext& context) {
  DropFieldsOptions options;
  Plan<Transform> plan;
  if (!drop_fields_options().read(table, options)) {
    context.stream.columns.reset();
  } else if (check_columns(table, "fields", context.stream, options.fields) && context.stream.columns) {
    const auto columns = kept(*context.stream.columns, options.fields);
    if (columns.empty()) table.fail("fields", "'fields' would leave no column");
    context.stream.columns = names(*context.stream.columns, columns);
  }
  plan.make = [fields = options.fields](RunContext&) { return std::make_unique<DropFields>(fields); };
  return plan;
}

}  // namespace

const TransformKind& drop_fields() {
  static const TransformKind kind{"drop_fields", "Leaves the named columns out.",
                                  [] { return drop_fields_options().docs(); }, &plan_drop_fields};
  return kind;
}

}  // namespace syncd::jobs
