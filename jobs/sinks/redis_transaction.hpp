// A commit as one transaction, for rows that write one key or none: the positions, then each row as a plain
// command, between MULTI and EXEC.  That costs Redis a third less than a script.
//
// WATCH is the fence, as in redis_exec.hpp.  EXEC goes on past a command that fails: a script in front of the
// rows therefore looks at the key's type and moves the positions only where all of them can be written.
#pragma once
#include <string>
#include <vector>

#include "jobs/sinks/redis_once.hpp"

namespace syncd::jobs {

class TransactionCommit final : public RedisCommit {
 public:
  // Both must outlive it.
  TransactionCommit(RowWrites& rows, const RedisCheckpoint& checkpoint)
      : rows_(rows), checkpoint_(checkpoint) {}

  void bind() override {}
  void clear() override {
    row_commands_.clear();
    key_.clear();
  }
  std::string append(const Batch& batch, std::size_t row) override;
  std::size_t bytes() const override { return row_commands_.view().size(); }
  // Precondition: the connection watches the checkpoint, as receive() and abandon() leave it.
  Task<> begin(redis::Connection& connection, const Moves& moves, Send send) override;
  Task<> abandon(redis::Connection& connection) override;
  Task<> conclude(redis::Connection& connection) override;
  Task<Outcome> receive(redis::Connection& connection) override;

 private:
  void append_positions(const Moves& moves);

  RowWrites& rows_;
  const RedisCheckpoint& checkpoint_;
  redis::CommandBuffer row_commands_;
  std::string key_;  // that the rows write
  Position from_;
  Position to_;
  redis::CommandBuffer commands_;
  redis::CommandBuffer conclusion_;
  std::size_t leading_ = 0;  // commands between MULTI and the rows
  std::size_t queued_ = 0;   // between MULTI and EXEC
  redis::Replies replies_;
};

}  // namespace syncd::jobs
