#include "jobs/sources/postgres_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace syncd::jobs {
namespace {

std::uint64_t number(std::string_view text) { return std::stoull(std::string(text)); }

// The 64-bit form of a transaction id that runs: it is near the snapshot's xmax.
std::uint64_t whole_xid(std::uint64_t low, std::uint64_t xmax) {
  constexpr std::uint64_t kEpoch = std::uint64_t{1} << 32;
  const std::uint64_t candidate = (xmax & ~(kEpoch - 1)) | low;
  if (candidate > xmax + kEpoch / 2 && candidate >= kEpoch) return candidate - kEpoch;
  if (candidate + kEpoch / 2 < xmax) return candidate + kEpoch;
  return candidate;
}

std::string holder_text(const Holder& holder) {
  std::string text = "pid " + holder.pid;
  if (!holder.application.empty()) text += " app=" + holder.application;
  if (!holder.user.empty()) text += " user=" + holder.user;
  return text;
}

std::string upper_expression(const UpperBound& bound) {
  switch (bound.kind) {
    case UpperBound::Kind::None:
      return "''";
    case UpperBound::Kind::Clock:
    case UpperBound::Kind::LocalClock:
      return fmt::format("({})::text", clock_sql(bound, bound.behind));
    case UpperBound::Kind::Maximum:
      return fmt::format("coalesce((SELECT max({}) FROM {})::text, '')", quote_identifier(bound.name),
                         bound.table);
  }
  return "''";
}

}  // namespace

