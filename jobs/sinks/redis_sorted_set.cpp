// redis_sorted_set: one member per row of a sorted set, with a column as its score.
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/sinks/redis_members.hpp"

namespace syncd::jobs {
namespace {

struct RedisSortedSetOptions : RedisExecOptions {
  std::string member;
  std::string score;
};

const config::Fields<RedisSortedSetOptions>& redis_sorted_set_options() {
  static const auto all =
      config::Fields<RedisSortedSetOptions>()
          .required("key", &RedisSortedSetOptions::key,
                    "key of the set; {column} is replaced, none is needed")
          .example("ranking")
          .required("member", &RedisSortedSetOptions::member, "the row's member; {column} is replaced")
          .example("{id}")
          .required("score", &RedisSortedSetOptions::score, "the column of its score: a number")
          .example("points")
          .include(redis_exec_fields());
  return all;
}

Plan<Sink> plan_redis_sorted_set(const config::Table& table, PlanContext& context) {
  return exec_plan(table, context, redis_sorted_set_options(), KeyPer::Sink,
                   [&](const RedisSortedSetOptions& options, const Template& key,
                       const std::optional<Predicate>& rule) -> RowFactory {
                     const Template member = read_key_template(table, "member", options.member, context);
                     check_columns(table, "score", context.stream, {options.score});
                     return [=] {
                       return std::make_unique<MemberRows>(key, member, options.score, rule, options.ttl);
                     };
                   });
}

}  // namespace

const SinkKind& redis_sorted_set() {
  static const SinkKind kind{
      "redis_sorted_set",
      "One member per row of a sorted set, with a column as its score. delete_if removes the member.",
      [] { return redis_sorted_set_options().docs(); }, &plan_redis_sorted_set};
  return kind;
}

}  // namespace syncd::jobs
