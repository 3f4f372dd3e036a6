// The commit of sinks whose writes must not repeat: one script checks the epoch, compares the position with
// the one that is expected, looks at the type of every key, writes the rows and the new position last. Either
// all of it happens or nothing, and a second try of the same commit is recognised.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "jobs/sinks/redis_sink.hpp"

namespace syncd::jobs {

// The rows of one commit on their way to the script: the keys that they write, each once, and their
// arguments.
class ScriptRows {
 public:
  // The number under which the script finds this key.
  std::size_t key(std::string_view name);
  void argument(std::string_view text) {
    arguments_.argument(text);
    ++count_;
  }
  void clear();

  const std::vector<std::string>& keys() const noexcept { return keys_; }
  std::string_view bytes() const noexcept { return arguments_.view(); }
  std::size_t count() const noexcept { return count_; }

 private:
  std::vector<std::string> keys_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
  redis::CommandBuffer arguments_;
  std::size_t count_ = 0;
};

// What one row means to the script.
class RowScript {
 public:
  virtual ~RowScript() = default;
  virtual void bind(const Schema& schema) = 0;
  // Lua that writes the row whose arguments begin at ARGV[at], and moves `at` to the next one.
  virtual std::string write() const = 0;
  // Lua at the end, once for each key in the variable `key`; "" for none.
  virtual std::string finish() const = 0;
  // Of the keys, as TYPE says; "" where rows write no key.
  virtual std::string_view key_type() const = 0;
  // Appends the row's arguments.  Returns why the row cannot be written, "" for a good one.
  virtual std::string append(const Batch& batch, std::size_t row, ScriptRows& out) = 0;
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
  Task<> settle() override;

 private:
  std::size_t fill(const Batch& batch, std::size_t begin);
  void take_bad(const Batch& batch, std::size_t end, const redis::Reply& reply);
  void assemble(const Position& to);
  Task<> load_script();
  Task<bool> run(const Batch* batch, std::size_t end, const Position& to);

  std::unique_ptr<RowScript> rows_;
  std::shared_ptr<const Schema> bound_;
  std::string sha_;
  Positions saved_;
  Positions unsaved_;  // of batches without rows
  TimePoint renewed_{};
  std::size_t begin_ = 0;  // of the slice under way
  std::vector<bool> bad_;  // rows of the batch that are dealt with
  ScriptRows slice_;
  redis::CommandBuffer commands_;
  redis::Replies replies_;
};

}  // namespace syncd::jobs
