#include "jobs/sinks/redis_once.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "daemon/base/crash_point.hpp"
#include "daemon/redis/command_text.hpp"
#include "jobs/row_json.hpp"
#include "jobs/sinks/redis_script.hpp"
#include "jobs/sinks/redis_transaction.hpp"

namespace syncd::jobs {

RedisOnceSink::RedisOnceSink(RedisOptions options, std::unique_ptr<RowWrites> rows, RunContext& context)
    : RedisSink(std::move(options), context),
      rows_(std::move(rows)),
      now_(make_slice()),
      next_(make_slice()) {}

RedisOnceSink::Slice RedisOnceSink::make_slice() {
  Slice slice;
  RowScript* script = rows_->script();
  if (script != nullptr) {
    slice.commit = std::make_unique<ScriptCommit>(*rows_, *script, checkpoint_);
  } else {
    slice.commit = std::make_unique<TransactionCommit>(*rows_, checkpoint_);
  }
  return slice;
}

Task<> RedisOnceSink::commit(const Batch& batch, const Position&) {
  // What was begun of another batch knows nothing of what this one brings.
  if (begun_ && !begun(batch)) co_await abandon(now_);
  if (batch.empty()) {
    unsaved_.advance(batch.position());
    co_return;
  }
  if (batch.shared_schema() != bound_) {
    rows_->bind(batch.schema());
    bound_ = batch.shared_schema();
    now_.commit->bind();
    next_.commit->bind();
  }
  bad_.assign(batch.rows(), false);
  first_row_ = 0;
  CloseUnlessDone guard(connection());
  if (!take_begun()) {
    fill(now_, batch, 0, Rows::OfThisBatch);
    co_await begin(now_, saved_.at(batch.partition()));
  }
  while (true) {
    co_await conclude();
    const Batch* behind = co_await begin_after(batch);
    const Outcome outcome = co_await finish();
    if (!outcome.written()) {
      if (behind != nullptr) co_await abandon(next_);
      if (outcome.refused) co_await mend(outcome);
      take_bad(batch, outcome.bad);
      fill(now_, batch, first_row_, Rows::OfThisBatch);
      co_await begin(now_, now_.from);
      continue;
    }
    const bool done = now_.end == batch.rows();
    first_row_ = now_.end;
    std::swap(now_, next_);
    if (!done) continue;
    if (behind != nullptr) begun_.emplace(connection(), behind->row(0));
    break;
  }
  guard.done();
}

// Fills the slice from `begin`.  A batch without positions between its rows is one slice: half of it could
// not be named.
void RedisOnceSink::fill(Slice& slice, const Batch& batch, std::size_t begin, Rows whose) {
  slice.commit->clear();
  slice.rows = 0;
  const bool whole = !batch.divisible();
  std::size_t row = begin;
  for (; row < batch.rows(); ++row) {
    const bool full =
        slice.rows >= options_.max_operations || slice.commit->bytes() >= options_.max_bytes.count();
    if (full && !whole) break;
    if (whose == Rows::OfThisBatch && bad_[row]) continue;
    const std::string wrong = slice.commit->append(batch, row);
    if (wrong.empty()) {
      ++slice.rows;
      continue;
    }
    if (whose == Rows::OfTheNext) break;  // judged when its batch is committed
    bad_[row] = true;
    context_.bad_records.take(BadRecord{row_json(batch, row), wrong});
  }
  slice.end = row;
  slice.to = batch.position_at(row, batch.position());
}

// Positions of other partitions come with it.
Task<> RedisOnceSink::begin(Slice& slice, Position from) {
  slice.from = std::move(from);
  Moves moves{slice.from, slice.to, {}};
  for (const auto& [partition, text] : unsaved_.all()) {
    if (partition != slice.to.partition() && saved_.at(partition).text() != text)
      moves.others.emplace_back(partition, text);
  }
  co_await slice.commit->begin(connection(), moves, RedisCommit::Send::WithTheEnd);
}

// All that is unsaved comes with the slice under way: this one brings no more.
Task<> RedisOnceSink::begin_ahead(Slice& slice, Position from) {
  slice.from = std::move(from);
  const Moves moves{slice.from, slice.to, {}};
  co_await slice.commit->begin(connection(), moves, RedisCommit::Send::Ahead);
}

// Begins what comes after the slice under way, and returns the batch that it is of: this one, or the next.
// nullptr: there is nothing.
Task<const Batch*> RedisOnceSink::begin_after(const Batch& batch) {
  const bool more = now_.end < batch.rows();
  const Batch* next = more ? &batch : following(batch);
  if (next == nullptr) co_return nullptr;
  fill(next_, *next, more ? now_.end : 0, more ? Rows::OfThisBatch : Rows::OfTheNext);
  const bool half = next_.end < next->rows() && !next->divisible();
  if (!more && (next_.rows == 0 || half)) co_return nullptr;
  const std::string& partition = next->partition();
  const bool unsaved = unsaved_.all().contains(partition);
  Position from = unsaved ? unsaved_.at(partition) : saved_.at(partition);
  if (partition == batch.partition()) from = now_.to;
  co_await begin_ahead(next_, std::move(from));
  co_return next;
}

// Plain commands, also where a script will write the rows: itself it would tell a person nothing.
Task<std::vector<std::string>> RedisOnceSink::preview(const Batch& batch) {
  rows_->bind(batch.schema());
  redis::CommandBuffer out;
  std::set<std::string> keys;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const std::string wrong = rows_->commands(batch, row, out);
    if (wrong.empty()) {
      keys.insert(rows_->key_of(batch, row));
    } else {
      context_.bad_records.take(BadRecord{row_json(batch, row), wrong});
    }
  }
  for (const std::string& key : keys) rows_->commands_at_end(key, out);
  co_return redis::command_lines(out);
}

