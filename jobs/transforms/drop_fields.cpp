// drop_fields: leaves columns out; what is not named stays.
#include <algorithm>

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
          .required("fields", &Options::fields, "columns to leave out")
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
  Batches apply(Batches upstream) override { return drop(fields_, std::move(upstream)); }

 private:
  static Batches drop(std::vector<std::string> fields, Batches upstream) {
    std::shared_ptr<const Schema> seen;
    std::shared_ptr<const Schema> narrow;
    std::vector<std::size_t> columns;
    while (auto batch = co_await upstream.next()) {
      if (batch->shared_schema() != seen) {
        seen = batch->shared_schema();
        resolve_columns(*seen, fields, "drop_fields");
        columns = kept(seen->columns(), fields);
        std::vector<ColumnKind> kinds;
        for (const std::size_t column : columns) kinds.push_back(seen->kind(column));
        narrow = std::make_shared<const Schema>(names(seen->columns(), columns), std::move(kinds));
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
  if (!option_fields().read(table, options)) {
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
                                  [] { return option_fields().docs(); }, &plan};
  return kind;
}

}  // namespace syncd::jobs
