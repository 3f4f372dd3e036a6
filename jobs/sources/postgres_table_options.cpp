#include <fmt/format.h>

#include <algorithm>

#include "config/suggest.hpp"
#include "jobs/sources/postgres_table.hpp"

namespace syncd::jobs {
namespace {

const config::Fields<FenceIgnore>& fence_ignore_fields() {
  static const auto all =
      config::Fields<FenceIgnore>()
          .add("application_name", &FenceIgnore::application_name, "names as they stand in pg_stat_activity")
          .example("pg_dump");
  return all;
}

std::optional<LateCommits> parse_late(const std::string& text, std::chrono::nanoseconds& lag) {
  if (text == "fence") return LateCommits::Fence;
  if (text == "xid") return LateCommits::Xid;
  if (text == "ignore") return LateCommits::Ignore;
  if (text.rfind("lag:", 0) != 0) return std::nullopt;
  lag = config::parse_duration(std::string_view(text).substr(4));
  return LateCommits::Lag;
}

void check_options(const config::Table& table, PostgresTableOptions& options, bool repeats_harmlessly) {
  try {
    // The default, where another type stands there.
    const auto late = parse_late(options.late_commits, options.lag);
    if (!late) {
      table.fail("late_commits", config::unknown_text("late_commits", options.late_commits,
                                                      {"fence", "xid", "lag:10s", "ignore"}));
    } else {
      options.late = *late;
    }
  } catch (const config::ValueError& error) {
    table.fail("late_commits", fmt::format("'late_commits': {}", error.what()));
  }
  if (options.fence == FenceWay::Reread && !repeats_harmlessly) {
    table.fail("fence",
               "\"reread\" delivers rows twice, and this sink's writes must not repeat: use \"hold\"");
  }
  if (!options.columns.empty()) {
    std::vector<std::string> sorted = options.columns;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
      table.fail("columns", fmt::format("'columns' names {} twice", config::quoted(*twice)));
  }
}

}  // namespace

const config::Fields<PostgresTableOptions>& postgres_table_fields() {
  using namespace std::chrono_literals;
  using O = PostgresTableOptions;
  static const auto all =
      config::Fields<O>()
          .required("connection", &O::connection, "a connection of type postgres")
          .example("app")
          .required("table", &O::table, "what to read: table, schema.table, or quoted parts")
          .example("public.users")
          .check([](const std::string& table) -> std::optional<std::string> {
            if (TableName::parse(table)) return std::nullopt;
            return "is no name of a table: write table or schema.table, with double quotes around unusual "
                   "parts";
          })
          .add("columns", &O::columns,
               "columns to deliver; default: all, in the order of the table, also those that are added later")
          .add("where", &O::where,
               "your own SQL condition; a row that leaves it is not seen again (see delete_if)")
          .example("tenant = 7")
          .required("cursor", &O::cursor,
                    "columns that order the rows; together unique, NOT NULL, with an index")
          .example("updated_at")
          .check([](const std::vector<std::string>& cursor) -> std::optional<std::string> {
            if (cursor.empty()) return "must name at least one column";
            return std::nullopt;
          })
          .add("batch_rows", &O::batch_rows, "rows of a page")
          .range(1, 1'000'000)
          .add("late_commits", &O::late_commits,
               "what is done about transactions that commit late: \"fence\", \"xid\", \"lag:10s\" or "
               "\"ignore\"")
          .add("fence", &O::fence,
               "how the fence is used: read late ranges again, or hold them back; auto: re-read where the "
               "sink's writes "
               "may be repeated")
          .add("fence_ignore", &O::fence_ignore, fence_ignore_fields(),
               "whose transactions never write this table")
          .add("settle", &O::settle,
               "the last moment by a timestamp cursor, which somebody may still write into unseen: read "
               "again, "
               "or held back; longer than the server lets a process wait for its processor")
          .range(0s, 1h)
          .add("hold_wait", &O::hold_wait,
               "how long a run waits for transactions that are open: to hold back, at its end (unless "
               "continuous); "
               "to re-read, at its start, a second at most")
          .range(0s, 24h)
          .add("poll", &O::poll, "pause between looks of a continuous job that has caught up")
          .range(10ms, 1h)
          .add("on_source_change", &O::on_source_change,
               "when the server is another one or went back in time; auto: rescan where writes may be "
               "repeated, else halt")
          .add("on_null_cursor", &O::on_null_cursor,
               "rows whose cursor is NULL can never be read: halt, or ignore them")
          .add("timeout", &O::timeout, "for one page; default: that of the connection")
          .range(1s, 24h);
  return all;
}

PostgresTableOptions read_options(const config::Table& table, bool repeats_harmlessly) {
  PostgresTableOptions options;
  postgres_table_fields().read(table, options);
  check_options(table, options, repeats_harmlessly);
  options.hold = options.fence == FenceWay::Hold || (options.fence == FenceWay::Auto && !repeats_harmlessly);
  options.rescan = options.on_source_change == OnSourceChange::Rescan ||
                   (options.on_source_change == OnSourceChange::Auto && repeats_harmlessly);
  return options;
}

std::vector<std::string> guarantees(const PostgresTableOptions& options) {
  std::vector<std::string> lines;
  switch (options.late) {
    case LateCommits::Fence:
      lines.push_back(
          options.hold
              ? "no row missed: a range is delivered once every transaction that may still write into it has "
                "ended (fence, hold); each version once"
              : "no row missed: delivered at once; what a transaction has committed late is read again when "
                "it has ended (fence, re-read)");
      break;
    case LateCommits::Xid:
      lines.emplace_back(
          "no row missed: read in the order of transaction ids, below the oldest that still runs (xid)");
      break;
    case LateCommits::Lag:
      lines.push_back(
          fmt::format("best effort: rows of transactions that take longer than {} are missed (lag)",
                      config::format(options.lag)));
      break;
    case LateCommits::Ignore:
      lines.emplace_back("rows of transactions that commit late ARE MISSED (late_commits = \"ignore\")");
      break;
  }
  lines.push_back(fmt::format("hard deletes are not seen{}; another or restored server: {}",
                              options.where.empty() ? "" : ", nor rows that leave `where`",
                              options.rescan ? "the whole table is read again" : "the job halts"));
  return lines;
}

}  // namespace syncd::jobs
