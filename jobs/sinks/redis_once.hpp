// Sinks whose writes must not repeat: the rows and the position that they reach are one commit, all of which
// happens or nothing.  How it travels depends on the rows (docs/adr/0012): redis_script.hpp where they write
// several keys, redis_transaction.hpp where they write one.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobs/sinks/redis_sink.hpp"

namespace syncd::jobs {

class RowScript;

// What one row means to Redis.
class RowWrites {
 public:
  virtual ~RowWrites() = default;
  virtual void bind(const Schema& schema) = 0;
  // Of the keys, as TYPE says; "" where rows write no key.
  virtual std::string_view key_type() const = 0;
  // The key that the row writes; "" for none.  Precondition: the row can be written.
  virtual std::string key_of(const Batch& batch, std::size_t row) = 0;
  // How a script writes them; nullptr where all rows write the same key, or none: then either all of them can
  // be written, or none can.
  virtual RowScript* script() = 0;

  // Appends the row's commands.  Returns why the row cannot be written, and appends nothing then; "" for a
  // good one.
  virtual std::string commands(const Batch& batch, std::size_t row, redis::CommandBuffer& out) = 0;
  // Appends what follows the rows of a commit, once for each key.
  virtual void commands_at_end(std::string_view key, redis::CommandBuffer& out) const = 0;
};

// The positions that a commit brings.
struct Moves {
  Position from;  // of the rows' partition: what Redis says now
  Position to;
  std::vector<Position> others;  // of other partitions
};

// A key that holds something else than the rows would write.
struct BadKey {
  std::string key;
  std::string type;
};

// What became of a commit.
struct Outcome {
  std::vector<BadKey> bad;       // because of which nothing was written
  std::optional<Error> refused;  // why only some of it was done, of rows and position
  Position reached;              // what the position should say then

  bool written() const noexcept { return bad.empty() && !refused; }
};

// Some rows on their way to Redis, with their positions.
class RedisCommit {
 public:
  virtual ~RedisCommit() = default;
  // The rows have another schema from here on.
  virtual void bind() = 0;
  virtual void clear() = 0;
  // Returns why the row cannot be written, "" for a good one.
  virtual std::string append(const Batch& batch, std::size_t row) = 0;
  // What was appended, about.
  virtual std::size_t bytes() const = 0;

  // Where the commit in front of this one is under way, what may be sent before it is known that it was
  // written; else there is nothing that Redis could do before it has all.
  enum class Send { Ahead, WithTheEnd };
  virtual Task<> begin(redis::Connection& connection, const Moves& moves, Send send) = 0;
  // Takes back what begin() sent.
  virtual Task<> abandon(redis::Connection& connection) = 0;
  // Sends what makes it happen.
  virtual Task<> conclude(redis::Connection& connection) = 0;
  // Throws where nothing was done because this run may not write, or Redis cannot.
  virtual Task<Outcome> receive(redis::Connection& connection) = 0;
};

class RedisOnceSink final : public RedisSink {
 public:
  RedisOnceSink(RedisOptions options, std::unique_ptr<RowWrites> rows, RunContext& context);

  Task<> commit(const Batch& batch, const Position& previous) override;
  Task<> settle(Settle why) override;
  Task<std::vector<std::string>> preview(const Batch& batch) override;

 private:
  // Rows of a batch, up to `end`.
  struct Slice {
    std::unique_ptr<RedisCommit> commit;
    std::size_t rows = 0;
    std::size_t end = 0;
    Position from;
    Position to;
  };
  enum class Rows { OfThisBatch, OfTheNext };

  Slice make_slice();
  void fill(Slice& slice, const Batch& batch, std::size_t begin, Rows whose);
  Task<> begin(Slice& slice, Position from);
  Task<> begin_ahead(Slice& slice, Position from);
  Task<const Batch*> begin_after(const Batch& batch);
  Task<> conclude();
  Task<Outcome> finish();
  Task<> abandon(Slice& slice);
  Task<> mend(const Outcome& outcome);
  Task<> renew();
  void take_bad(const Batch& batch, const std::vector<BadKey>& bad);

  std::unique_ptr<RowWrites> rows_;
  std::vector<bool> bad_;      // rows of the batch that are dealt with
  std::size_t first_row_ = 0;  // of the slice under way
  Slice now_;
  Slice next_;  // filled while Redis works on the one under way
};

}  // namespace syncd::jobs
