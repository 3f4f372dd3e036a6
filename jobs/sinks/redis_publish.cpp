// redis_publish: one message per row to whoever listens; each version of a row exactly once.
#include "jobs/catalogue.hpp"
#include "jobs/sinks/redis_once.hpp"
#include "jobs/sinks/redis_rows.hpp"

namespace syncd::jobs {
namespace {

struct RedisPublishOptions : RedisOptions {
  std::string channel;
  std::optional<std::string> value;
};

const config::Fields<RedisPublishOptions>& redis_publish_options() {
  static const auto all = config::Fields<RedisPublishOptions>()
                              .required("channel", &RedisPublishOptions::channel,
                                        "the channel; {column} is replaced, none is needed")
                              .example("users")
                              .add("value", &RedisPublishOptions::value,
                                   "the message; {column} is replaced; default: the row as a JSON object")
                              .example("{id}")
                              .include(redis_option_fields());
  return all;
}

class MessageRows final : public RowWrites {
 public:
  MessageRows(Template channel, RowValue value)
      : channel_(std::move(channel), "channel"), value_(std::move(value)) {}

  void bind(const Schema& schema) override {
    channel_.bind(schema);
    value_.bind(schema);
  }
  std::string_view key_type() const override { return ""; }
  RowScript* script() override { return nullptr; }
  std::string key_of(const Batch&, std::size_t) override { return {}; }

  std::string commands(const Batch& batch, std::size_t row, redis::CommandBuffer& out) override {
    if (std::string wrong = channel_.render(batch, row); !wrong.empty()) return wrong;
    out.add("PUBLISH", channel_.text(), value_.render(batch, row));
    return {};
  }
  void commands_at_end(std::string_view, redis::CommandBuffer&) const override {}

 private:
  RowKey channel_;
  RowValue value_;
};

Plan<Sink> plan_redis_publish(const config::Table& table, PlanContext& context) {
  RedisPublishOptions options;
  Plan<Sink> plan;
  plan.guarantees = once_guarantees();
  plan.guarantees.emplace_back("a message reaches only those who listen at that moment: Redis keeps none");
  redis_publish_options().read(table, options);
  context.require_connection(table, options.connection, "redis");
  Template channel = read_key_template(table, "channel", options.channel, context, /*constant_ok=*/true);
  std::optional<Template> value;
  if (options.value) value = read_template(table, "value", *options.value, context);
  plan.make = [options, channel, value](RunContext& run) {
    return std::make_unique<RedisOnceSink>(options, std::make_unique<MessageRows>(channel, RowValue(value)),
                                           run);
  };
  return plan;
}

}  // namespace

const SinkKind& redis_publish() {
  static const SinkKind kind{
      "redis_publish", "One message per row to whoever listens; each version of a row exactly once.",
      [] { return redis_publish_options().docs(); }, &plan_redis_publish, /*repeats_harmlessly=*/false};
  return kind;
}

}  // namespace syncd::jobs
