#include "jobs/sinks/redis_transaction.hpp"

#include <fmt/format.h>

namespace syncd::jobs {
namespace {

// KEYS: checkpoint, lease, the key of the rows.
// ARGV: the key's type, epoch, lease in ms; then field and position of each partition that has come further.
// In full each time: a forgotten script would be noticed only by EXEC, when the rows are written.
constexpr std::string_view kMove = R"(
local type = redis.call('TYPE', KEYS[3]).ok
if type ~= 'none' and type ~= ARGV[1] then return type end
for i = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return ''
)";

}  // namespace

std::string TransactionCommit::append(const Batch& batch, std::size_t row) {
  std::string wrong = rows_.commands(batch, row, row_commands_);
  if (wrong.empty() && key_.empty()) key_ = rows_.key_of(batch, row);
  return wrong;
}

Task<> TransactionCommit::begin(redis::Connection& connection, const Moves& moves, Send send) {
  from_ = moves.from;
  to_ = moves.to;
  commands_.clear();
  commands_.add("MULTI");
  append_positions(moves);
  leading_ = commands_.commands() - 1;
  commands_.append(row_commands_);
  if (!key_.empty()) rows_.commands_at_end(key_, commands_);
  queued_ = commands_.commands() - 1;
  if (send == Send::Ahead) {
    co_await connection.send(commands_.view());
  } else {
    co_await connection.begin(commands_.view());
  }
}

// Without a key plain commands do: for a script alone EXEC would not look whether Redis takes writes.
void TransactionCommit::append_positions(const Moves& moves) {
  std::vector<Position> all = moves.others;
  all.push_back(moves.to);
  if (key_.empty()) {
    for (const Position& position : all) {
      commands_.add("HSET", checkpoint_.key(), RedisCheckpoint::field(position.partition()), position.text());
    }
    checkpoint_.append_lease(commands_);
    return;
  }
  commands_.command(3 + 3 + 3 + 2 * all.size());
  commands_.argument("EVAL").argument(kMove).argument("3");
  commands_.argument(checkpoint_.key()).argument(checkpoint_.lease_key()).argument(key_);
  commands_.argument(rows_.key_type()).argument(checkpoint_.epoch()).argument(kLeaseMilliseconds);
  for (const Position& position : all) {
    commands_.argument(RedisCheckpoint::field(position.partition())).argument(position.text());
  }
}

Task<> TransactionCommit::abandon(redis::Connection& connection) {
  conclusion_.clear();
  conclusion_.add("DISCARD");
  checkpoint_.append_watch(conclusion_);
  co_await connection.send(conclusion_.view());
  co_await connection.receive(1, replies_);
  const std::size_t skipped = co_await connection.skip_queued(queued_);
  co_await connection.receive(queued_ - skipped + 3, replies_);
  const redis::Reply held = replies_[replies_.count() - 1];
  if (!checkpoint_.ours(held)) throw checkpoint_.lost(held);
}

Task<> TransactionCommit::conclude(redis::Connection& connection) {
  conclusion_.clear();
  conclusion_.add("EXEC");
  checkpoint_.append_watch(conclusion_);
  co_await connection.send(conclusion_.view());
}

Task<Outcome> TransactionCommit::receive(redis::Connection& connection) {
  const redis::Reply exec = co_await checkpoint_.receive_exec(connection, queued_, replies_);
  const std::size_t rows = row_commands_.commands();
  std::size_t written = 0;
  std::optional<Error> refused;
  redis::Reply reply = exec.first();
  for (std::size_t i = 0; i < queued_; ++i, reply = reply.next()) {
    const bool row = i >= leading_ && i < leading_ + rows;
    if (reply.error()) {
      if (!refused) refused = redis::to_commit_error(reply.text());
    } else if (row) {
      ++written;
    }
  }
  Outcome outcome;
  const redis::Reply type = exec.first();
  const bool other_type = !key_.empty() && !type.error() && !type.text().empty();
  if (other_type && written == 0) {
    outcome.bad.push_back(BadKey{key_, std::string(type.text())});
    co_return outcome;
  }
  if (other_type && !refused) {
    refused =
        Error(ErrorKind::Transient, fmt::format("Redis: the key '{}' has just been a {}", key_, type.text()));
  }
  // Redis refuses one of them in the middle of a transaction where a stream has no id left, or an ACL has
  // just been changed.  Of a part of the rows no position can tell: they come once more.
  outcome.refused = refused;
  outcome.reached = written == rows ? to_ : from_;
  co_return outcome;
}

}  // namespace syncd::jobs
