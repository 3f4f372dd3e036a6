// redis_string: one string per row, made from a template.
#include "jobs/catalogue.hpp"
#include "jobs/sinks/redis_keyed_value.hpp"

namespace syncd::jobs {
namespace {

struct Options : RedisExecOptions {
  std::string value;
};

const config::Fields<Options>& option_fields() {
  static const auto all =
      config::Fields<Options>()
          .required("key", &Options::key, "key of a row's string; {column} is replaced")
          .example("user:{id}:name")
          .required("value", &Options::value, "its value; {column} is replaced, NULL is an empty text")
          .example("{name}")
          .include(redis_exec_fields());
  return all;
}

Plan<Sink> plan(const config::Table& table, PlanContext& context) {
  return exec_plan(
      table, context, option_fields(), KeyPer::Row,
      [&](const Options& options, const Template& key, const std::optional<Predicate>& rule) -> RowFactory {
        const Template value = read_template(table, "value", options.value, context);
        return [=] { return std::make_unique<KeyedValueRows>(key, RowValue(value), rule, options.ttl); };
      });
}

}  // namespace

const SinkKind& redis_string() {
  static const SinkKind kind{"redis_string", "One string per row, made from a template.",
                             [] { return option_fields().docs(); }, &plan};
  return kind;
}

}  // namespace syncd::jobs
