#include "jobs/sinks/redis_exec.hpp"

#include <fmt/format.h>

#include "daemon/base/crash_point.hpp"
#include "daemon/redis/command_text.hpp"
#include "jobs/row_json.hpp"

namespace syncd::jobs {

const config::Fields<RedisExecOptions>& redis_exec_fields() {
  static const auto all = config::Fields<RedisExecOptions>()
                              .include(redis_delete_fields())
                              .include(redis_retention_fields())
                              .include(redis_option_fields());
  return all;
}

RedisExecSink::RedisExecSink(RedisOptions options, std::unique_ptr<RowCommands> rows, RunContext& context)
    : RedisSink(std::move(options), context), rows_(std::move(rows)) {}

Task<> RedisExecSink::commit(const Batch& batch, const Position& previous) {
  if (batch.empty()) {
    unsaved_.advance(batch.position());
    co_return;
  }
  if (begun_ && !begun(batch)) co_await settle(Settle::CaughtUp);
  if (batch.shared_schema() != bound_) {
    rows_->bind(batch.schema());
    bound_ = batch.shared_schema();
  }
  CloseUnlessDone guard(connection());
  if (!take_begun()) {
    fill(now_, batch, 0, Place::First);
    co_await connection().begin(now_.commands.view());
  }
  crash_point("before_commit");
  co_await commit_slices(batch, previous);
  guard.done();
}

// The slice now_ is at Redis, all but its conclusion.
Task<> RedisExecSink::commit_slices(const Batch& batch, const Position& previous) {
  while (true) {
    append_conclusion();
    co_await connection().send(conclusion_.view());
    crash_point("after_commit_before_reply");
    const bool more = now_.end < batch.rows();
    const Batch* next = more ? &batch : following(batch);
    if (next != nullptr) fill(next_, *next, more ? now_.end : 0, more ? Place::Following : Place::Ahead);
    if (!more && next_.rows.empty()) next = nullptr;
    if (next != nullptr) co_await connection().send(next_.commands.view());
    const redis::Reply exec = co_await conclude(now_.rows.size());
    judge(now_, batch, exec);
    unsaved_.advance(batch.position_at(now_.end, previous));
    std::swap(now_, next_);
    if (more) continue;
    if (next != nullptr) begun_.emplace(connection(), next->row(0));
    break;
  }
}

// Returns why the row cannot be written, and appends nothing then.
std::string RedisExecSink::append(redis::CommandBuffer& out, const Batch& batch, std::size_t row) {
  const std::size_t bytes = out.view().size();
  const std::size_t commands = out.commands();
  std::string wrong;
  try {
    wrong = rows_->append(batch, row, out);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Data) throw;
    wrong = error.what();
  }
  if (!wrong.empty()) out.truncate(bytes, commands);
  return wrong;
}

void RedisExecSink::fill(Slice& slice, const Batch& batch, std::size_t begin, Place place) {
  redis::CommandBuffer& out = slice.commands;
  const std::size_t most = options_.max_bytes.count();
  out.clear();
  slice.rows.clear();
  out.add("MULTI");
  // Redis has nothing to do until the first one arrives.
  const bool short_one = place == Place::First;
  const std::size_t most_rows = short_one ? (options_.max_operations + 3) / 4 : options_.max_operations;
  std::size_t row = begin;
  for (; row < batch.rows() && slice.rows.size() < most_rows; ++row) {
    const std::size_t bytes = out.view().size();
    const std::size_t commands = out.commands();
    if (const std::string wrong = append(out, batch, row); !wrong.empty()) {
      if (place == Place::Ahead) break;  // judged when its batch is committed
      context_.bad_records.take(BadRecord{row_json(batch, row), wrong});
      continue;
    }
    if (out.view().size() > most && row > begin && !slice.rows.empty()) {
      out.truncate(bytes, commands);
      break;
    }
    slice.rows.resize(out.commands() - 1, static_cast<std::uint32_t>(row));
  }
  slice.end = row;
}

Task<std::vector<std::string>> RedisExecSink::preview(const Batch& batch) {
  rows_->bind(batch.schema());
  redis::CommandBuffer out;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const std::string wrong = append(out, batch, row);
    if (!wrong.empty()) context_.bad_records.take(BadRecord{row_json(batch, row), wrong});
  }
  co_return redis::command_lines(out);
}

// What follows the rows: positions, the lease, EXEC, and the watch for the next slice.
void RedisExecSink::append_conclusion() {
  conclusion_.clear();
  for (const auto& [partition, text] : unsaved_.all()) {
    conclusion_.add("HSET", checkpoint_.key(), RedisCheckpoint::field(partition), text);
  }
  saving_ = std::move(unsaved_);
  unsaved_ = Positions();
  if (context_.clock.now() - renewed_ >= kRenewLease) {
    checkpoint_.append_lease(conclusion_);
    renewed_ = context_.clock.now();
  }
  concluding_ = conclusion_.commands();
  conclusion_.add("EXEC");
  checkpoint_.append_watch(conclusion_);
}

// Reads the replies of one slice up to the watch, and returns those to its commands.
Task<redis::Reply> RedisExecSink::conclude(std::size_t commands) {
  const redis::Reply exec = co_await checkpoint_.receive_exec(connection(), commands + concluding_, replies_);
  redis::Reply element = exec.first();
  for (std::size_t i = 0; i < exec.size(); ++i, element = element.next()) {
    if (i >= commands && element.error()) throw redis::to_error(element.text());
  }
  for (const auto& [partition, text] : saving_.all()) saved_.advance(Position(partition, text));
  co_return exec;
}

// The rows that Redis refused, by their index; the others of the slice are written.
void RedisExecSink::judge(const Slice& slice, const Batch& batch, redis::Reply exec) {
  redis::Reply element = exec.first();
  std::optional<std::uint32_t> taken;
  for (std::size_t i = 0; i < slice.rows.size(); ++i, element = element.next()) {
    if (!element.error()) continue;
    const Error error = redis::to_error(element.text());
    if (error.kind() != ErrorKind::Data) throw error;
    const std::uint32_t row = slice.rows[i];
    if (taken != row) context_.bad_records.take(BadRecord{row_json(batch, row), error.what()});
    taken = row;
  }
}

Task<> RedisExecSink::settle(Settle) {
  bool changed = false;
  for (const auto& [partition, text] : unsaved_.all()) {
    changed = changed || saved_.at(partition).text() != text || !saved_.all().contains(partition);
  }
  if (!changed) unsaved_ = Positions();
  if (!changed && !begun_ && context_.clock.now() - renewed_ < kRenewLease) co_return;
  CloseUnlessDone guard(connection());
  // What was begun of a batch that did not come is written, which does no harm, and nothing says so.
  if (!take_begun()) {
    now_.rows.clear();
    now_.commands.clear();
    now_.commands.add("MULTI");
    co_await connection().begin(now_.commands.view());
  }
  append_conclusion();
  co_await connection().send(conclusion_.view());
  co_await conclude(now_.rows.size());
  guard.done();
}

}  // namespace syncd::jobs
