// What postgres_table asks a server about itself and the table, as plain calls on a connection's thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/postgres/connection.hpp"
#include "jobs/sources/fence.hpp"
#include "jobs/sources/keyset_sql.hpp"

namespace syncd::jobs {

struct TableColumn {
  std::string name;
  std::string type;  // "timestamp with time zone"
  std::string base;  // typname, of a domain that of what it is made of in the end: "timestamptz"
  std::uint32_t base_oid = 0;
  bool nullable = false;
};

struct TableInfo {
  std::vector<TableColumn> columns;
  char kind = 'r';           // relkind: r p table, v view, m materialised view, f foreign table
  std::string identity;      // "SYSTEM-IDENTIFIER/TIMELINE/DATABASE/TABLE": a restored one differs somewhere
  std::string default_zone;  // the server's own TimeZone, for cursors without one
  bool standby = false;
  int version = 0;  // 150004
  const TableColumn* find(std::string_view name) const noexcept;
};

// Throws a Permanent error where there is no such table, or it cannot be read.
TableInfo load_table(postgres::Session& session, const TableName& table);

// TableInfo::identity alone.
std::string load_identity(postgres::Session& session, const TableName& table);
// "another server (system identifier 1 instead of 2)": the first difference, in words.
std::string explain_identity(const std::string& now, const std::string& before);

// Who holds a virtualxid.
struct Holder {
  std::size_t rank = 0;  // 0: the oldest
  std::string pid;
  std::string application;
  std::string user;
};

struct Holders {
  std::map<std::string, Holder> by_virtualxid;
  std::map<std::string, std::string> prepared;  // xid -> gid
};

// How U is made.
struct UpperBound {
  enum class Kind { None, Clock, LocalClock, Maximum } kind = Kind::None;
  std::chrono::nanoseconds behind{0};  // the clock: U
  std::chrono::nanoseconds settle{0};  // the clock: up to there everybody shows
  std::string zone;                    // LocalClock: of a timestamp without zone
  std::string name;                    // Maximum: of the column
  std::string table;                   // Maximum: quoted
};

// SQL: the clock of a timestamp cursor, or what it was that long ago; "" for other cursors.
std::string clock_sql(const UpperBound& bound, std::chrono::nanoseconds ago = std::chrono::nanoseconds(0));

// The sequence behind a Maximum was set back below `reached`: its next ids are not new to us.  False where
// that cannot be seen.
bool set_back(postgres::Session& session, const UpperBound& bound, const std::string& reached);

// One poll: U and the snapshot first, then (`transactions`) the virtualxids, then the prepared ones.  `upper`
// is "" where there is none (an empty table, Kind::None).
Observation observe(postgres::Session& session, const UpperBound& bound, bool transactions,
                    const std::vector<std::string>& ignored_applications, Holders& holders);

// "pid 4711 app=report user=bi", or the prepared transaction's name.
std::string describe_holder(const OpenRange& range, const Holders& holders);

// xid mode: who keeps rows back that have been committed already, in the same words; "" where none wait.
std::string describe_horizon(postgres::Session& session, const PageShape& shape);

}  // namespace syncd::jobs
