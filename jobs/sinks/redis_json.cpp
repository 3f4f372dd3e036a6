// redis_json: one string per row that holds the row as a JSON object.
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/sinks/redis_keyed_value.hpp"

namespace syncd::jobs {
namespace {

struct Options : RedisExecOptions {
  std::vector<std::string> fields;
};

const config::Fields<Options>& option_fields() {
  static const auto all = config::Fields<Options>()
                              .required("key", &Options::key, "key of a row's string; {column} is replaced")
                              .example("user:{id}")
                              .add("fields", &Options::fields, "columns of the object; default: all")
                              .include(redis_exec_fields());
  return all;
}

Plan<Sink> plan(const config::Table& table, PlanContext& context) {
  return exec_plan(
      table, context, option_fields(), KeyPer::Row,
      [&](const Options& options, const Template& key, const std::optional<Predicate>& rule) -> RowFactory {
        check_columns(table, "fields", context.stream, options.fields);
        return [=] {
          return std::make_unique<KeyedValueRows>(key, RowValue(std::nullopt, options.fields), rule,
                                                  options.ttl);
        };
      });
}

}  // namespace

const SinkKind& redis_json() {
  static const SinkKind kind{
      "redis_json",
      "One string per row that holds the row as a JSON object; numbers, booleans and JSON "
      "columns keep their type.",
      [] { return option_fields().docs(); }, &plan};
  return kind;
}

}  // namespace syncd::jobs
