// redis_json: one string per row that holds the row as a JSON object.
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/sinks/redis_keyed_value.hpp"

namespace syncd::jobs {
namespace {

struct Options : RedisOptions, RedisRetention, RedisDelete {
  std::string key;
  std::vector<std::string> fields;
};

const config::Fields<Options>& option_fields() {
  static const auto all = config::Fields<Options>()
                              .required("key", &Options::key, "key of a row's string; {column} is replaced")
                              .example("user:{id}")
                              .add("fields", &Options::fields, "columns of the object; default: all")
                              .include(redis_delete_fields())
                              .include(redis_retention_fields())
                              .include(redis_option_fields());
  return all;
}

Plan<Sink> plan(const config::Table& table, PlanContext& context) {
  Options options;
  Plan<Sink> plan;
  plan.guarantees = exec_guarantees(false);
  if (!option_fields().read(table, options)) return plan;
  context.require_connection(table, options.connection, "redis");
  Template key = read_key_template(table, "key", options.key, context);
  std::optional<Predicate> remove = read_delete_rule(table, options, context);
  check_columns(table, "fields", context.stream, options.fields);
  plan.guarantees = exec_guarantees(remove.has_value());
  plan.make = [options, key, remove](RunContext& run) {
    return std::make_unique<RedisExecSink>(
        options,
        std::make_unique<KeyedValueRows>(key, RowValue(std::nullopt, options.fields), remove, options.ttl),
        run);
  };
  return plan;
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
