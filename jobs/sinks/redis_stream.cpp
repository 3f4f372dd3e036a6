// redis_stream: one stream entry per row, one field per column; each version of a row exactly once.
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/sinks/redis_rows.hpp"
#include "jobs/sinks/redis_script.hpp"

namespace syncd::jobs {
namespace {

// Lua has about 250 registers for the arguments of one call.
constexpr std::size_t kMostDirectFields = 60;

struct Options : RedisOptions, RedisRetention {
  std::string key;
  std::vector<std::string> fields;
  std::optional<std::uint64_t> max_length;
};

const config::Fields<Options>& option_fields() {
  static const auto all =
      config::Fields<Options>()
          .required("key", &Options::key, "key of the stream; {column} is replaced, none is needed")
          .example("users")
          .add("fields", &Options::fields, "columns of an entry; default: all. A NULL is left out")
          .add("max_length", &Options::max_length, "entries to keep, about; default: all")
          .at_least(1)
          .example("100000")
          .include(redis_retention_fields())
          .include(redis_option_fields());
  return all;
}

// Arguments of a row: the number of its key, which cells are there ("" for all), the cells.
class StreamRows final : public RowScript {
 public:
  StreamRows(Options options, Template key) : options_(std::move(options)), key_(std::move(key), "key") {}

  void bind(const Schema& schema) override {
    key_.bind(schema);
    columns_ = chosen_columns(schema, options_.fields);
    names_.clear();
    for (const std::size_t column : columns_) names_.push_back(lua_string(schema.columns()[column]));
  }

  std::string_view key_type() const override { return "stream"; }

  std::string write() const override {
    std::string head = "'XADD', KEYS[tonumber(ARGV[at])]";
    if (options_.max_length) head += fmt::format(", 'MAXLEN', '~', {}", *options_.max_length);
    head += ", '*'";
    const std::string some = fmt::format(
        "local entry = {{{}}}\n"
        "for i = 1, {} do\n"
        "if there == '' or string.sub(there, i, i) == '1' then\n"
        "entry[#entry + 1] = names[i]\nentry[#entry + 1] = ARGV[at + 1 + i]\nend\nend\n"
        "redis.call(unpack(entry))\n",
        head, names_.size());
    std::string lua =
        fmt::format("local names = {{{}}}\nlocal there = ARGV[at + 1]\n", fmt::join(names_, ", "));
    if (names_.size() > kMostDirectFields) {
      lua += some;
    } else {
      std::string all = head;
      for (std::size_t i = 0; i < names_.size(); ++i)
        all += fmt::format(", {}, ARGV[at + {}]", names_[i], i + 2);
      lua = fmt::format(
          "local there = ARGV[at + 1]\nif there == '' then redis.call({})\nelse\nlocal names = "
          "{{{}}}\n{}end\n",
          all, fmt::join(names_, ", "), some);
    }
    return lua + fmt::format("at = at + {}\n", names_.size() + 2);
  }

  std::string finish() const override {
    if (!options_.ttl) return {};
    return fmt::format("redis.call('PEXPIRE', key, {})\n", milliseconds(*options_.ttl));
  }

  std::string append(const Batch& batch, std::size_t row, ScriptRows& out) override {
    if (std::string wrong = key_.render(batch, row); !wrong.empty()) return wrong;
    std::size_t nulls = 0;
    there_.assign(columns_.size(), '1');
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!batch.cell(row, columns_[i]).null()) continue;
      there_[i] = '0';
      ++nulls;
    }
    if (nulls == columns_.size()) return "every column is NULL: a stream entry needs a field";
    const fmt::format_int number(out.key(key_.text()));
    out.argument({number.data(), number.size()});
    out.argument(nulls == 0 ? std::string_view() : there_);
    for (const std::size_t column : columns_) out.argument(batch.cell(row, column).text());
    return {};
  }

  std::string key_of(const Batch& batch, std::size_t row) override {
    key_.render(batch, row);
    return key_.text();
  }

 private:
  Options options_;
  RowKey key_;
  std::vector<std::size_t> columns_;
  std::vector<std::string> names_;  // as Lua literals
  std::string there_;
};

Plan<Sink> plan(const config::Table& table, PlanContext& context) {
  Options options;
  Plan<Sink> plan;
  plan.guarantees = script_guarantees();
  option_fields().read(table, options);
  context.require_connection(table, options.connection, "redis");
  Template key = read_key_template(table, "key", options.key, context, /*constant_ok=*/true);
  check_columns(table, "fields", context.stream, options.fields);
  plan.make = [options, key](RunContext& run) {
    return std::make_unique<RedisScriptSink>(options, std::make_unique<StreamRows>(options, key), run);
  };
  return plan;
}

}  // namespace

const SinkKind& redis_stream() {
  static const SinkKind kind{
      "redis_stream", "One stream entry per row, one field per column; each version of a row exactly once.",
      [] { return option_fields().docs(); }, &plan, /*repeats_harmlessly=*/false};
  return kind;
}

}  // namespace syncd::jobs