Task<> RedisOnceSink::conclude() {
  crash_point("before_commit");
  co_await now_.commit->conclude(connection());
  crash_point("after_commit_before_reply");
}

Task<Outcome> RedisOnceSink::finish() {
  Outcome outcome = co_await now_.commit->receive(connection());
  if (!outcome.written()) co_return outcome;
  for (const auto& [partition, text] : unsaved_.all()) saved_.advance(Position(partition, text));
  unsaved_ = Positions();
  saved_.advance(now_.to);
  renewed_ = context_.clock.now();
  co_return outcome;
}

Task<> RedisOnceSink::abandon(Slice& slice) {
  CloseUnlessDone guard(connection());
  take_begun();
  co_await slice.commit->abandon(connection());
  guard.done();
}

// Makes the position say what the rows do, and throws.
Task<> RedisOnceSink::mend(const Outcome& outcome) {
  co_await checkpoint_.correct(connection(), outcome.reached);
  throw Error(*outcome.refused);
}

// Every row of the slice whose key is of another type.
void RedisOnceSink::take_bad(const Batch& batch, const std::vector<BadKey>& bad) {
  std::map<std::string_view, std::string_view> types;
  for (const auto& [key, type] : bad) types.emplace(key, type);
  for (std::size_t row = first_row_; row < now_.end; ++row) {
    if (bad_[row]) continue;
    const std::string name = rows_->key_of(batch, row);
    const auto found = types.find(name);
    if (found == types.end()) continue;
    bad_[row] = true;
    context_.bad_records.take(BadRecord{
        row_json(batch, row),
        fmt::format("Redis: the key '{}' holds a {}, not a {}", name, found->second, rows_->key_type())});
  }
}

Task<> RedisOnceSink::settle(Settle why) {
  const auto behind = [this](const auto& entry) { return saved_.at(entry.first).text() != entry.second; };
  const auto next_behind = [&] { return std::find_if(unsaved_.all().begin(), unsaved_.all().end(), behind); };
  const bool lease_due = context_.clock.now() - renewed_ >= kRenewLease;
  const bool idle = next_behind() == unsaved_.all().end() && !lease_due;
  if (begun_ && (!idle || why == Settle::End)) co_await abandon(now_);
  CloseUnlessDone guard(connection());
  while (next_behind() != unsaved_.all().end()) {
    const auto [partition, text] = *next_behind();
    now_.commit->clear();
    now_.to = Position(partition, text);
    co_await begin(now_, saved_.at(partition));
    co_await conclude();
    const Outcome outcome = co_await finish();
    if (outcome.refused) co_await mend(outcome);
  }
  unsaved_ = Positions();
  if (lease_due) co_await renew();
  guard.done();
}

Task<> RedisOnceSink::renew() {
  redis::CommandBuffer commands;
  redis::Replies replies;
  checkpoint_.append_watch(commands);
  co_await connection().execute(commands.view(), commands.commands(), replies);
  if (!checkpoint_.ours(replies[1])) throw checkpoint_.lost(replies[1]);
  commands.clear();
  checkpoint_.append_lease(commands);
  co_await connection().execute(commands.view(), 1, replies);
  if (replies[0].error()) throw redis::to_error(replies[0].text());
  renewed_ = context_.clock.now();
}

}  // namespace syncd::jobs
