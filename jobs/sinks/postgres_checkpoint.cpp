#include "jobs/sinks/postgres_checkpoint.hpp"

#include <fmt/format.h>

#include <random>

#include "daemon/base/host.hpp"
#include "daemon/postgres/transaction.hpp"
#include "jobs/sinks/byte_text.hpp"
#include "jobs/sinks/lease.hpp"

namespace syncd::jobs {
namespace {

using postgres::Session;

std::string lease_end() { return fmt::format("clock_timestamp() + interval '{} seconds'", kLease.count()); }

}  // namespace

PostgresCheckpoint::PostgresCheckpoint(const RunContext& context, const postgres::TableName& table)
    : job_(context.job), instance_(context.instance), table_(table.quoted()) {}

std::string PostgresCheckpoint::definition() const {
  return fmt::format(
      "CREATE TABLE IF NOT EXISTS {} (job text NOT NULL, partition text NOT NULL, position text,"
      " epoch text, owner text, lease_until timestamptz, PRIMARY KEY (job, partition))",
      table_);
}

bool PostgresCheckpoint::exists(Session& session) const {
  return !session.exec("SELECT to_regclass($1)", {table_}).null(0, 0);
}

Positions PostgresCheckpoint::take_over(Session& session) { return begin_epoch(session, nullptr); }

void PostgresCheckpoint::assign(Session& session, const Positions& positions) {
  begin_epoch(session, &positions);
}

Positions PostgresCheckpoint::recall(Session& session) const {
  return exists(session) ? positions(session) : Positions();
}

Positions PostgresCheckpoint::positions(Session& session) const {
  Positions found;
  const auto rows = session.exec(
      fmt::format("SELECT partition, position FROM {} WHERE job = $1 AND position IS NOT NULL", table_),
      {job_});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    found.advance(Position(bytes_of(rows.text(row, 0)), bytes_of(rows.text(row, 1))));
  }
  return found;
}

// `replacement`, if any, takes the place of the positions that are there.
Positions PostgresCheckpoint::begin_epoch(Session& session, const Positions* replacement) {
  postgres::Transaction transaction(session);
  if (!exists(session)) session.exec(definition());
  session.exec(fmt::format("INSERT INTO {} (job, partition) VALUES ($1, '') ON CONFLICT DO NOTHING", table_),
               {job_});
  // Waits for a commit of the run before, whose fate is not known yet: then its position is known.
  const auto held = session.exec(
      fmt::format("SELECT coalesce(epoch, ''), coalesce(owner, 'unknown'), lease_until > clock_timestamp(),"
                  " ceil(extract(epoch FROM lease_until - clock_timestamp()))::text"
                  " FROM {} WHERE job = $1 AND partition = '' FOR UPDATE",
                  table_),
      {job_});
  const bool ours = held.text(0, 0).starts_with(instance_ + ":");
  if (held.text(0, 2) == "t" && !ours) {
    throw Error(
        ErrorKind::Fenced,
        fmt::format("job '{}' is run by another syncd ({}); its lease ends in {} s unless it is renewed",
                    job_, held.text(0, 1), held.text(0, 3)));
  }
  std::random_device random;
  epoch_ = fmt::format("{}:{:08x}{:08x}", instance_, random(), random());
  session.exec(fmt::format("UPDATE {} SET epoch = $2, owner = $3, lease_until = {} WHERE job = $1 AND "
                           "partition = ''",
                           table_, lease_end()),
               {job_, epoch_, this_process()});
  if (replacement != nullptr) {
    session.exec(fmt::format("DELETE FROM {} WHERE job = $1 AND partition <> ''", table_), {job_});
    session.exec(fmt::format("UPDATE {} SET position = NULL WHERE job = $1", table_), {job_});
    save(session, *replacement);
  }
  Positions now = positions(session);
  transaction.commit();
  return now;
}

void PostgresCheckpoint::hold(Session& session) const {
  const auto mine =
      session.exec(fmt::format("UPDATE {} SET lease_until = {} WHERE job = $1 AND partition = ''"
                               " AND epoch = $2 RETURNING 1",
                               table_, lease_end()),
                   {job_, epoch_});
  if (mine.size() == 1) return;
  const auto now = session.exec(
      fmt::format("SELECT coalesce(owner, 'unknown') FROM {} WHERE job = $1 AND partition = ''", table_),
      {job_});
  if (now.size() == 0) {
    throw Error(
        ErrorKind::Transient,
        fmt::format("the checkpoint of the job was removed from {}: nothing was written; the next attempt "
                    "reads everything again",
                    table_));
  }
  throw Error(
      ErrorKind::Fenced,
      fmt::format("job '{}' was taken over by another run ({}): nothing was written", job_, now.text(0, 0)));
}

void PostgresCheckpoint::save(Session& session, const Positions& positions) const {
  for (const auto& [partition, text] : positions.all()) {
    session.exec(fmt::format("INSERT INTO {} (job, partition, position) VALUES ($1, $2, $3)"
                             " ON CONFLICT (job, partition) DO UPDATE SET position = EXCLUDED.position",
                             table_),
                 {job_, byte_text(partition), byte_text(text)});
  }
}

}  // namespace syncd::jobs
