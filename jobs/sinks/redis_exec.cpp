#include "jobs/sinks/redis_exec.hpp"

#include <fmt/format.h>

#include "daemon/base/crash_point.hpp"
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

Task<std::optional<Positions>> RedisExecSink::open() {
  auto positions = co_await RedisSink::open();
  saved_ = *positions;
  renewed_ = context_.clock.now();
  co_return positions;
}

Task<> RedisExecSink::commit(const Batch& batch, const Position& previous) {
  if (batch.empty()) {
    unsaved_.advance(batch.position());
    co_return;
  }
  if (batch.shared_schema() != bound_) {
    rows_->bind(batch.schema());
    bound_ = batch.shared_schema();
  }
  CloseUnlessDone guard(connection());
  co_await commit_slices(batch, previous);
  guard.done();
}

Task<> RedisExecSink::commit_slices(const Batch& batch, const Position& previous) {
  fill(now_, batch, 0);
  crash_point("before_commit");
  co_await connection().send(now_.commands.view());
  while (true) {
    append_conclusion();
    co_await connection().send(conclusion_.view());
    crash_point("after_commit_before_reply");
    const bool more = now_.end < batch.rows();
    if (more) {
      fill(next_, batch, now_.end);
      co_await connection().send(next_.commands.view());
    }
    co_await conclude(now_.rows.size());
    judge(now_, batch);
    unsaved_.advance(batch.position_at(now_.end, previous));
    if (!more) break;
    std::swap(now_, next_);
  }
}

void RedisExecSink::fill(Slice& slice, const Batch& batch, std::size_t begin) {
  redis::CommandBuffer& out = slice.commands;
  const std::size_t most = options_.max_bytes.count();
  out.clear();
  slice.rows.clear();
  out.add("MULTI");
  // Redis has nothing to do until the first slice of a batch arrives.
  const std::size_t most_rows = begin == 0 ? (options_.max_operations + 3) / 4 : options_.max_operations;
  std::size_t row = begin;
  for (; row < batch.rows() && slice.rows.size() < most_rows; ++row) {
    const std::size_t bytes = out.view().size();
    const std::size_t commands = out.commands();
    std::string wrong;
    try {
      wrong = rows_->append(batch, row, out);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::Data) throw;
      wrong = error.what();
    }
    if (!wrong.empty()) {
      out.truncate(bytes, commands);
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

// Reads the replies of one slice up to the watch, and throws where it was refused as a whole.
Task<> RedisExecSink::conclude(std::size_t commands) {
  co_await connection().receive(1, replies_);
  if (replies_[0].error()) throw redis::to_error(replies_[0].text());
  const std::size_t queued = commands + concluding_;
  const std::size_t skipped = co_await connection().skip_queued(queued);
  const std::size_t refused = queued - skipped;
  co_await connection().receive(refused + 3, replies_);
  for (std::size_t i = 0; i < refused; ++i) {
    if (!replies_[i].error()) continue;
    const Error error = redis::to_error(replies_[i].text());
    // Redis would not even queue it: no fault of one row.
    throw Error(error.kind() == ErrorKind::Data ? ErrorKind::Permanent : error.kind(), error.what());
  }
  const redis::Reply exec = replies_[refused];
  const redis::Reply held = replies_[refused + 2];
  if (exec.error()) throw redis::to_error(exec.text());
  if (exec.nil()) throw checkpoint_.lost(held);
  const redis::Reply first = exec.first();
  redis::Reply element = first;
  for (std::size_t i = 0; i < exec.size(); ++i, element = element.next()) {
    if (i >= commands && element.error()) throw redis::to_error(element.text());
  }
  // The rows are written, but what comes next would not be: better said now.
  if (!checkpoint_.ours(held)) throw checkpoint_.lost(held);
}

// The rows that Redis refused, by their index; the others of the slice are written.
void RedisExecSink::judge(const Slice& slice, const Batch& batch) {
  for (const auto& [partition, text] : saving_.all()) saved_.advance(Position(partition, text));
  const redis::Reply exec = replies_[replies_.count() - 3];
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

Task<> RedisExecSink::settle() {
  bool changed = false;
  for (const auto& [partition, text] : unsaved_.all()) {
    changed = changed || saved_.at(partition).text() != text || !saved_.all().contains(partition);
  }
  if (!changed) unsaved_ = Positions();
  if (!changed && context_.clock.now() - renewed_ < kRenewLease) co_return;
  CloseUnlessDone guard(connection());
  now_.commands.clear();
  now_.commands.add("MULTI");
  append_conclusion();
  now_.commands.append(conclusion_);
  co_await connection().send(now_.commands.view());
  co_await conclude(0);
  for (const auto& [partition, text] : saving_.all()) saved_.advance(Position(partition, text));
  guard.done();
}

}  // namespace syncd::jobs
