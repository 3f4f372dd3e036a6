// Items: a table that fault tests write, and Redis held against it.
//
// items(id, version, text, updated_at, serial, tx): a trigger counts the versions of a row and writes them
// into its text, and keeps `tx` for late_commits = "xid".
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/postgres_server.hpp"
#include "tests/support/redis_server.hpp"

namespace syncd::test {

// id -> "VERSION TEXT"
using Versions = std::map<std::int64_t, std::string>;

class Items {
 public:
  explicit Items(PostgresServer& server);

  PostgresServer& server() const noexcept { return server_; }
  const std::string& database() const noexcept { return database_; }
  std::string uri() const { return server_.uri(database_); }
  Table exec(const std::string& sql) const { return server_.exec(sql, database_); }
  std::string value(const std::string& sql) const { return server_.value(sql, database_); }

  void insert(int count = 1) const;
  // The newest version of these rows; `where` is SQL.
  void touch(const std::string& where) const;

  // What is committed now; `where` is SQL.
  Versions rows(const std::string& where = "true") const;

 private:
  PostgresServer& server_;
  std::string database_;
};

// What the hashes PREFIX:ID say.
Versions hashes(RedisServer& redis, const std::string& prefix = "item");

// One entry of a stream.
struct Entry {
  std::int64_t id;
  std::int64_t version;
  std::string value;  // "VERSION TEXT"
};
std::vector<Entry> entries(RedisServer& redis, const std::string& stream);
// The last entry of each row.
Versions newest(const std::vector<Entry>& entries);

// "" where both are the same; else how many rows are missing, stale and too many, and which, for people.
std::string difference(const Versions& want, const Versions& have);
// "" where no version came twice and none after a newer one; else which did.
std::string repeated(const std::vector<Entry>& entries);

}  // namespace syncd::test
