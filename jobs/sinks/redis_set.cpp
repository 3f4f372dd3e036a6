// redis_set: one member per row of a set.
#include "jobs/catalogue.hpp"
#include "jobs/sinks/redis_members.hpp"

namespace syncd::jobs {
namespace {

struct Options : RedisExecOptions {
  std::string member;
};

const config::Fields<Options>& option_fields() {
  static const auto all =
      config::Fields<Options>()
          .required("key", &Options::key, "key of the set; {column} is replaced, none is needed")
          .example("active_users")
          .required("member", &Options::member, "the row's member; {column} is replaced")
          .example("{id}")
          .include(redis_exec_fields());
  return all;
}

Plan<Sink> plan(const config::Table& table, PlanContext& context) {
  return exec_plan(
      table, context, option_fields(), KeyPer::Sink,
      [&](const Options& options, const Template& key, const std::optional<Predicate>& rule) -> RowFactory {
        const Template member = read_key_template(table, "member", options.member, context);
        return [=] { return std::make_unique<MemberRows>(key, member, "", rule, options.ttl); };
      });
}

}  // namespace

const SinkKind& redis_set() {
  static const SinkKind kind{"redis_set", "One member per row of a set. delete_if removes the member.",
                             [] { return option_fields().docs(); }, &plan};
  return kind;
}

}  // namespace syncd::jobs
