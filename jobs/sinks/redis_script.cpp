#include "jobs/sinks/redis_script.hpp"

#include <fmt/format.h>

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

// Before the first row its columns are unknown, and there is only a position to write.
ScriptCommit::ScriptCommit(const RowWrites& rows, RowScript& script, const RedisCheckpoint& checkpoint)
    : rows_(rows), script_(script), checkpoint_(checkpoint), lua_(kBegin) {
  lua_ += kEnd;
}

void ScriptCommit::bind() {
  lua_ = kBegin;
  lua_ += fmt::format("local KEY_TYPE = {}\n", lua_string(rows_.key_type()));
  lua_ += kTypes;
  lua_ += fmt::format(
      "local call, read, rows = redis.call, cmsgpack.unpack_limit, ARGV[{}]\n"
      "local at = 0\nif rows == '' then at = -1 end\nwhile at >= 0 do\n{}end\n",
      kArguments, script_.lua());
  if (const std::string end = script_.lua_at_end(); !end.empty()) {
    lua_ += fmt::format("for i = 3, #KEYS do\nlocal key = KEYS[i]\n{}end\n", end);
  }
  lua_ += kEnd;
}

Task<> ScriptCommit::begin(redis::Connection&, const Moves& moves, Send) {
  commands_.clear();
  commands_.command(3 + 2 + packed_.keys().size() + kArguments + 2 * moves.others.size());
  // In full: a thousand rows are a hundred times as long, and there is nothing that Redis could forget.
  commands_.argument("EVAL");
  commands_.argument(lua_);
  commands_.argument(static_cast<std::uint64_t>(2 + packed_.keys().size()));
  commands_.argument(checkpoint_.key());
  commands_.argument(checkpoint_.lease_key());
  for (const std::string& key : packed_.keys()) commands_.argument(key);
  commands_.argument(checkpoint_.epoch());
  commands_.argument(RedisCheckpoint::field(moves.to.partition()));
  commands_.argument(moves.from.text());
  commands_.argument(moves.to.text());
  commands_.argument(kLeaseMilliseconds);
  commands_.argument(packed_.bytes());
  for (const Position& other : moves.others) {
    commands_.argument(RedisCheckpoint::field(other.partition()));
    commands_.argument(other.text());
  }
  co_return;
}

Task<Outcome> ScriptCommit::receive(redis::Connection& connection) {
  co_await connection.receive(1, replies_);
  const redis::Reply reply = replies_[0];
  if (reply.error()) throw redis::to_commit_error(reply.text());
  const std::string_view verdict = reply.first().text();
  if (verdict == "lost") throw checkpoint_.lost_to(reply.at(1).text(), reply.at(2).text());
  if (verdict == "conflict") {
    throw Error(
        ErrorKind::Transient,
        fmt::format("{} is not where this run left it: nothing was written; the next attempt goes on from "
                    "what it says",
                    checkpoint_.key()));
  }
  Outcome outcome;
  if (verdict != "bad") co_return outcome;
  redis::Reply key = reply.first().next();
  for (std::size_t i = 1; i + 1 < reply.size(); i += 2) {
    const redis::Reply type = key.next();
    outcome.bad.push_back(BadKey{std::string(key.text()), std::string(type.text())});
    key = type.next();
  }
  co_return outcome;
}

}  // namespace syncd::jobs
