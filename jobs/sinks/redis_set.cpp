// redis_set: one member per row of a set.
#include "jobs/catalogue.hpp"
#include "jobs/sinks/redis_members.hpp"

namespace syncd::jobs {
namespace {

struct RedisSetOptions : RedisExecOptions {
  std::string member;
};

const config::Fields<RedisSetOptions>& redis_set_options() {
  static const auto all =
      config::Fields<RedisSetOptions>()
          .required("key", &RedisSetOptions::key, "key of the set; {column} is replaced, none is needed")
          .example("active_users")
          .required("member", &RedisSetOptions::member, "the row's member; {column} is replaced")
          .example("{id}")
          .include(redis_exec_fields());
  return all;
}

Plan<Sink> plan_redis_set(const config::Table& table, PlanContext& context) {
  return exec_plan(table, context, redis_set_options(), KeyPer::Sink,
                   [&](const RedisSetOptions& options, const Template& key,
                       const std::optional<Predicate>& rule) -> RowFactory {
                     const Template member = read_key_template(table, "member", options.member, context);
                     return [=] { return std::make_unique<MemberRows>(key, member, "", rule, options.ttl); };
                   });
}

}  // namespace

const SinkKind& redis_set() {
  static const SinkKind kind{"redis_set", "One member per row of a set. delete_if removes the member.",
                             [] { return redis_set_options().docs(); }, &plan_redis_set};
  return kind;
}

}  // namespace syncd::jobs
