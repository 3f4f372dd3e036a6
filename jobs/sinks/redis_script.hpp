// A commit as one script, for rows that write several keys: it checks the epoch, compares the position with
// the one that is expected, looks at the type of every key, writes the rows and the new position last. Either
// all of it happens or nothing, and a second try of the same commit is recognised.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "jobs/sinks/message_pack.hpp"
#include "jobs/sinks/redis_once.hpp"

namespace syncd::jobs {

// The rows of one commit on their way to the script: the keys that they write, each once, and their
// values.
class ScriptRows {
 public:
  // A value: the number under which the script finds this key.
  void key(std::string_view name);
  void text(std::string_view text) { values_.text(text); }
  void null() { values_.nil(); }
  void clear();

  const std::vector<std::string>& keys() const noexcept { return keys_; }
  std::string_view bytes() const noexcept { return values_.view(); }

 private:
  std::vector<std::string> keys_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  MessagePack values_;
};

// How a script writes rows.
class RowScript {
 public:
  virtual ~RowScript() = default;
  // Lua that writes one row.  `at, a, b, c = read(rows, 3, at)` takes the next three values and moves on; a
  // key's number is an index of KEYS, a NULL is nil.  `call` is redis.call.
  virtual std::string lua() const = 0;
  // Lua at the end, once for each key in the variable `key`; "" for none.
  virtual std::string lua_at_end() const = 0;
  // Appends the row's values.  Returns why the row cannot be written, "" for a good one.
  virtual std::string append(const Batch& batch, std::size_t row, ScriptRows& out) = 0;
};

// A text as a Lua string literal, whatever its bytes.
std::string lua_string(std::string_view text);

class ScriptCommit final : public RedisCommit {
 public:
  // All must outlive it; `script` is that of `rows`.
  ScriptCommit(const RowWrites& rows, RowScript& script, const RedisCheckpoint& checkpoint);

  void bind() override;
  void clear() override { packed_.clear(); }
  std::string append(const Batch& batch, std::size_t row) override {
    return script_.append(batch, row, packed_);
  }
  std::size_t bytes() const override { return packed_.bytes().size(); }
  // One command, which Redis takes up at once: all of it waits for conclude().
  Task<> begin(redis::Connection& connection, const Moves& moves, Send send) override;
  Task<> abandon(redis::Connection&) override { co_return; }
  Task<> conclude(redis::Connection& connection) override { co_await connection.send(commands_.view()); }
  Task<Outcome> receive(redis::Connection& connection) override;

 private:
  const RowWrites& rows_;
  RowScript& script_;
  const RedisCheckpoint& checkpoint_;
  ScriptRows packed_;
  std::string lua_;
  redis::CommandBuffer commands_;
  redis::Replies replies_;
};

}  // namespace syncd::jobs
