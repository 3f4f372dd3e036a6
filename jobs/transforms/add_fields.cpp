// add_fields: columns with a constant, with the name of the host or the job, or made of other columns.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "config/duration.hpp"
#include "daemon/base/host.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/template.hpp"

namespace syncd::jobs {
namespace {

struct AddFieldsOptions {
  config::OrderedStrings fields;
};

const config::Fields<AddFieldsOptions>& add_fields_options() {
  static const auto all =
      config::Fields<AddFieldsOptions>()
          .required(
              "fields", &AddFieldsOptions::fields,
              "new column = its text; {host} is this machine, {job} this job, any other {name} a column "
              "of the row, such as {file} and {offset} of the source files")
          .example("{ env = \"production\", place = \"{file}:{offset}\", host = \"{host}\" }");
  return all;
}

struct Added {
  std::string name;
  Template text;
};

std::vector<std::string> wider(std::vector<std::string> columns, const std::vector<Added>& added) {
  for (const Added& one : added) columns.push_back(one.name);
  return columns;
}

// A column that is just another one needs no copy, a constant one for all rows.
void fill(Batch& batch, std::size_t to, const Template& text) {
  const std::string same = text.only_field();
  if (!same.empty()) {
    const std::size_t from = *batch.schema().find(same);
    for (std::size_t row = 0; row < batch.rows(); ++row) batch.set_cell(row, to, batch.cell(row, from));
    return;
  }
  std::string made;
  Cell cell;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    if (row == 0 || !text.constant()) {
      made.clear();
      text.append_text(made, batch, row);
      cell = Cell(batch.store(made));
    }
    batch.set_cell(row, to, cell);
  }
}

class AddFields final : public Transform {
 public:
  explicit AddFields(std::vector<Added> added) : added_(std::move(added)) {}
  Batches apply(Batches upstream) override { return add(added_, std::move(upstream)); }

 private:
  static Batches add(std::vector<Added> added, Batches upstream) {
    std::shared_ptr<const Schema> seen;
    std::shared_ptr<const Schema> wide;
    std::vector<std::size_t> columns;
    while (auto batch = co_await upstream.next()) {
      if (batch->shared_schema() != seen) {
        seen = batch->shared_schema();
        std::vector<ColumnKind> kinds = seen->kinds();
        columns.resize(seen->size());
        std::iota(columns.begin(), columns.end(), std::size_t{0});
        for (Added& one : added) {
          if (seen->find(one.name)) {
            throw Error(ErrorKind::Config,
                        fmt::format("add_fields: there is a column '{}' already", one.name));
          }
          one.text.bind(*seen, "add_fields");
          const std::string same = one.text.only_field();
          kinds.push_back(same.empty() ? ColumnKind::Text : seen->kind(*seen->find(same)));
          columns.push_back(Batch::kNoColumn);
        }
        wide = std::make_shared<const Schema>(wider(seen->columns(), added), std::move(kinds));
      }
      batch->select(wide, columns);
      for (std::size_t i = 0; i < added.size(); ++i) fill(*batch, seen->size() + i, added[i].text);
      co_yield std::move(*batch);
    }
  }
  std::vector<Added> added_;
};

std::optional<Added> read_added(const config::Table& table, const std::string& name, const std::string& text,
                                const PlanContext& context) {
  const auto& columns = context.stream.columns;
  if (columns && std::find(columns->begin(), columns->end(), name) != columns->end()) {
    table.fail("fields", fmt::format("there is a column '{}' already; rename it first", name));
    return std::nullopt;
  }
  try {
    Added added{name, Template::parse(text)};
    const auto is_column = [&](const char* word) {
      return columns && std::find(columns->begin(), columns->end(), word) != columns->end();
    };
    if (!is_column("host")) added.text.fix("host", host_name());
    if (!is_column("job")) added.text.fix("job", context.job.name);
    check_columns(table, "fields", context.stream, added.text.fields());
    return added;
  } catch (const config::ValueError& error) {
    table.fail("fields", fmt::format("'{}': {}", name, error.what()));
    return std::nullopt;
  }
}

Plan<Transform> plan_add_fields(const config::Table& table, PlanContext& context) {
  AddFieldsOptions options;
  Plan<Transform> plan;
  std::vector<Added> added;
  if (add_fields_options().read(table, options)) {
    for (const auto& [name, text] : options.fields) {
      if (auto one = read_added(table, name, text, context)) added.push_back(std::move(*one));
    }
    if (options.fields.empty()) table.fail("fields", "'fields' must name at least one column");
  }
  if (context.stream.columns) context.stream.columns = wider(*context.stream.columns, added);
  plan.make = [added](RunContext&) { return std::make_unique<AddFields>(added); };
  return plan;
}

}  // namespace

const TransformKind& add_fields() {
  static const TransformKind kind{"add_fields", "Adds columns: constants, host and job, or made of others.",
                                  [] { return add_fields_options().docs(); }, &plan_add_fields};
  return kind;
}

}  // namespace syncd::jobs