const TableColumn* TableInfo::find(std::string_view name) const noexcept {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const TableColumn& column) { return column.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

TableInfo load_table(postgres::Session& session, const TableName& table) {
  TableInfo info;
  info.version = session.server_version();
  if (info.version < 130000) {
    throw Error(ErrorKind::Permanent,
                fmt::format("PostgreSQL {} is too old: 13 or newer is needed", info.version / 10000));
  }
  const auto rows = session.exec(
      // A domain may be made of a domain.
      "WITH RECURSIVE made_of (attnum, type) AS ("
      "  SELECT attnum, atttypid FROM pg_attribute"
      "   WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
      "  UNION ALL SELECT attnum, typbasetype FROM made_of JOIN pg_type ON oid = type WHERE typtype = 'd')"
      "SELECT a.attname, format_type(a.atttypid, -1), t.typname, NOT a.attnotnull, c.relkind, t.oid"
      "  FROM made_of m JOIN pg_type t ON t.oid = m.type AND t.typtype <> 'd'"
      "  JOIN pg_attribute a ON a.attrelid = to_regclass($1) AND a.attnum = m.attnum"
      "  JOIN pg_class c ON c.oid = a.attrelid ORDER BY a.attnum",
      {table.quoted()});
  if (rows.size() == 0) {
    throw Error(ErrorKind::Permanent,
                fmt::format("there is no table {} that this user can see", table.quoted()));
  }
  for (std::size_t row = 0; row < rows.size(); ++row) {
    TableColumn column;
    column.name = rows.text(row, 0);
    column.type = rows.text(row, 1);
    column.base = rows.text(row, 2);
    column.nullable = rows.text(row, 3) == "t";
    column.base_oid = static_cast<std::uint32_t>(number(rows.text(row, 5)));
    info.columns.push_back(std::move(column));
    info.kind = rows.text(row, 4).front();
  }
  const auto server =
      session.exec("SELECT pg_is_in_recovery(), (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')");
  info.standby = server.text(0, 0) == "t";
  info.default_zone = server.text(0, 1);
  info.identity = load_identity(session, table);
  return info;
}

std::string load_identity(postgres::Session& session, const TableName& table) {
  // The timeline of the last checkpoint lags behind a promotion; the one being written does not, but a
  // standby has none.
  const auto rows = session.exec(
      "SELECT (SELECT system_identifier FROM pg_control_system()),"
      "  CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())"
      "       ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,"
      "  (SELECT oid FROM pg_database WHERE datname = current_database()), to_regclass($1)::oid",
      {table.quoted()});
  return fmt::format("{}/{}/{}/{}", rows.text(0, 0), rows.text(0, 1), rows.text(0, 2), rows.text(0, 3));
}

std::string clock_sql(const UpperBound& bound, std::chrono::nanoseconds ago) {
  const bool local = bound.kind == UpperBound::Kind::LocalClock;
  if (!local && bound.kind != UpperBound::Kind::Clock) return "";
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(ago).count();
  std::string clock = "clock_timestamp()";
  if (micros != 0) clock = fmt::format("({} - interval '{} microseconds')", clock, micros);
  return local ? fmt::format("({} AT TIME ZONE '{}')", clock, bound.zone) : clock;
}

bool set_back(postgres::Session& session, const UpperBound& bound, const std::string& reached) {
  const auto rows = session.exec(
      "SELECT coalesce(pg_sequence_last_value(sequence) < $3::bigint, false)"
      "  FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS sequence) own"
      " WHERE has_sequence_privilege(sequence, 'SELECT, USAGE')",
      {bound.table, bound.name, reached});
  return rows.size() > 0 && rows.text(0, 0) == "t";
}

std::string explain_identity(const std::string& now, const std::string& before) {
  constexpr std::array<std::string_view, 4> kParts = {
      "another server (system identifier", "a server with another history (timeline",
      "another database of that name (oid", "another table of that name (oid"};
  std::string_view a = now;
  std::string_view b = before;
  for (const std::string_view part : kParts) {
    const std::string_view one = a.substr(0, a.find('/'));
    const std::string_view other = b.substr(0, b.find('/'));
    if (one != other) return fmt::format("{} {} instead of {})", part, one, other);
    a.remove_prefix(std::min(one.size() + 1, a.size()));
    b.remove_prefix(std::min(other.size() + 1, b.size()));
  }
  return "the same server";
}

Observation observe(postgres::Session& session, const UpperBound& bound, bool transactions,
                    const std::vector<std::string>& ignored_applications, Holders& holders) {
  Observation seen;
  // Order matters: the snapshot first, then the bound and the transaction ids, then who may still write below
  // the bound.  Read in one statement with the virtualxids, an id could be that of the same backend's next
  // transaction, and the rows of the one before would be left out of the second read.
  const std::string shown = clock_sql(bound, bound.settle);
  const auto first = session.exec(fmt::format(
      "SELECT {}, pg_snapshot_xmin(pg_current_snapshot()), pg_snapshot_xmax(pg_current_snapshot()),"
      " pg_postmaster_start_time(), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, {}{}",
      upper_expression(bound), shown.empty() ? "''" : "(" + shown + ")::text",
      transactions ? ", (SELECT string_agg(pid || ' ' || backend_xid, ' ') FROM pg_stat_activity)" : ""));
  seen.upper = first.text(0, 0);
  seen.xmin = number(first.text(0, 1));
  seen.xmax = number(first.text(0, 2));
  seen.boot = first.text(0, 3);
  seen.wall_us = static_cast<std::int64_t>(number(first.text(0, 4)));
  seen.shown = first.text(0, 5);

  holders = Holders{};
  if (!transactions) return seen;
  std::map<std::string, std::uint64_t> ids;  // of the backends that had one
  std::istringstream pairs{std::string(first.text(0, 6))};
  std::uint64_t id = 0;
  for (std::string pid; pairs >> pid >> id;) ids.emplace(pid, whole_xid(id, seen.xmax));
  postgres::Params params;
  std::string ignored;
  for (const std::string& application : ignored_applications) {
    params.emplace_back(application);
    ignored += fmt::format("{}${}", ignored.empty() ? "" : ", ", params.size());
  }
  // A backend that is not in pg_stat_activity yet counts: in doubt we wait.  A worker of autovacuum, the
  // only one with a database but no user, writes no rows; nor do those of our sessions that are called so.
  const auto live = session.exec(
      fmt::format(
          "SELECT l.virtualxid || ':' || l.pid, l.pid, coalesce(a.application_name, ''),"
          "  coalesce(a.usename, '')"
          "  FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
          " WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted"
          "   AND l.pid <> pg_backend_pid()"
          "   AND coalesce(a.datname = current_database() AND a.usesysid IS NOT NULL, true)"
          "   AND NOT coalesce(a.application_name = '{}' AND a.usename = session_user, false){}"
          " ORDER BY a.xact_start NULLS LAST, l.virtualxid",
          postgres::kReader,
          ignored.empty()
              ? ""
              : fmt::format(" AND coalesce(a.application_name, '') <> ALL (ARRAY[{}]::text[])", ignored)),
      params);
  for (std::size_t row = 0; row < live.size(); ++row) {
    std::string virtualxid(live.text(row, 0));
    Holder holder;
    holder.rank = row;
    holder.pid = live.text(row, 1);
    holder.application = live.text(row, 2);
    holder.user = live.text(row, 3);
    // One that had no id then gets one that is not below xmax.
    const auto found = ids.find(holder.pid);
    seen.live.emplace(virtualxid, found == ids.end() ? seen.xmax : found->second);
    holders.by_virtualxid.emplace(std::move(virtualxid), std::move(holder));
  }
  const auto prepared =
      session.exec("SELECT transaction, gid FROM pg_prepared_xacts WHERE database = current_database()");
  for (std::size_t row = 0; row < prepared.size(); ++row) {
    seen.prepared.emplace(prepared.text(row, 0), whole_xid(number(prepared.text(row, 0)), seen.xmax));
    holders.prepared.emplace(prepared.text(row, 0), prepared.text(row, 1));
  }
  return seen;
}

std::string describe_holder(const OpenRange& range, const Holders& holders) {
  const Holder* oldest = nullptr;
  for (const auto& [virtualxid, xid] : range.waiting) {
    const auto found = holders.by_virtualxid.find(virtualxid);
    if (found == holders.by_virtualxid.end()) continue;
    if (oldest == nullptr || found->second.rank < oldest->rank) oldest = &found->second;
  }
  if (oldest != nullptr) return holder_text(*oldest);
  for (const auto& [xid, whole] : range.prepared) {
    const auto found = holders.prepared.find(xid);
    if (found != holders.prepared.end()) return fmt::format("prepared transaction '{}'", found->second);
  }
  return "a transaction that has just ended";
}

std::string describe_horizon(postgres::Session& session, const PageShape& shape) {
  const auto waiting = session.exec(
      fmt::format("SELECT EXISTS (SELECT 1 FROM {} WHERE {} >= pg_snapshot_xmin(pg_current_snapshot()){})",
                  shape.table, quote_identifier(shape.cursor.front().name),
                  shape.where.empty() ? "" : " AND (" + shape.where + "\n)"));
  if (waiting.text(0, 0) != "t") return "";
  const auto rows = session.exec(
      "SELECT pid::text, coalesce(application_name, ''), coalesce(usename, ''), age(backend_xid)"
      "  FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
      " UNION ALL SELECT NULL, gid, '', age(transaction) FROM pg_prepared_xacts ORDER BY 4 DESC LIMIT 1");
  if (rows.size() == 0) return "a transaction that has just ended";
  if (rows.null(0, 0)) return fmt::format("prepared transaction '{}'", rows.text(0, 1));
  Holder holder;
  holder.pid = rows.text(0, 0);
  holder.application = rows.text(0, 1);
  holder.user = rows.text(0, 2);
  return holder_text(holder);
}

}  // namespace syncd::jobs
