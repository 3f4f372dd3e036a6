// rename: gives columns other names; the cells are not touched.
#include <algorithm>
#include <set>

#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"

namespace syncd::jobs {
namespace {

struct RenameOptions {
  config::OrderedStrings fields;
};

const config::Fields<RenameOptions>& rename_options() {
  static const auto all = config::Fields<RenameOptions>()
                              .required("fields", &RenameOptions::fields, "old name = new name")
                              .example("{ name = \"display_name\" }");
  return all;
}

std::vector<std::string> renamed(std::vector<std::string> columns, const config::OrderedStrings& fields) {
  for (std::string& column : columns) {
    for (const auto& [from, to] : fields) {
      if (column == from) {
        column = to;
        break;
      }
    }
  }
  return columns;
}

// Two columns of one name would make every later reference a guess.
std::optional<std::string> duplicate(const std::vector<std::string>& columns) {
  std::set<std::string> seen;
  for (const std::string& column : columns) {
    if (!seen.insert(column).second) return column;
  }
  return std::nullopt;
}

std::vector<std::string> old_names(const config::OrderedStrings& fields) {
  std::vector<std::string> names;
  for (const auto& [from, to] : fields) names.push_back(from);
  return names;
}

class Rename final : public Transform {
 public:
  explicit Rename(config::OrderedStrings fields) : fields_(std::move(fields)) {}
  Batches apply(Batches upstream) override { return rename(fields_, std::move(upstream)); }

 private:
  static Batches rename(config::OrderedStrings fields, Batches upstream) {
    std::shared_ptr<const Schema> seen;
    std::shared_ptr<const Schema> after;
    while (auto batch = co_await upstream.next()) {
      if (batch->shared_schema() != seen) {
        seen = batch->shared_schema();
        resolve_columns(*seen, old_names(fields), "rename");
        after = std::make_shared<const Schema>(renamed(seen->columns(), fields), seen->kinds());
        if (const auto twice = duplicate(after->columns())) {
          throw Error(ErrorKind::Config, "rename: two columns would be named '" + *twice + "'");
        }
      }
      batch->rename(after);
      co_yield std::move(*batch);
    }
  }
  config::OrderedStrings fields_;
};

Plan<Transform> plan_rename(const config::Table& table, PlanContext& context) {
  RenameOptions options;
  Plan<Transform> plan;
  rename_options().read(table, options);
  if (!check_columns(table, "fields", context.stream, old_names(options.fields))) {
    context.stream.columns.reset();  // what comes after cannot be judged
  } else if (context.stream.columns) {
    context.stream.columns = renamed(*context.stream.columns, options.fields);
    if (const auto twice = duplicate(*context.stream.columns)) {
      table.fail("fields", "two columns would be named '" + *twice + "'");
    }
  }
  plan.make = [fields = options.fields](RunContext&) { return std::make_unique<Rename>(fields); };
  return plan;
}

}  // namespace

const TransformKind& rename() {
  static const TransformKind kind{"rename", "Gives columns other names.",
                                  [] { return rename_options().docs(); }, &plan_rename};
  return kind;
}

}  // namespace syncd::jobs
