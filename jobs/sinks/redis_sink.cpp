#include "jobs/sinks/redis_sink.hpp"

#include <fmt/format.h>

#include "jobs/columns.hpp"
#include "jobs/connections.hpp"

namespace syncd::jobs {
namespace {

// The value of "NAME:" in the text of INFO; "" where it is not there.
std::string_view info_value(std::string_view info, std::string_view name) {
  for (std::size_t at = 0; (at = info.find(name, at)) != std::string_view::npos; at += name.size()) {
    const bool at_start = at == 0 || info[at - 1] == '\n';
    if (!at_start || info.substr(at + name.size(), 1) != ":") continue;
    info.remove_prefix(at + name.size() + 1);
    return info.substr(0, info.find_first_of("\r\n"));
  }
  return {};
}

}  // namespace

const config::Fields<RedisOptions>& redis_option_fields() {
  using O = RedisOptions;
  static const auto all =
      config::Fields<O>()
          .required("connection", &O::connection, "a connection of type redis")
          .example("cache")
          .add("max_operations", &O::max_operations, "commands of one commit; it blocks Redis that long")
          .range(1, 100'000)
          .add("max_bytes", &O::max_bytes, "size of one commit; a larger row is committed by itself")
          .range(config::Bytes(1024), config::Bytes(64 * 1024 * 1024));
  return all;
}

const config::Fields<RedisRetention>& redis_retention_fields() {
  using namespace std::chrono_literals;
  static const auto all =
      config::Fields<RedisRetention>()
          .add("ttl", &RedisRetention::ttl, "keys expire this long after their last write; default: never")
          .at_least(1ms)
          .example("7d");
  return all;
}

const config::Fields<RedisDelete>& redis_delete_fields() {
  static const auto all =
      config::Fields<RedisDelete>().add("delete_if", &RedisDelete::delete_if, predicate_fields(),
                                        "rows that remove their key instead of writing it");
  return all;
}

Template read_key_template(const config::Table& table, const char* key, const std::string& text,
                           const PlanContext& context, bool constant_ok) {
  Template parsed = read_template(table, key, text, context);
  if (table.refused(key)) return parsed;
  if (parsed.ambiguous()) {
    table.fail(key,
               fmt::format("'{}': put a text between two columns, such as ':'; without one, different rows "
                           "could have the same {}",
                           key, key));
  } else if (parsed.constant() && !constant_ok) {
    table.fail(
        key, fmt::format("'{}' must name a column, such as \"user:{{id}}\": all rows would have the same {}",
                         key, key));
  }
  return parsed;
}

std::optional<Predicate> read_delete_rule(const config::Table& table, const RedisDelete& options,
                                          const PlanContext& context) {
  if (!options.delete_if) return std::nullopt;
  return read_predicate(table, "delete_if", *options.delete_if, context.stream);
}

std::string milliseconds(std::chrono::nanoseconds ttl) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(ttl).count());
}

RedisSink::RedisSink(RedisOptions options, RunContext& context)
    : options_(std::move(options)),
      context_(context),
      checkpoint_(context),
      pool_(context.connections.redis(options_.connection)) {}

Task<std::optional<Positions>> RedisSink::open() {
  auto lease = co_await pool_.acquire();
  lease_.emplace(std::move(lease));
  saved_ = co_await checkpoint_.take_over(connection());
  renewed_ = context_.clock.now();
  co_return saved_;
}

Task<std::optional<Positions>> RedisSink::recall() {
  auto lease = co_await pool_.acquire();
  auto positions = co_await checkpoint_.recall(*lease);
  co_return std::optional<Positions>(std::move(positions));
}

Task<> RedisSink::assign(const Positions& positions) {
  auto lease = co_await pool_.acquire();
  co_await checkpoint_.assign(*lease, positions);
}

const Batch* RedisSink::following(const Batch& batch) const {
  if (!upcoming_ || batch.caught_up()) return nullptr;  // caught up: settle() is next
  const Batch* next = upcoming_();
  const bool alike = next != nullptr && !next->empty() && next->shared_schema() == bound_;
  return alike ? next : nullptr;
}

bool RedisSink::take_begun() {
  if (!begun_) return false;
  begun_->open.done();
  begun_.reset();
  return true;
}

Task<CheckNotes> RedisSink::check() {
  using Level = CheckNote::Level;
  CheckNotes notes;
  const auto note = [&notes](Level level, std::string text, std::string remedy) {
    notes.push_back(CheckNote{level, std::move(text), std::move(remedy)});
  };
  auto lease = co_await pool_.acquire();
  redis::CommandBuffer commands;
  commands.add("INFO");
  commands.add("TYPE", checkpoint_.key());
  redis::Replies replies;
  co_await lease->execute(commands.view(), commands.commands(), replies);
  if (replies[0].error()) {
    note(Level::Note, fmt::format("INFO was refused: {}", replies[0].text()),
         "allow it to let eviction, replication and memory be checked");
  } else {
    const std::string_view info = replies[0].text();
    const std::string_view policy = info_value(info, "maxmemory_policy");
    if (!policy.empty() && policy != "noeviction" && !policy.starts_with("volatile-")) {
      note(Level::Warning,
           fmt::format("Redis may evict the checkpoint {} (maxmemory-policy {})", checkpoint_.key(), policy),
           "set maxmemory-policy to noeviction or a volatile- policy; an evicted checkpoint costs a full "
           "sync");
    }
    if (info_value(info, "role") == "slave") {
      note(Level::Error, "this Redis is a replica and refuses writes", "connect to the primary");
    }
    if (info_value(info, "cluster_enabled") == "1") {
      note(Level::Error, "Redis Cluster is not supported: a commit must stay in one slot",
           "use a Redis without cluster mode");
    }
    if (info_value(info, "aof_enabled") == "0" && info_value(info, "rdb_last_save_time") != "" &&
        info_value(info, "rdb_saves") == "0" && info_value(info, "loading") == "0") {
      note(Level::Note, "Redis has saved nothing since it started (no append-only file)",
           "after a restart of an empty Redis the job reads everything again");
    }
  }
  const std::string_view type = replies[1].text();
  if (replies[1].error()) {
    note(Level::Error, fmt::format("the checkpoint {} was refused: {}", checkpoint_.key(), type),
         "let the user use the keys syncd:* and those that the job writes (ACL SETUSER)");
  } else if (type != "none" && type != "hash") {
    note(Level::Error, fmt::format("{} is a {}, no checkpoint of ours", checkpoint_.key(), type),
         "rename the job, or remove the key");
  }
  co_return notes;
}

}  // namespace syncd::jobs
