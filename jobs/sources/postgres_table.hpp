// The options of postgres_table, and what they come to on a real server.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "jobs/batch.hpp"
#include "jobs/sources/keyset_sql.hpp"
#include "jobs/sources/postgres_position.hpp"
#include "jobs/sources/postgres_server.hpp"

namespace syncd::jobs {

enum class LateCommits { Fence, Xid, Lag, Ignore };

enum class FenceWay { Auto, Reread, Hold };
constexpr auto enum_names(FenceWay) {
  return std::array{config::EnumName("auto", FenceWay::Auto), config::EnumName("reread", FenceWay::Reread),
                    config::EnumName("hold", FenceWay::Hold)};
}
enum class OnSourceChange { Auto, Rescan, Halt };
constexpr auto enum_names(OnSourceChange) {
  return std::array{config::EnumName("auto", OnSourceChange::Auto),
                    config::EnumName("rescan", OnSourceChange::Rescan),
                    config::EnumName("halt", OnSourceChange::Halt)};
}
enum class OnNullCursor { Halt, Ignore };
constexpr auto enum_names(OnNullCursor) {
  return std::array{config::EnumName("halt", OnNullCursor::Halt),
                    config::EnumName("ignore", OnNullCursor::Ignore)};
}

struct FenceIgnore {
  std::vector<std::string> application_name;
};

struct PostgresTableOptions {
  std::string connection;
  std::string table;
  std::vector<std::string> columns;
  std::string where;
  std::vector<std::string> cursor;
  std::uint32_t batch_rows = 5000;
  std::string late_commits = "fence";
  LateCommits late = LateCommits::Fence;  // late_commits, parsed
  std::chrono::nanoseconds lag{0};        // of lag:D
  FenceWay fence = FenceWay::Auto;
  FenceIgnore fence_ignore;
  std::chrono::nanoseconds settle = std::chrono::milliseconds(250);
  std::chrono::nanoseconds hold_wait = std::chrono::seconds(10);
  std::chrono::nanoseconds poll = std::chrono::seconds(1);
  OnSourceChange on_source_change = OnSourceChange::Auto;
  OnNullCursor on_null_cursor = OnNullCursor::Halt;
  std::optional<std::chrono::nanoseconds> timeout;

  // What `auto` comes to with this job's sink.
  bool hold = false;
  bool rescan = false;
  bool deletes = false;  // the sink has a delete_if
};

const config::Fields<PostgresTableOptions>& postgres_table_fields();
// Findings go to the table.
PostgresTableOptions read_options(const config::Table& table, bool repeats_harmlessly);
// What they promise, in words.
std::vector<std::string> guarantees(const PostgresTableOptions& options);

// The options against the real table.
struct TableShape {
  PageShape page;
  std::shared_ptr<const Schema> schema;  // what is delivered
  std::vector<std::size_t> cursor;       // where the cursor columns stand in a page
  std::vector<std::uint32_t> types;      // of all columns of a page, as its reply names them
  UpperBound bound;
  TableInfo info;
};

// Throws a Permanent or Config error where the options do not fit: no such column, a cursor that cannot be
// fenced.
TableShape resolve(postgres::Session& session, const PostgresTableOptions& options);

// Microseconds since the epoch of "2026-03-01 10:00:00.123456+00"; nullopt where it is none.
std::optional<std::int64_t> microseconds_of(const std::string& text);

}  // namespace syncd::jobs
