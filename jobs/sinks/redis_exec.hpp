// The commit of sinks whose writes may be repeated: MULTI, the writes of slice k, the position of slice k-1,
// EXEC, WATCH.  EXEC goes on past a failed command, so the position that it carries is the last one whose
// replies were all seen good; settle() brings the last one.  WATCH is the fence: a daemon that was stopped
// and wakes up, or bytes that reach Redis late, find the checkpoint changed and write nothing.
//
// While Redis works on slice k, slice k+1 is formatted and sent up to its EXEC, which follows once slice k
// was seen good.  So is the first slice of the next batch, if there is one yet: Redis never waits for us.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "jobs/sinks/redis_rows.hpp"
#include "jobs/sinks/redis_sink.hpp"

namespace syncd::jobs {

// What one row means to Redis.
class RowCommands {
 public:
  virtual ~RowCommands() = default;
  virtual void bind(const Schema& schema) = 0;
  // Appends the row's commands; each may be repeated harmlessly.  Returns why the row cannot be written, ""
  // for a good one.
  virtual std::string append(const Batch& batch, std::size_t row, redis::CommandBuffer& out) = 0;
};

// Makes the rows' commands, for each run anew.
using RowFactory = std::function<std::unique_ptr<RowCommands>()>;

class RedisExecSink final : public RedisSink {
 public:
  RedisExecSink(RedisOptions options, std::unique_ptr<RowCommands> rows, RunContext& context);

  Task<> commit(const Batch& batch, const Position& previous) override;
  Task<> settle(Settle why) override;
  Task<std::vector<std::string>> preview(const Batch& batch) override;

 private:
  // Rows [begin, end) of a batch as commands behind a MULTI.
  struct Slice {
    std::size_t end = 0;
    redis::CommandBuffer commands;
    std::vector<std::uint32_t> rows;  // of each command
  };
  // Where a slice stands: nothing is under way at Redis, or the slice before it is; of this batch or the
  // next.
  enum class Place { First, Following, Ahead };
  std::string append(redis::CommandBuffer& out, const Batch& batch, std::size_t row);
  void fill(Slice& slice, const Batch& batch, std::size_t begin, Place place);
  void append_conclusion();
  Task<> commit_slices(const Batch& batch, const Position& previous);
  Task<redis::Reply> conclude(std::size_t commands);
  void judge(const Slice& slice, const Batch& batch, redis::Reply exec);

  std::unique_ptr<RowCommands> rows_;
  Positions saving_;  // in the conclusion that is under way
  Slice now_;
  Slice next_;
  redis::CommandBuffer conclusion_;
  std::size_t concluding_ = 0;  // commands in it, before EXEC
  redis::Replies replies_;
};

// --- what their configurations have in common ----------------------------------------------------------

struct RedisExecOptions : RedisOptions, RedisRetention, RedisDelete {
  std::string key;
};
// Without the key, whose meaning is the sink's own.
const config::Fields<RedisExecOptions>& redis_exec_fields();

enum class KeyPer { Row, Sink };  // must the key name a column?

// Reads the options, the key and the delete rule; `rows(options, key, rule)` reports what else is wrong and
// returns a RowFactory.
template <class Options, class Rows>
Plan<Sink> exec_plan(const config::Table& table, PlanContext& context, const config::Fields<Options>& fields,
                     KeyPer per, Rows rows) {
  Options options;
  Plan<Sink> plan;
  plan.guarantees = exec_guarantees(false);
  fields.read(table, options);
  context.require_connection(table, options.connection, "redis");
  const Template key = read_key_template(table, "key", options.key, context, per == KeyPer::Sink);
  const std::optional<Predicate> rule = read_delete_rule(table, options, context);
  plan.guarantees = exec_guarantees(rule.has_value());
  const RowFactory factory = rows(options, key, rule);
  plan.make = [options, factory](RunContext& run) {
    return std::make_unique<RedisExecSink>(options, factory(), run);
  };
  return plan;
}

}  // namespace syncd::jobs
