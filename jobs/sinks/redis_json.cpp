// redis_json: one string per row that holds the row as a JSON object.
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/sinks/redis_keyed_value.hpp"

namespace syncd::jobs {
namespace {

struct RedisJsonOptions : RedisExecOptions {
  std::vector<std::string> fields;
};

const config::Fields<RedisJsonOptions>& redis_json_options() {
  static const auto all =
      config::Fields<RedisJsonOptions>()
          .required("key", &RedisJsonOptions::key, "key of a row's string; {column} is replaced")
          .example("user:{id}")
          .add("fields", &RedisJsonOptions::fields, "columns of the object; default: all")
          .include(redis_exec_fields());
  return all;
}

Plan<Sink> plan_redis_json(const config::Table& table, PlanContext& context) {
  return exec_plan(table, context, redis_json_options(), KeyPer::Row,
                   [&](const RedisJsonOptions& options, const Template& key,
                       const std::optional<Predicate>& rule) -> RowFactory {
                     check_columns(table, "fields", context.stream, options.fields);
                     return [=] {
                       return std::make_unique<KeyedValueRows>(key, RowValue(std::nullopt, options.fields),
                                                               rule, options.ttl);
                     };
                   });
}

}  // namespace

const SinkKind& redis_json() {
  static const SinkKind kind{
      "redis_json",
      "One string per row that holds the row as a JSON object; numbers, booleans and JSON "
      "columns keep their type.",
      [] { return redis_json_options().docs(); }, &plan_redis_json};
  return kind;
}

}  // namespace syncd::jobs
