// PostgresCheckpoint: where a job stands and who runs it, in a small table beside its data.
//
//   job  partition  position  epoch  owner  lease_until
//
// The row of the partition "" is there for every job: it names the epoch, which is one taking-over, and holds
// the lease.  An epoch begins with the identity of the state directory, so that a restarted daemon goes on at
// once and another one waits for the end of the lease.  All calls are made on a session's thread.
#pragma once
#include <string>

#include "daemon/postgres/name.hpp"
#include "daemon/postgres/session.hpp"
#include "jobs/component.hpp"

namespace syncd::jobs {

class PostgresCheckpoint {
 public:
  PostgresCheckpoint(const RunContext& context, const postgres::TableName& table);

  // Makes this run the only one that may write, and returns where the job stands.  Throws a Fenced error
  // while another daemon holds the lease.  Makes the table where it is missing.
  Positions take_over(postgres::Session& session);
  // Only looks.
  Positions recall(postgres::Session& session) const;
  // Replaces the positions under an epoch of its own, so that no run goes on with the old ones.
  void assign(postgres::Session& session, const Positions& positions);

  // In a transaction, first of all: renews the lease, and keeps others out until the end of the transaction.
  // Throws a Fenced error where the job is no longer ours, a Transient one where the row is gone.
  void hold(postgres::Session& session) const;
  // In the same transaction.
  void save(postgres::Session& session, const Positions& positions) const;

  // Statement that makes the table.
  std::string definition() const;
  const std::string& table() const noexcept { return table_; }

 private:
  Positions begin_epoch(postgres::Session& session, const Positions* replacement);
  Positions positions(postgres::Session& session) const;
  bool exists(postgres::Session& session) const;

  std::string job_;
  std::string instance_;
  std::string table_;  // quoted
  std::string epoch_;
};

}  // namespace syncd::jobs
