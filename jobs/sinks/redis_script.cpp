#include "jobs/sinks/redis_script.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/crash_point.hpp"
#include "daemon/redis/command_text.hpp"
#include "jobs/row_json.hpp"

namespace syncd::jobs {
namespace {

// KEYS: checkpoint, lease, then the keys of the rows.
// ARGV: epoch, field, previous position, new position, lease in ms, the rows; then field and position of
// each other partition that has come further.
constexpr std::string_view kBegin = R"(
local held = redis.call('HMGET', KEYS[1], 'epoch', ARGV[2])
if held[1] ~= ARGV[1] then
  return {'lost', held[1] or '', redis.call('HGET', KEYS[1], 'owner') or ''}
end
local at_position = held[2] or ''
if at_position == ARGV[4] and ARGV[3] ~= ARGV[4] then return {'dup'} end
if at_position ~= ARGV[3] then return {'conflict', at_position} end
)";
constexpr std::string_view kTypes = R"(
local bad = {'bad'}
for i = 3, #KEYS do
  local type = redis.call('TYPE', KEYS[i]).ok
  if type ~= 'none' and type ~= KEY_TYPE then
    bad[#bad + 1] = KEYS[i]
    bad[#bad + 1] = type
  end
end
if #bad > 1 then return bad end
)";
constexpr std::string_view kEnd = R"(
redis.call('HSET', KEYS[1], ARGV[2], ARGV[4])
for i = 7, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[5])
return {'ok'}
)";
constexpr std::size_t kArguments = 6;  // of them, without those of other partitions

// Before the first row its columns are unknown, and there is only a position to write.
std::string script_of(const RowScript& rows, bool bound) {
  std::string lua(kBegin);
  if (!bound) return lua + std::string(kEnd);
  if (!rows.key_type().empty()) {
    lua += fmt::format("local KEY_TYPE = {}\n", lua_string(rows.key_type()));
    lua += kTypes;
  }
  lua += fmt::format(
      "local call, read, rows = redis.call, cmsgpack.unpack_limit, ARGV[{}]\n"
      "local at = 0\nif rows == '' then at = -1 end\nwhile at >= 0 do\n{}end\n",
      kArguments, rows.write());
  if (const std::string finish = rows.finish(); !finish.empty()) {
    lua += fmt::format("for i = 3, #KEYS do\nlocal key = KEYS[i]\n{}end\n", finish);
  }
  return lua + std::string(kEnd);
}

}  // namespace

void ScriptRows::key(std::string_view name) {
  auto found = numbers_.find(name);
  if (found == numbers_.end()) {
    keys_.emplace_back(name);
    const auto number = static_cast<std::uint32_t>(keys_.size() + 2);  // behind the two of the checkpoint
    found = numbers_.emplace(keys_.back(), number).first;
  }
  values_.number(found->second);
}

void ScriptRows::clear() {
  keys_.clear();
  numbers_.clear();
  values_.clear();
}

std::string lua_string(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x20 && byte < 0x7F && c != '\'' && c != '\\';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("\\{:03}", byte);
    }
  }
  return out + "'";
}

RedisScriptSink::RedisScriptSink(RedisOptions options, std::unique_ptr<RowScript> rows, RunContext& context)
    : RedisSink(std::move(options), context), rows_(std::move(rows)) {}

Task<std::optional<Positions>> RedisScriptSink::open() {
  auto positions = co_await RedisSink::open();
  saved_ = *positions;
  renewed_ = context_.clock.now();
  co_return positions;
}

Task<> RedisScriptSink::commit(const Batch& batch, const Position&) {
  if (batch.empty()) {
    unsaved_.advance(batch.position());
    co_return;
  }
  if (batch.shared_schema() != bound_) {
    rows_->bind(batch.schema());
    bound_ = batch.shared_schema();
    co_await load_script();
  }
  bad_.assign(batch.rows(), false);
  begin_ = 0;
  std::size_t end = fill(slice_, batch, begin_);
  CloseUnlessDone guard(connection());
  while (begin_ < batch.rows()) {
    const Position to = batch.position_at(end, batch.position());
    co_await send(to);
    const std::size_t next_end = fill(next_, batch, end);
    const bool written = co_await finish(&batch, end, to);
    if (written) {
      std::swap(slice_, next_);
      begin_ = std::exchange(end, next_end);
    } else {
      end = fill(slice_, batch, begin_);
    }
  }
  guard.done();
}

// Fills the slice from `begin` and returns its end.  A batch without positions between its rows is one slice:
// half of it could not be named.
std::size_t RedisScriptSink::fill(ScriptRows& slice, const Batch& batch, std::size_t begin) {
  slice.clear();
  const bool whole = !batch.divisible();
  std::size_t rows = 0;
  std::size_t row = begin;
  for (; row < batch.rows(); ++row) {
    const bool full = rows >= options_.max_operations || slice.bytes().size() >= options_.max_bytes.count();
    if (full && !whole) break;
    if (bad_[row]) continue;
    const std::string wrong = rows_->append(batch, row, slice);
    if (wrong.empty()) {
      ++rows;
    } else {
      bad_[row] = true;
      context_.bad_records.take(BadRecord{row_json(batch, row), wrong});
    }
  }
  return row;
}

