// The history of the jobs: schedule::History over SQLite.
#include <fmt/format.h>

#include "daemon/store/database.hpp"

namespace syncd::store {
namespace {

constexpr std::uint32_t kTrimEvery = 50;  // rows of a job

constexpr const char* kColumns =
    "id, job, cause, planned_us, until_us, occurrences, started_us, ended_us, outcome, error, resumed,"
    " attempts, rows, bytes";

}  // namespace

RunRecord Database::read_run(const sqlite::Statement& row) {
  RunRecord run;
  run.id = row.number(0);
  run.job = row.text(1);
  run.cause = schedule::cause_of(row.text(2));
  run.planned = row.time(3);
  run.until = row.optional_time(4);
  run.occurrences = static_cast<std::uint64_t>(row.number(5));
  run.started = row.time(6);
  run.ended = row.optional_time(7);
  run.outcome = row.text(8);
  run.error = row.text(9);
  run.resumed = static_cast<std::uint32_t>(row.number(10));
  run.attempts = static_cast<std::uint32_t>(row.number(11));
  run.rows = static_cast<std::uint64_t>(row.number(12));
  run.bytes = static_cast<std::uint64_t>(row.number(13));
  return run;
}

// --- what the scheduler knows of a job ---------------------------------------------------------------

std::optional<schedule::JobState> Database::state(const std::string& job) {
  sqlite::Statement select(
      handle_,
      "SELECT schedule, decided_us, ended_us, succeeded, why_not, failures FROM job_states"
      " WHERE job = ?");
  select.bind(job);
  if (!select.step()) return std::nullopt;
  schedule::JobState state;
  state.schedule = select.text(0);
  state.decided = select.time(1);
  state.ended = select.optional_time(2);
  if (!select.null(3)) state.succeeded = select.number(3) != 0;
  state.why_not = select.text(4);
  state.failures = static_cast<std::uint32_t>(select.number(5));
  return state;
}

void Database::save(const std::string& job, const schedule::JobState& state) {
  sqlite::Statement upsert(
      handle_,
      "INSERT OR REPLACE INTO job_states (job, schedule, decided_us, ended_us, succeeded, why_not,"
      " failures) VALUES (?, ?, ?, ?, ?, ?, ?)");
  upsert.bind(job).bind(state.schedule).bind(state.decided).bind(state.ended);
  upsert.bind(state.succeeded ? std::optional<std::int64_t>(*state.succeeded ? 1 : 0) : std::nullopt);
  upsert.bind(state.why_not).bind(static_cast<std::int64_t>(state.failures)).step();
}

// --- rows --------------------------------------------------------------------------------------------

bool Database::begin(RunRecord& run, const schedule::JobState& state) {
  sqlite::Transaction transaction(handle_);
  sqlite::Statement insert(handle_,
                           "INSERT OR IGNORE INTO runs (job, cause, planned_us, started_us, outcome)"
                           " VALUES (?, ?, ?, ?, 'running')");
  insert.bind(run.job).bind(std::string(to_string(run.cause))).bind(run.planned).bind(run.started).step();
  const bool fresh = sqlite3_changes(handle_.get()) == 1;
  if (fresh) {
    run.id = sqlite3_last_insert_rowid(handle_.get());
    trim(run.job, run.started);
  }
  save(run.job, state);
  transaction.commit();
  return fresh;
}

void Database::go_on(const RunRecord& run) {
  sqlite::Statement update(
      handle_, "UPDATE runs SET outcome = 'running', ended_us = NULL, error = '', resumed = ? WHERE id = ?");
  update.bind(static_cast<std::int64_t>(run.resumed)).bind(run.id).step();
}

void Database::end(const RunRecord& run, const schedule::JobState& state, bool fold) {
  sqlite::Transaction transaction(handle_);
  {
    sqlite::Statement update(
        handle_,
        "UPDATE runs SET ended_us = ?, outcome = ?, error = ?, attempts = ?, rows = ?, bytes = ?"
        " WHERE id = ?");
    update.bind(run.ended.value_or(run.started)).bind(run.outcome).bind(run.error);
    update.bind(static_cast<std::int64_t>(run.attempts)).bind(static_cast<std::int64_t>(run.rows));
    update.bind(static_cast<std::int64_t>(run.bytes)).bind(run.id).step();
  }
  save_positions(run);
  if (fold) join_with_previous(run);
  save(run.job, state);
  transaction.commit();
}

void Database::save_positions(const RunRecord& run) {
  for (const auto& [partition, after] : run.after) {
    const auto before = run.before.find(partition);
    sqlite::Statement upsert(handle_,
                             "INSERT INTO run_positions (run, partition, before, after) VALUES (?, ?, ?, ?)"
                             " ON CONFLICT DO UPDATE SET after = excluded.after");
    upsert.bind(run.id).bind(partition);
    upsert.bind(before == run.before.end() ? std::string() : before->second).bind(after).step();
  }
}

// The newer row stays, and stands for both.
void Database::join_with_previous(const RunRecord& run) {
  sqlite::Statement previous(
      handle_,
      "SELECT id, planned_us, occurrences, attempts FROM runs WHERE id ="
      " (SELECT max(id) FROM runs WHERE job = ? AND id < ?) AND outcome = ? AND error = ?");
  previous.bind(run.job).bind(run.id).bind(run.outcome).bind(run.error);
  if (!previous.step()) return;
  const std::int64_t id = previous.number(0);
  sqlite::Statement erase(handle_, "DELETE FROM runs WHERE id = ?");
  erase.bind(id).step();
  sqlite::Statement update(
      handle_,
      "UPDATE runs SET until_us = planned_us, planned_us = ?, occurrences = occurrences + ?,"
      " attempts = attempts + ? WHERE id = ?");
  update.bind(previous.number(1)).bind(previous.number(2)).bind(previous.number(3)).bind(run.id).step();
}

void Database::not_run(const RunRecord& row, const schedule::JobState& state) {
  sqlite::Transaction transaction(handle_);
  const WallTime until = row.until.value_or(row.planned);
  const auto count = static_cast<std::int64_t>(row.occurrences);
  {
    sqlite::Statement join(
        handle_,
        "UPDATE runs SET until_us = ?, occurrences = occurrences + ?"
        " WHERE id = (SELECT max(id) FROM runs WHERE job = ?) AND cause = ? AND outcome = ?"
        " AND error = ? AND coalesce(until_us, planned_us) < ?");
    join.bind(until).bind(count).bind(row.job).bind(std::string(to_string(row.cause)));
    join.bind(row.outcome).bind(row.error).bind(row.planned).step();
  }
  if (sqlite3_changes(handle_.get()) == 0) {
    sqlite::Statement insert(
        handle_,
        "INSERT INTO runs (job, cause, planned_us, until_us, occurrences, started_us, ended_us,"
        " outcome, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(row.job).bind(std::string(to_string(row.cause))).bind(row.planned);
    insert.bind(row.until).bind(count).bind(row.started).bind(row.started);
    insert.bind(row.outcome).bind(row.error).step();
    trim(row.job, row.started);
  }
  save(row.job, state);
  transaction.commit();
}

// --- asking ------------------------------------------------------------------------------------------

std::optional<RunRecord> Database::last_run(const std::string& job) {
  sqlite::Statement select(handle_,
                           fmt::format("SELECT {} FROM runs WHERE job = ? AND outcome NOT IN ('running',"
                                       " 'skipped', 'missed') ORDER BY id DESC LIMIT 1",
                                       kColumns));
  select.bind(job);
  if (!select.step()) return std::nullopt;
  return read_run(select);
}

std::optional<RunRecord> Database::interrupted(const std::string& job) {
  auto last = last_run(job);
  if (last && last->outcome != "interrupted") last.reset();
  return last;
}

std::vector<RunRecord> Database::history(const HistoryFilter& filter) {
  std::string where = "1";
  if (filter.job) where += " AND job = ?";
  if (filter.failed_only) where += " AND outcome NOT IN ('succeeded', 'running')";
  if (filter.since) where += " AND started_us >= ?";
  sqlite::Statement select(
      handle_, fmt::format("SELECT {} FROM runs WHERE {} ORDER BY id DESC LIMIT ?", kColumns, where));
  if (filter.job) select.bind(*filter.job);
  if (filter.since) select.bind(*filter.since);
  select.bind(static_cast<std::int64_t>(filter.limit));
  std::vector<RunRecord> found;
  while (select.step()) found.push_back(read_run(select));
  for (RunRecord& run : found) read_positions(run);
  return found;
}

void Database::read_positions(RunRecord& run) {
  sqlite::Statement select(handle_, "SELECT partition, before, after FROM run_positions WHERE run = ?");
  select.bind(run.id);
  while (select.step()) {
    run.before[select.text(0)] = select.text(1);
    run.after[select.text(0)] = select.text(2);
  }
}

// --- how much is kept --------------------------------------------------------------------------------

void Database::keep_history(std::uint64_t runs, std::chrono::nanoseconds age, WallTime now) {
  keep_runs_ = runs;
  keep_age_ = std::chrono::duration_cast<WallTime::duration>(age);
  rows_since_trim_.clear();
  if (age.count() == 0) return;
  sqlite::Statement erase(handle_,
                          "DELETE FROM runs WHERE started_us < ? AND outcome <> 'running'"
                          " AND id < (SELECT max(id) FROM runs AS newer WHERE newer.job = runs.job)");
  erase.bind(now - keep_age_).step();
}

// The newest row stays, however old it is.
void Database::trim(const std::string& job, WallTime now) {
  const auto [rows, first] = rows_since_trim_.try_emplace(job, 0U);
  if (!first && ++rows->second < kTrimEvery) return;
  rows->second = 0;
  if (keep_runs_ != 0) {
    sqlite::Statement by_count(handle_,
                               "DELETE FROM runs WHERE job = ? AND outcome <> 'running' AND id <="
                               " (SELECT id FROM runs WHERE job = ? ORDER BY id DESC LIMIT 1 OFFSET ?)");
    by_count.bind(job).bind(job).bind(static_cast<std::int64_t>(keep_runs_)).step();
  }
  if (keep_age_.count() != 0) {
    sqlite::Statement by_age(handle_,
                             "DELETE FROM runs WHERE job = ? AND started_us < ? AND outcome <> 'running'"
                             " AND id < (SELECT max(id) FROM runs WHERE job = ?)");
    by_age.bind(job).bind(now - keep_age_).bind(job).step();
  }
}

}  // namespace syncd::store
