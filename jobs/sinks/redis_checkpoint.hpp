// RedisCheckpoint: where a job stands and who runs it, kept in Redis beside its data (docs/adr/0002).
//
//   syncd:{JOB}:cp     hash: epoch, owner (for people), position, position:PARTITION
//   syncd:{JOB}:owner  string: the epoch, with a lease
//
// An epoch is one taking-over; it begins with the identity of the state directory, so that a restarted daemon
// goes on at once and another one waits for the end of the lease.
#pragma once
#include <string>
#include <string_view>

#include "daemon/redis/command.hpp"
#include "daemon/redis/connection.hpp"
#include "jobs/component.hpp"
#include "jobs/sinks/lease.hpp"

namespace syncd::jobs {

constexpr auto kLeaseMilliseconds = static_cast<std::uint64_t>(std::chrono::milliseconds(kLease).count());

class RedisCheckpoint {
 public:
  explicit RedisCheckpoint(const RunContext& context);

  const std::string& key() const noexcept { return key_; }
  const std::string& lease_key() const noexcept { return lease_key_; }
  const std::string& epoch() const noexcept { return epoch_; }

  // Makes this run the only one that may write, and returns where the job stands.  Throws a Fenced error
  // while another daemon holds the lease.  The connection watches the checkpoint afterwards.
  Task<Positions> take_over(redis::Connection& connection);
  // Only looks.
  Task<Positions> recall(redis::Connection& connection) const;
  // Replaces the positions under an epoch of its own, so that no run goes on with the old ones.
  Task<> assign(redis::Connection& connection, Positions positions);
  // Makes one position of ours another.  Precondition: the connection watches the checkpoint.
  Task<> correct(redis::Connection& connection, const Position& position) const;
  // The answer to append_watch() says that the checkpoint is still ours.
  bool ours(const redis::Reply& held) const;
  // Why nothing was written, from the same answer: Fenced, or Transient where the checkpoint is gone.
  Error lost(const redis::Reply& held) const;
  // The same, from the epoch and the owner that stand there; an empty epoch: none does.
  Error lost_to(std::string_view epoch, std::string_view owner) const;

  // The hash field of a partition's position.
  static std::string field(const std::string& partition);
  // Keys of this shape belong to checkpoints: no row may write them.
  static bool reserved(std::string_view key) noexcept;
  // Appends SET of the lease.
  void append_lease(redis::CommandBuffer& out) const;
  // Appends WATCH and the question whose the checkpoint is: two replies, the second for ours() and lost().
  void append_watch(redis::CommandBuffer& out) const;
  // Reads the replies to MULTI, `queued` commands, EXEC and append_watch(), and returns EXEC's, one element a
  // command.  Throws where Redis did none of them, and where the checkpoint is no longer ours.
  Task<redis::Reply> receive_exec(redis::Connection& connection, std::size_t queued,
                                  redis::Replies& replies) const;

 private:
  Task<Positions> begin_epoch(redis::Connection& connection, const Positions* replacement);

  std::string job_;
  std::string instance_;
  std::string key_;
  std::string lease_key_;
  std::string epoch_;
};

}  // namespace syncd::jobs
