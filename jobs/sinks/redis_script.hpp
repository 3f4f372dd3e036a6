// The commit of sinks whose writes must not repeat: one script checks the epoch, compares the position with
// the one that is expected, looks at the type of every key, writes the rows and the new position last. Either
// all of it happens or nothing, and a second try of the same commit is recognised.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "jobs/sinks/message_pack.hpp"
#include "jobs/sinks/redis_sink.hpp"

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

// What one row means to the script.
class RowScript {
 public:
  virtual ~RowScript() = default;
  virtual void bind(const Schema& schema) = 0;
  // Lua that writes one row.  `at, a, b, c = read(rows, 3, at)` takes the next three values and moves on; a
  // key's number is an index of KEYS, a NULL is nil.  `call` is redis.call.
  virtual std::string write() const = 0;
  // Lua at the end, once for each key in the variable `key`; "" for none.
  virtual std::string finish() const = 0;
  // Of the keys, as TYPE says; "" where rows write no key.
  virtual std::string_view key_type() const = 0;
  // Appends the row's values.  Returns why the row cannot be written, "" for a good one.
  virtual std::string append(const Batch& batch, std::size_t row, ScriptRows& out) = 0;
  // The commands that write() comes to for a row that append() took, and that finish() comes to for a key.
  virtual void show(const Batch& batch, std::size_t row, redis::CommandBuffer& out) = 0;
  virtual void show_finish(std::string_view key, redis::CommandBuffer& out) const = 0;
  // The key that the row writes; for rows whose key is of another type.
  virtual std::string key_of(const Batch& batch, std::size_t row) = 0;
};

// A text as a Lua string literal, whatever its bytes.
std::string lua_string(std::string_view text);

class RedisScriptSink final : public RedisSink {
 public:
  RedisScriptSink(RedisOptions options, std::unique_ptr<RowScript> rows, RunContext& context);

  Task<std::optional<Positions>> open() override;
  Task<> commit(const Batch& batch, const Position& previous) override;
  Task<> settle(Settle why) override;
  Task<std::vector<std::string>> preview(const Batch& batch) override;

 private:
  std::size_t fill(ScriptRows& slice, const Batch& batch, std::size_t begin);
  void take_bad(const Batch& batch, std::size_t end, const redis::Reply& reply);
  void assemble(const Position& to);
  Task<> load_script();
  Task<> send(const Position& to);
  Task<bool> finish(const Batch* batch, std::size_t end, const Position& to);

  std::unique_ptr<RowScript> rows_;
  std::shared_ptr<const Schema> bound_;
  std::string sha_;
  Positions saved_;
  Positions unsaved_;  // of batches without rows
  TimePoint renewed_{};
  std::size_t begin_ = 0;  // of the slice under way
  std::vector<bool> bad_;  // rows of the batch that are dealt with
  ScriptRows slice_;
  ScriptRows next_;  // filled while Redis works on the slice
  redis::CommandBuffer commands_;
  redis::Replies replies_;
};

}  // namespace syncd::jobs
