// redis_string: one string per row, made from a template.
#include "jobs/catalogue.hpp"
#include "jobs/sinks/redis_keyed_value.hpp"

namespace syncd::jobs {
namespace {

struct Options : RedisOptions, RedisRetention, RedisDelete {
  std::string key;
  std::string value;
};

const config::Fields<Options>& option_fields() {
  static const auto all =
      config::Fields<Options>()
          .required("key", &Options::key, "key of a row's string; {column} is replaced")
          .example("user:{id}:name")
          .required("value", &Options::value, "its value; {column} is replaced, NULL is an empty text")
          .example("{name}")
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
  Template value = read_template(table, "value", options.value, context);
  std::optional<Predicate> remove = read_delete_rule(table, options, context);
  plan.guarantees = exec_guarantees(remove.has_value());
  plan.make = [options, key, value, remove](RunContext& run) {
    return std::make_unique<RedisExecSink>(
        options, std::make_unique<KeyedValueRows>(key, RowValue(value), remove, options.ttl), run);
  };
  return plan;
}

}  // namespace

const SinkKind& redis_string() {
  static const SinkKind kind{"redis_string", "One string per row, made from a template.",
                             [] { return option_fields().docs(); }, &plan};
  return kind;
}

}  // namespace syncd::jobs
