// redis_string: one string per row, made from a template.
#include "jobs/catalogue.hpp"
#include "jobs/sinks/redis_keyed_value.hpp"

namespace syncd::jobs {
namespace {

struct RedisStringOptions : RedisExecOptions {
  std::string value;
};

const config::Fields<RedisStringOptions>& redis_string_options() {
  static const auto all =
      config::Fields<RedisStringOptions>()
          .required("key", &RedisStringOptions::key, "key of a row's string; {column} is replaced")
          .example("user:{id}:name")
          .required("value", &RedisStringOptions::value,
                    "its value; {column} is replaced, NULL is an empty text")
          .example("{name}")
          .include(redis_exec_fields());
  return all;
}

Plan<Sink> plan_redis_string(const config::Table& table, PlanContext& context) {
  return exec_plan(table, context, redis_string_options(), KeyPer::Row,
                   [&](const RedisStringOptions& options, const Template& key,
                       const std::optional<Predicate>& rule) -> RowFactory {
                     const Template value = read_template(table, "value", options.value, context);
                     return [=] {
                       return std::make_unique<KeyedValueRows>(key, RowValue(value), rule, options.ttl);
                     };
                   });
}

}  // namespace

const SinkKind& redis_string() {
  static const SinkKind kind{"redis_string", "One string per row, made from a template.",
                             [] { return redis_string_options().docs(); }, &plan_redis_string};
  return kind;
}

}  // namespace syncd::jobs
