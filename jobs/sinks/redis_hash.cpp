// redis_hash: one hash per row, one field per column.
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/sinks/redis_exec.hpp"

namespace syncd::jobs {
namespace {

enum class Nulls { Omit, Empty };
constexpr auto enum_names(Nulls) {
  return std::array{config::EnumName("omit", Nulls::Omit), config::EnumName("empty", Nulls::Empty)};
}

struct RedisHashOptions : RedisExecOptions {
  std::vector<std::string> fields;
  Nulls nulls = Nulls::Omit;
};

const config::Fields<RedisHashOptions>& redis_hash_options() {
  static const auto all =
      config::Fields<RedisHashOptions>()
          .required("key", &RedisHashOptions::key, "key of a row's hash; {column} is replaced")
          .example("user:{id}")
          .add("fields", &RedisHashOptions::fields, "columns to write; default: all")
          .add("nulls", &RedisHashOptions::nulls,
               "a NULL removes the field (omit), or is an empty text (empty)")
          .include(redis_exec_fields());
  return all;
}

class HashRows final : public RowCommands {
 public:
  HashRows(RedisHashOptions options, Template key, std::optional<Predicate> remove)
      : options_(std::move(options)), key_(std::move(key), "key"), remove_(std::move(remove)) {
    if (options_.ttl) ttl_ = milliseconds(*options_.ttl);
  }

  void bind(const Schema& schema) override {
    key_.bind(schema);
    if (remove_) remove_->bind(schema, "delete_if");
    columns_ = chosen_columns(schema, options_.fields);
    names_.clear();
    for (const std::size_t column : columns_) {
      names_.push_back(redis::CommandBuffer::formatted(schema.columns()[column]));
    }
  }

  std::string append(const Batch& batch, std::size_t row, redis::CommandBuffer& out) override {
    if (std::string wrong = key_.render(batch, row); !wrong.empty()) return wrong;
    if (remove_ && remove_->holds(batch, row)) {
      out.add("UNLINK", key_.text());
      return {};
    }
    const Cell* cells = batch.row(row);
    std::size_t nulls = 0;
    if (options_.nulls == Nulls::Omit) {
      for (const std::size_t column : columns_) nulls += cells[column].null() ? 1 : 0;
    }
    if (nulls < columns_.size()) append_values(cells, nulls, out);
    if (nulls > 0) append_removals(cells, nulls, out);
    if (!ttl_.empty()) append_expiry(out, key_.text(), "hash", ttl_);
    return {};
  }

 private:
  bool omitted(Cell cell) const noexcept { return cell.null() && options_.nulls == Nulls::Omit; }

  void append_values(const Cell* cells, std::size_t nulls, redis::CommandBuffer& out) {
    out.command(2 + 2 * (columns_.size() - nulls));
    out.raw("$4\r\nHSET\r\n");
    out.argument(key_.text());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Cell cell = cells[columns_[i]];
      if (omitted(cell)) continue;
      out.raw(names_[i]);
      out.argument(cell.text());
    }
  }
  // A value that the row had before must not stay.
  void append_removals(const Cell* cells, std::size_t nulls, redis::CommandBuffer& out) {
    out.command(2 + nulls);
    out.argument("HDEL");
    out.argument(key_.text());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (omitted(cells[columns_[i]])) out.raw(names_[i]);
    }
  }

  RedisHashOptions options_;
  RowKey key_;
  std::optional<Predicate> remove_;
  std::string ttl_;
  std::vector<std::size_t> columns_;
  std::vector<std::string> names_;  // as arguments
};

Plan<Sink> plan_redis_hash(const config::Table& table, PlanContext& context) {
  return exec_plan(table, context, redis_hash_options(), KeyPer::Row,
                   [&](const RedisHashOptions& options, const Template& key,
                       const std::optional<Predicate>& rule) -> RowFactory {
                     check_columns(table, "fields", context.stream, options.fields);
                     return [=] { return std::make_unique<HashRows>(options, key, rule); };
                   });
}

}  // namespace

const SinkKind& redis_hash() {
  static const SinkKind kind{"redis_hash", "One hash per row, one field per column.",
                             [] { return redis_hash_options().docs(); }, &plan_redis_hash};
  return kind;
}

}  // namespace syncd::jobs
