// PostgresReader: calls on some connection of the pool, so that pages of many jobs take turns.  Each new
// session must be of the very server and table that the run began with.
#pragma once
#include <set>
#include <string>

#include "daemon/postgres/pool.hpp"
#include "jobs/component.hpp"
#include "jobs/sources/postgres_table.hpp"

namespace syncd::jobs {

class PostgresReader {
 public:
  PostgresReader(postgres::Pool& pool, const PostgresTableOptions& options)
      : pool_(pool), options_(options), limit_(options.timeout.value_or(pool.options().timeout)) {}

  // Runs fn(session) on the connection's thread; `fn` captures references to the awaiting frame only.
  template <class F>
  auto call(std::string doing, F fn) -> Task<std::invoke_result_t<F, postgres::Session&>> {
    auto lease = co_await pool_.acquire();
    auto result = co_await lease->run(limit_, std::move(doing), [this, &fn](postgres::Session& session) {
      guard(session);
      return fn(session);
    });
    co_return result;
  }

  // From now on every session must show this identity (TableInfo::identity).
  void expect(std::string identity) { identity_ = std::move(identity); }

 private:
  // Throws a Transient error: the next attempt begins with the new server, and decides what that means.
  void guard(postgres::Session& session);

  postgres::Pool& pool_;
  const PostgresTableOptions& options_;
  Duration limit_;
  std::string identity_;
  std::set<std::uint64_t> known_;  // sessions that have shown it
};

}  // namespace syncd::jobs