// The commands that the script comes to: itself it would tell a person nothing.
Task<std::vector<std::string>> RedisScriptSink::preview(const Batch& batch) {
  rows_->bind(batch.schema());
  ScriptRows taken;
  redis::CommandBuffer out;
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const std::string wrong = rows_->append(batch, row, taken);
    if (wrong.empty()) {
      rows_->show(batch, row, out);
    } else {
      context_.bad_records.take(BadRecord{row_json(batch, row), wrong});
    }
  }
  for (const std::string& key : taken.keys()) rows_->show_finish(key, out);
  co_return redis::command_lines(out);
}

void RedisScriptSink::assemble(const Position& to) {
  using std::chrono::milliseconds;
  const auto lease = static_cast<std::uint64_t>(milliseconds(kLease).count());
  std::vector<Position> others;
  for (const auto& [partition, text] : unsaved_.all()) {
    if (partition != to.partition() && saved_.at(partition).text() != text)
      others.emplace_back(partition, text);
  }
  commands_.clear();
  commands_.command(3 + 2 + slice_.keys().size() + kArguments + 2 * others.size());
  commands_.argument("EVALSHA");
  commands_.argument(sha_);
  commands_.argument(static_cast<std::uint64_t>(2 + slice_.keys().size()));
  commands_.argument(checkpoint_.key());
  commands_.argument(checkpoint_.lease_key());
  for (const std::string& key : slice_.keys()) commands_.argument(key);
  commands_.argument(checkpoint_.epoch());
  commands_.argument(RedisCheckpoint::field(to.partition()));
  commands_.argument(saved_.at(to.partition()).text());
  commands_.argument(to.text());
  commands_.argument(lease);
  commands_.argument(slice_.bytes());
  for (const Position& other : others) {
    commands_.argument(RedisCheckpoint::field(other.partition()));
    commands_.argument(other.text());
  }
}

Task<> RedisScriptSink::load_script() {
  std::vector<std::string> load{"SCRIPT", "LOAD", script_of(*rows_, bound_ != nullptr)};
  const redis::Replies loaded = co_await connection().command(std::move(load));
  sha_ = loaded[0].text();
}

Task<> RedisScriptSink::send(const Position& to) {
  assemble(to);
  crash_point("before_commit");
  co_await connection().send(commands_.view());
  crash_point("after_commit_before_reply");
}

// False: nothing was written; some rows are now known as bad, or the script was loaded again.
Task<bool> RedisScriptSink::finish(const Batch* batch, std::size_t end, const Position& to) {
  co_await connection().receive(1, replies_);
  const redis::Reply reply = replies_[0];
  if (reply.error()) {
    if (reply.text().starts_with("NOSCRIPT")) {
      co_await load_script();
      co_return false;
    }
    const Error error = redis::to_error(reply.text());
    throw Error(error.kind() == ErrorKind::Data ? ErrorKind::Permanent : error.kind(), error.what());
  }
  const std::string_view verdict = reply.first().text();
  if (verdict == "lost") {
    throw checkpoint_.lost_to(reply.at(1).text(), reply.at(2).text());
  }
  if (verdict == "conflict") {
    throw Error(
        ErrorKind::Transient,
        fmt::format("{} is not where this run left it: nothing was written; the next attempt goes on from "
                    "what it says",
                    checkpoint_.key()));
  }
  if (verdict == "bad") {
    take_bad(*batch, end, reply);
    co_return false;
  }
  for (const auto& [partition, text] : unsaved_.all()) saved_.advance(Position(partition, text));
  unsaved_ = Positions();
  saved_.advance(to);
  renewed_ = context_.clock.now();
  co_return true;
}

// Every row of the slice whose key is of another type.
void RedisScriptSink::take_bad(const Batch& batch, std::size_t end, const redis::Reply& reply) {
  std::map<std::string, std::string, std::less<>> types;
  redis::Reply key = reply.first().next();
  for (std::size_t i = 1; i + 1 < reply.size(); i += 2) {
    const redis::Reply type = key.next();
    types.emplace(key.text(), type.text());
    key = type.next();
  }
  for (std::size_t row = begin_; row < end; ++row) {
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

Task<> RedisScriptSink::settle(Settle) {
  slice_.clear();
  const auto behind = [this](const auto& entry) { return saved_.at(entry.first).text() != entry.second; };
  while (true) {
    const auto& waiting = unsaved_.all();
    const auto first = std::find_if(waiting.begin(), waiting.end(), behind);
    if (first == waiting.end()) break;
    if (sha_.empty()) co_await load_script();
    const Position to(first->first, first->second);
    co_await send(to);
    co_await finish(nullptr, 0, to);
  }
  unsaved_ = Positions();
  if (context_.clock.now() - renewed_ < kRenewLease) co_return;
  redis::CommandBuffer renew;
  renew.add("HMGET", checkpoint_.key(), "epoch", "owner");
  co_await connection().execute(renew.view(), 1, replies_);
  if (!checkpoint_.ours(replies_[0])) throw checkpoint_.lost(replies_[0]);
  renew.clear();
  checkpoint_.append_lease(renew);
  co_await connection().execute(renew.view(), 1, replies_);
  if (replies_[0].error()) throw redis::to_error(replies_[0].text());
  renewed_ = context_.clock.now();
}

}  // namespace syncd::jobs
