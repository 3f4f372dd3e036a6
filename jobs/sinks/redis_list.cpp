// redis_list: one list element per row; each version of a row exactly once.
#include "jobs/catalogue.hpp"
#include "jobs/sinks/redis_rows.hpp"
#include "jobs/sinks/redis_script.hpp"

namespace syncd::jobs {
namespace {

enum class Side { Right, Left };
constexpr auto enum_names(Side) {
  return std::array{config::EnumName("right", Side::Right), config::EnumName("left", Side::Left)};
}

struct RedisListOptions : RedisOptions, RedisRetention {
  std::string key;
  std::optional<std::string> value;
  Side side = Side::Right;
  std::optional<std::uint64_t> max_length;
};

const config::Fields<RedisListOptions>& redis_list_options() {
  static const auto all =
      config::Fields<RedisListOptions>()
          .required("key", &RedisListOptions::key, "key of the list; {column} is replaced, none is needed")
          .example("jobs:{queue}")
          .add("value", &RedisListOptions::value,
               "the element; {column} is replaced; default: the row as a JSON object")
          .example("{id}")
          .add("side", &RedisListOptions::side, "the end where elements are pushed")
          .add("max_length", &RedisListOptions::max_length, "elements to keep, the newest; default: all")
          .at_least(1)
          .include(redis_retention_fields())
          .include(redis_option_fields());
  return all;
}

// Values of a row for a script: the number of its key, the element.
class ListRows final : public RowWrites, public RowScript {
 public:
  ListRows(RedisListOptions options, Template key, RowValue value)
      : options_(std::move(options)),
        one_key_(key.constant()),
        key_(std::move(key), "key"),
        value_(std::move(value)) {}

  void bind(const Schema& schema) override {
    key_.bind(schema);
    value_.bind(schema);
  }
  std::string_view key_type() const override { return "list"; }

  RowScript* script() override { return one_key_ ? nullptr : this; }
  std::string key_of(const Batch& batch, std::size_t row) override {
    key_.render(batch, row);
    return key_.text();
  }

  std::string commands(const Batch& batch, std::size_t row, redis::CommandBuffer& out) override {
    if (std::string wrong = key_.render(batch, row); !wrong.empty()) return wrong;
    out.add(push(), key_.text(), value_.render(batch, row));
    return {};
  }
  void commands_at_end(std::string_view key, redis::CommandBuffer& out) const override {
    if (options_.max_length) {
      const auto [first, last] = kept();
      out.add("LTRIM", key, first, last);
    }
    if (options_.ttl) append_expiry(out, key, key_type(), milliseconds(*options_.ttl));
  }

  std::string lua() const override {
    return fmt::format("local key, value\nat, key, value = read(rows, 2, at)\ncall('{}', KEYS[key], value)\n",
                       push());
  }
  std::string lua_at_end() const override {
    std::string lua;
    if (options_.max_length) {
      const auto [first, last] = kept();
      lua += fmt::format("redis.call('LTRIM', key, '{}', '{}')\n", first, last);
    }
    if (options_.ttl) lua += fmt::format("redis.call('PEXPIRE', key, {})\n", milliseconds(*options_.ttl));
    return lua;
  }
  std::string append(const Batch& batch, std::size_t row, ScriptRows& out) override {
    if (std::string wrong = key_.render(batch, row); !wrong.empty()) return wrong;
    out.key(key_.text());
    out.text(value_.render(batch, row));
    return {};
  }

 private:
  std::string_view push() const { return options_.side == Side::Right ? "RPUSH" : "LPUSH"; }
  // The indices of the first and the last element to keep.  Precondition: max_length.
  std::pair<std::string, std::string> kept() const {
    const std::uint64_t most = *options_.max_length;
    if (options_.side == Side::Right) return {"-" + std::to_string(most), "-1"};
    return {"0", std::to_string(most - 1)};
  }

  RedisListOptions options_;
  bool one_key_;
  RowKey key_;
  RowValue value_;
};

Plan<Sink> plan_redis_list(const config::Table& table, PlanContext& context) {
  RedisListOptions options;
  Plan<Sink> plan;
  plan.guarantees = once_guarantees();
  redis_list_options().read(table, options);
  context.require_connection(table, options.connection, "redis");
  Template key = read_key_template(table, "key", options.key, context, /*constant_ok=*/true);
  std::optional<Template> value;
  if (options.value) value = read_template(table, "value", *options.value, context);
  plan.make = [options, key, value](RunContext& run) {
    return std::make_unique<RedisOnceSink>(options, std::make_unique<ListRows>(options, key, RowValue(value)),
                                           run);
  };
  return plan;
}

}  // namespace

const SinkKind& redis_list() {
  static const SinkKind kind{"redis_list", "One list element per row; each version of a row exactly once.",
                             [] { return redis_list_options().docs(); }, &plan_redis_list,
                             /*repeats_harmlessly=*/false};
  return kind;
}

}  // namespace syncd::jobs
