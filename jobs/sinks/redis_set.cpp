// redis_set: one member per row of a set.
#include "jobs/catalogue.hpp"
#include "jobs/sinks/redis_members.hpp"

namespace syncd::jobs {
namespace {

struct Options : RedisOptions, RedisRetention, RedisDelete {
  std::string key;
  std::string member;
};

const config::Fields<Options>& option_fields() {
  static const auto all =
      config::Fields<Options>()
          .required("key", &Options::key, "key of the set; {column} is replaced, none is needed")
          .example("active_users")
          .required("member", &Options::member, "the row's member; {column} is replaced")
          .example("{id}")
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
  Template key = read_key_template(table, "key", options.key, context, /*constant_ok=*/true);
  Template member = read_key_template(table, "member", options.member, context);
  std::optional<Predicate> remove = read_delete_rule(table, options, context);
  plan.guarantees = exec_guarantees(remove.has_value());
  plan.make = [options, key, member, remove](RunContext& run) {
    return std::make_unique<RedisExecSink>(
        options, std::make_unique<MemberRows>(key, member, "", remove, options.ttl), run);
  };
  return plan;
}

}  // namespace

const SinkKind& redis_set() {
  static const SinkKind kind{"redis_set", "One member per row of a set. delete_if removes the member.",
                             [] { return option_fields().docs(); }, &plan};
  return kind;
}

}  // namespace syncd::jobs
