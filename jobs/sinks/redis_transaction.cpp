#include "jobs/sinks/redis_transaction.hpp"

namespace syncd::jobs {
namespace {

// KEYS: checkpoint, lease, then the key of the rows, if they write one.
// ARGV: the key's type, epoch, lease in ms; then field and position of each partition that has come further.
// In full each time: a forgotten script would be noticed only by EXEC, when the rows are written.
constexpr std::string_view kMove = R"(
local type = KEYS[3] and redis.call('TYPE', KEYS[3]).ok or 'none'
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

Task<> TransactionCommit::begin(redis::Connection& connection, const Moves& moves) {
  moves_ = moves;
  commands_.clear();
  commands_.add("MULTI");
  const std::uint64_t keys = key_.empty() ? 2 : 3;
  commands_.command(3 + keys + 3 + 2 * (1 + moves.others.size()));
  commands_.argument("EVAL").argument(kMove).argument(keys);
  commands_.argument(checkpoint_.key()).argument(checkpoint_.lease_key());
  if (!key_.empty()) commands_.argument(key_);
  commands_.argument(rows_.key_type()).argument(checkpoint_.epoch()).argument(kLeaseMilliseconds);
  commands_.argument(RedisCheckpoint::field(moves.to.partition())).argument(moves.to.text());
  for (const Position& other : moves.others) {
    commands_.argument(RedisCheckpoint::field(other.partition())).argument(other.text());
  }
  commands_.append(row_commands_);
  if (!key_.empty()) rows_.commands_at_end(key_, commands_);
  queued_ = commands_.commands() - 1;
  co_await connection.send(commands_.view());
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
  const redis::Reply moved = exec.first();
  Outcome outcome;
  if (!moved.error() && !moved.text().empty()) {
    outcome.bad.push_back(BadKey{key_, std::string(moved.text())});
    co_return outcome;
  }
  if (moved.error()) outcome.refused = redis::to_commit_error(moved.text());
  const std::size_t rows = row_commands_.commands();
  std::size_t written = 0;
  redis::Reply row = moved.next();
  for (std::size_t i = 0; i < rows; ++i, row = row.next()) {
    if (!row.error()) {
      ++written;
    } else if (!outcome.refused) {
      outcome.refused = redis::to_commit_error(row.text());
    }
  }
  if (moved.error() && written == 0) throw Error(*outcome.refused);
  // Redis refuses one of them in the middle of a transaction where a stream has no id left, or an ACL has
  // just been changed.  Of a part of the rows no position can tell: they come once more.
  outcome.reached = written == rows ? moves_.to : moves_.from;
  co_return outcome;
}

}  // namespace syncd::jobs
