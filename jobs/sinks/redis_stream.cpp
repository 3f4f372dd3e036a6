// redis_stream: one stream entry per row, one field per column; each version of a row exactly once.
#include <algorithm>

#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/sinks/redis_rows.hpp"
#include "jobs/sinks/redis_script.hpp"

namespace syncd::jobs {
namespace {

// Lua has about 250 registers for the arguments of one call.
constexpr std::size_t kMostDirectFields = 60;

struct RedisStreamOptions : RedisOptions, RedisRetention {
  std::string key;
  std::vector<std::string> fields;
  std::optional<std::uint64_t> max_length;
};

const config::Fields<RedisStreamOptions>& redis_stream_options() {
  static const auto all =
      config::Fields<RedisStreamOptions>()
          .required("key", &RedisStreamOptions::key,
                    "key of the stream; {column} is replaced, none is needed")
          .example("users")
          .add("fields", &RedisStreamOptions::fields, "columns of an entry; default: all. A NULL is left out")
          .add("max_length", &RedisStreamOptions::max_length, "entries to keep, about; default: all")
          .at_least(1)
          .example("100000")
          .include(redis_retention_fields())
          .include(redis_option_fields());
  return all;
}

// Values of a row for a script: the number of its key, the cells.
class StreamRows final : public RowWrites, public RowScript {
 public:
  StreamRows(RedisStreamOptions options, Template key)
      : options_(std::move(options)), one_key_(key.constant()), key_(std::move(key), "key") {}

  void bind(const Schema& schema) override {
    key_.bind(schema);
    columns_ = chosen_columns(schema, options_.fields);
    names_.clear();
    arguments_.clear();
    for (const std::size_t column : columns_) {
      names_.push_back(schema.columns()[column]);
      arguments_.push_back(redis::CommandBuffer::formatted(names_.back()));
    }
  }

  std::string_view key_type() const override { return "stream"; }
  RowScript* script() override { return one_key_ ? nullptr : this; }
  std::string key_of(const Batch& batch, std::size_t row) override {
    key_.render(batch, row);
    return key_.text();
  }

  std::string commands(const Batch& batch, std::size_t row, redis::CommandBuffer& out) override {
    if (std::string wrong = refused(batch, row); !wrong.empty()) return wrong;
    const Cell* cells = batch.row(row);
    std::size_t fields = 0;
    for (const std::size_t column : columns_) fields += cells[column].null() ? 0 : 1;
    out.command(3 + (options_.max_length ? 3 : 0) + 2 * fields);
    out.raw("$4\r\nXADD\r\n").argument(key_.text());
    if (options_.max_length) out.argument("MAXLEN").argument("~").argument(*options_.max_length);
    out.raw("$1\r\n*\r\n");
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Cell cell = cells[columns_[i]];
      if (!cell.null()) out.raw(arguments_[i]).argument(cell.text());
    }
    return {};
  }
  void commands_at_end(std::string_view key, redis::CommandBuffer& out) const override {
    if (options_.ttl) append_expiry(out, key, key_type(), milliseconds(*options_.ttl));
  }

  std::string lua() const override {
    std::string head = "'XADD', KEYS[key]";
    if (options_.max_length) head += fmt::format(", 'MAXLEN', '~', {}", *options_.max_length);
    head += ", '*'";
    const std::size_t fields = names_.size();
    std::vector<std::string> literals;
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < fields; ++i) {
      literals.push_back(lua_string(names_[i]));
      cells.push_back(fmt::format("v{}", i + 1));
    }
    const std::string names = fmt::format("local names = {{{}}}\n", fmt::join(literals, ", "));
    // `row` begins with what stands before the cells: NULLs are holes in it.
    const std::string some = fmt::format(
        "local entry = {{{}}}\nfor i = 1, {} do\nlocal cell = row[i + 1]\nif cell then\n"
        "entry[#entry + 1] = names[i]\nentry[#entry + 1] = cell\nend\nend\ncall(unpack(entry))\n",
        head, fields);
    if (fields > kMostDirectFields) {
      return fmt::format(
          "{}local key\nat, key = read(rows, 1, at)\nlocal row = {{read(rows, {}, at)}}\nat = row[1]\n{}",
          names, fields, some);
    }
    std::string all = head;
    for (std::size_t i = 0; i < fields; ++i) all += fmt::format(", {}, {}", literals[i], cells[i]);
    const std::string list = fmt::format("{}", fmt::join(cells, ", "));
    return fmt::format(
        "local key, {0}\nat, key, {0} = read(rows, {1}, at)\nif {2} then\ncall({3})\nelse\n{4}"
        "local row = {{key, {0}}}\n{5}end\n",
        list, fields + 1, fmt::join(cells, " and "), all, names, some);
  }
  std::string lua_at_end() const override {
    if (!options_.ttl) return {};
    return fmt::format("redis.call('PEXPIRE', key, {})\n", milliseconds(*options_.ttl));
  }
  std::string append(const Batch& batch, std::size_t row, ScriptRows& out) override {
    if (std::string wrong = refused(batch, row); !wrong.empty()) return wrong;
    const Cell* cells = batch.row(row);
    out.key(key_.text());
    for (const std::size_t column : columns_) {
      if (cells[column].null()) {
        out.null();
      } else {
        out.text(cells[column].text());
      }
    }
    return {};
  }

 private:
  // Why the row cannot be written; "" for a good one, whose key is made then.
  std::string refused(const Batch& batch, std::size_t row) {
    if (std::string wrong = key_.render(batch, row); !wrong.empty()) return wrong;
    const Cell* cells = batch.row(row);
    const auto null = [cells](std::size_t column) { return cells[column].null(); };
    if (!std::all_of(columns_.begin(), columns_.end(), null)) return {};
    return "every column is NULL: a stream entry needs a field";
  }

  RedisStreamOptions options_;
  bool one_key_;
  RowKey key_;
  std::vector<std::size_t> columns_;
  std::vector<std::string> names_;
  std::vector<std::string> arguments_;  // the same, formatted
};

Plan<Sink> plan_redis_stream(const config::Table& table, PlanContext& context) {
  RedisStreamOptions options;
  Plan<Sink> plan;
  plan.guarantees = once_guarantees();
  redis_stream_options().read(table, options);
  context.require_connection(table, options.connection, "redis");
  Template key = read_key_template(table, "key", options.key, context, /*constant_ok=*/true);
  check_columns(table, "fields", context.stream, options.fields);
  plan.make = [options, key](RunContext& run) {
    return std::make_unique<RedisOnceSink>(options, std::make_unique<StreamRows>(options, key), run);
  };
  return plan;
}

}  // namespace

const SinkKind& redis_stream() {
  static const SinkKind kind{
      "redis_stream", "One stream entry per row, one field per column; each version of a row exactly once.",
      [] { return redis_stream_options().docs(); }, &plan_redis_stream, /*repeats_harmlessly=*/false};
  return kind;
}

}  // namespace syncd::jobs
